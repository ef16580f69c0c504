"""Setting a spending limit: the account, the act and the event, in one transaction."""

from dataclasses import dataclass
from uuid import UUID

from sagas.events import LIMIT_SET, limit_data
from sagas.keyed_batch import UnknownWalletError
from shards.book import open_book
from shards.ids import bucket_of
from shards.limits import Limit, read_limit, write_limit
from shards.operator_acts import NewAct, add_act
from shards.shard import Shard
from shards.users import lock_users
from shards.writes import write_together


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOrder:
    """One limit as an operator wants it; `daily` is minor units, None takes it away."""

    user_id: UUID
    currency: str
    daily: int | None
    done_by: str
    reason: str
    traceparent: str


async def set_limit(shard: Shard, order: LimitOrder) -> Limit:
    """Sets the limit of an account; one that is so already is left as it is, without an act.

    What is held or spent above a new limit stays so; it stops what comes next.

    Returns:
        The limit as it stands now.

    Raises:
        UnknownWalletError: there is no such user.
        ShardTransientError: run it again.
    """
    user_id, currency = order.user_id, order.currency
    async with shard.transaction([bucket_of(user_id)]) as conn:
        users = await lock_users(conn, [user_id], wait=True)
        if user_id not in users:
            raise UnknownWalletError(user_id)
        before = await read_limit(conn, user_id=user_id, currency=currency)
        if before.daily == order.daily:
            return before
        await write_limit(conn, user_id=user_id, currency=currency, daily=order.daily)
        act = await add_act(
            conn,
            NewAct(
                act="account.set_limit",
                target_id=user_id,
                done_by=order.done_by,
                reason=order.reason,
                detail=f"{currency}: {_spelled(order.daily)}, before {_spelled(before.daily)}",
            ),
        )
        book = await open_book(conn, users)
        book.tell(
            LIMIT_SET,
            user_id=user_id,
            data=limit_data(user_id, currency, daily=order.daily, act_seq=act.seq),
            traceparent=order.traceparent,
        )
        await write_together(conn, book.writes())
    return Limit(daily=order.daily, spent=before.spent)


def _spelled(daily: int | None) -> str:
    return "no limit" if daily is None else f"{daily} minor units a day"
