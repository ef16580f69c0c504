"""Operators of a system under test: made by the step that the command takes, acting over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from uuid import UUID

from e2e_tests.client import Answer, Client, Member
from e2e_tests.system import BUCKETS, System
from sagas.currency_acts import CurrencyOrder, put_currency
from sagas.operators import UserAct
from sagas.user_acts import UserChanged, UserOrder, change_user
from shards.currencies import find_currencies
from shards.ids import RandomIds, currency_bucket, email_bucket
from shards.router import ShardMap
from tests.databases import open_map

_numbers = count(1)
# What leads to a status.
_ACT_TO = {"open": UserAct.UNFREEZE, "frozen": UserAct.FREEZE, "closed": UserAct.CLOSE}


async def member_on(system: System, client: Client, shard: int, **funds: str) -> Member:
    """A user whose rows are on this shard."""
    buckets = system.databases[shard].buckets
    email = next(
        spelling
        for number in _numbers
        if email_bucket(spelling := f"on-a-shard-{number}@example.com", BUCKETS) in buckets
    )
    return await client.member(email=email, **funds)


async def make_operator(system: System, client: Client, **funds: str) -> Member:
    """A new user who is an operator and has logged in since."""
    member = await client.member(**funds)
    await act(system, member.id, UserAct.MAKE_OPERATOR)
    return await client.login(member)


async def act(system: System, user_id: str, what: UserAct) -> UserChanged:
    """An act on a user, past the gateway."""
    order = UserOrder(
        act=what, user_id=UUID(user_id), done_by="a test", reason="a test", traceparent=""
    )
    async with _shards(system) as shards:
        return await change_user(shards.of_id(order.user_id), order)


async def set_status(system: System, user_id: str, status: str) -> None:
    """The act that leads to this status, past the gateway; a wallet is closed when it is empty."""
    await act(system, user_id, _ACT_TO[status])


async def set_enabled(system: System, code: str, *, enabled: bool) -> None:
    """Enables or disables a currency, past the gateway.

    A gateway that has just seen it may take it for what it was a while.
    """
    async with _shards(system) as shards:
        shard = shards.of_currency(code)
        async with shard.connection() as conn:
            currency = (await find_currencies(conn, [code]))[code]
        order = CurrencyOrder(
            code=code,
            name=currency.name,
            decimals=currency.decimals,
            enabled=enabled,
            act_id=RandomIds().new_id(currency_bucket(code, BUCKETS)),
            done_by="a test",
            reason="a test",
        )
        await put_currency(shard, order)


async def ask(
    client: Client, by: Member, verb: str, user: Member | str, reason: str = "a test"
) -> Answer:
    """An operator's `freeze`, `unfreeze` or `close`, over HTTP."""
    user_id = user if isinstance(user, str) else user.id
    return await client.call("POST", f"/v1/users/{user_id}/{verb}", {"reason": reason}, by=by)


@asynccontextmanager
async def _shards(system: System) -> AsyncIterator[ShardMap]:
    shards = open_map(list(system.databases), buckets=BUCKETS)
    try:
        yield shards
    finally:
        await shards.close()
