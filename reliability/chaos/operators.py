"""What operators do to users: the engine's own step, past gateways and proxies."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from reliability.chaos.load.cast import Member
from sagas.operators import UserAct
from sagas.user_acts import UserOrder, change_user
from shards.pool import ShardOptions
from shards.router import ShardMap
from shards.shard import Shard

_CONNECT_S = 5.0
_OWNED = "SELECT bucket FROM buckets WHERE state <> 'gone'"
_OPTIONS = ShardOptions(pool_size=2, lock_s=1.0)


class Operators:
    """Acts on users, each in a transaction of its own with its act and its event.

    Args:
        shards: of the system, past the proxies.
    """

    def __init__(self, shards: ShardMap) -> None:
        self._shards = shards

    async def act(self, member: Member, act: UserAct) -> None:
        """One act; a repeat changes nothing.

        Raises:
            WalletNotEmptyError: of a close: there is money, or what could come back.
            ShardTransientError: the shard is away or busy; try again.
        """
        order = UserOrder(
            act=act,
            user_id=UUID(member.id),
            done_by="the nemesis",
            reason="it is part of the load",
            traceparent="",
        )
        await change_user(self._shards.of_id(order.user_id), order)

    def by_shard(self, members: Sequence[Member]) -> list[list[Member]]:
        """The same members, those of one shard together, in their order."""
        grouped: dict[str, list[Member]] = {}
        for member in members:
            shard = self._shards.of_id(UUID(member.id))
            grouped.setdefault(shard.name, []).append(member)
        return list(grouped.values())


@asynccontextmanager
async def open_operators(dsns: Mapping[str, str]) -> AsyncIterator[Operators]:
    """Operators of the system that has these databases; all of them must be there at first."""
    shards = []
    for name, dsn in dsns.items():
        conn = await asyncpg.connect(dsn, timeout=_CONNECT_S)
        try:
            buckets = [row["bucket"] for row in await conn.fetch(_OWNED)]
        finally:
            await conn.close()
        shards.append(Shard(name=name, dsn=dsn, buckets=buckets, options=_OPTIONS))
    opened = ShardMap(shards, buckets=sum(len(shard.buckets) for shard in shards))
    try:
        yield Operators(opened)
    finally:
        await opened.close()
