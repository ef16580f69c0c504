"""What an operator makes of a currency, on the shard of its code, with its act."""

from dataclasses import dataclass
from uuid import UUID

from shards.connection import Connection
from shards.currencies import Currency, change_currency, create_currency, lock_currency
from shards.ids import bucket_of
from shards.operator_acts import NewAct, add_act
from shards.shard import Shard

CREATED = "currency.create"
CHANGED = "currency.change"


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyOrder:
    """A currency as an operator wants it.

    Attributes:
        enabled: None leaves it as it is; a new one is enabled then.
        act_id: a new id in the bucket of the code, for the act: a currency has none of its own.
        done_by, reason: for the trail.
    """

    code: str
    name: str
    decimals: int
    enabled: bool | None
    act_id: UUID
    done_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class CurrencyPut:
    """The currency as it is now, and whether this order made it."""

    currency: Currency
    created: bool


class DecimalsFixedError(Exception):
    """The currency has other decimals, and they never change."""


async def put_currency(shard: Shard, order: CurrencyOrder) -> CurrencyPut:
    """Makes a currency, or gives the one with this code another name, or enables or disables it.

    One transaction with its act. May be run again: a repeat changes nothing and adds no act.
    Disabling stops new tries and movements, and never what is under way.

    Args:
        shard: of the currency's code.
        order: a name that can stand in the trail, 0 to 18 decimals.

    Raises:
        DecimalsFixedError: every amount in the currency was written with other decimals.
        ShardTransientError: run it again; after `CommitUnknownError` it may have happened.
    """
    new = Currency(order.code, order.name, order.decimals, order.enabled is not False)
    async with shard.transaction([bucket_of(order.act_id)]) as conn:
        if await create_currency(conn, new):
            await _tell(conn, order, CREATED, f"{order.code}: {_state(new)}")
            return CurrencyPut(new, created=True)
        before = await lock_currency(conn, order.code)
        if before.decimals != order.decimals:
            raise DecimalsFixedError(order.code)
        enabled = before.enabled if order.enabled is None else order.enabled
        after = Currency(order.code, order.name, order.decimals, enabled)
        if after != before:
            await change_currency(conn, after)
            await _tell(conn, order, CHANGED, _changed(before, after))
        return CurrencyPut(after, created=False)


async def _tell(conn: Connection, order: CurrencyOrder, act: str, detail: str) -> None:
    await add_act(
        conn,
        NewAct(
            act=act,
            target_id=order.act_id,
            done_by=order.done_by,
            reason=order.reason,
            detail=detail,
        ),
    )


def _changed(before: Currency, after: Currency) -> str:
    """What has changed, and all of what the currency is now, by which the audit knows it."""
    names = [name for name in ("name", "enabled") if getattr(before, name) != getattr(after, name)]
    return f"{after.code}, {' and '.join(names)} changed: {_state(after)}"


def _state(currency: Currency) -> str:
    enabled = "enabled" if currency.enabled else "disabled"
    return f"{currency.decimals} decimals, {enabled}, named {currency.name}"
