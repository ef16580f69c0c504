"""Where a shard's connections come from: asyncpg's pool, or another of the same shape."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Protocol, cast

import asyncpg
from asyncpg.protocol import protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardOptions:
    """How a process uses each of its shards.

    Attributes:
        pool_size: connections at the most.
        transaction_s: a transaction or statement older than this loses its connection, so that a
            shard that hangs looks like one that is away.
        lock_s: how long one statement waits for a row lock.
        unlocked_max: so few items go without locks first, in two round trips instead of five. With
            more of them, it gets likely that somebody else has one of their users in work, and
            more of them share the round trips.
    """

    pool_size: int = 10
    transaction_s: float = 5.0
    lock_s: float = 0.25
    unlocked_max: int = 24


# Statements take arrays, and planning them anew for each length costs more than running them. A
# plan that is made once must be right for tables that grow: each finds its rows by an index, also
# when it was made while the table was empty or small. With page costs as they are by default,
# reading a thousand rows to their end counts as less than looking ten of them up.
PLANNING = {
    "plan_cache_mode": "force_generic_plan",
    "random_page_cost": "0",
    "seq_page_cost": "0",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}

# asyncpg counts queries against a number, and has none for no limit.
_NO_LIMIT = 2**62


class Pool(Protocol):
    """What a shard uses of asyncpg's pool; a connection is terminated by its own `terminate`."""

    # asyncpg's is awaitable and a context manager, which no `async def` here would match.
    def acquire(self, *, timeout: float) -> Awaitable[Any]:
        """A connection that nobody else has."""
        ...

    async def release(self, connection: Any) -> None:
        """Takes it back; one that was terminated is forgotten."""
        ...

    def get_size(self) -> int:
        """Connections there are."""
        ...

    def get_idle_size(self) -> int:
        """Connections that are free."""
        ...

    def get_max_size(self) -> int:
        """Connections there may be."""
        ...

    async def close(self) -> None:
        """Ends all connections, each when it is free."""
        ...

    def terminate(self) -> None:
        """Drops all connections at once."""
        ...


# Types below are PostgreSQL's own, with the same number and meaning in every database.
_OWN_OID = 10_000


class KnowingConnection(asyncpg.Connection):
    """A connection that knows of PostgreSQL's own types what any before it was told.

    asyncpg asks on each connection for each kind of array, once, with a recursive query over the
    catalog: that was a fifth of what a server did for a process that had just started.
    """

    _told: dict[int, Any] = {}  # noqa: RUF012 - of all connections of the process

    # A private method, which stubs leave out: asyncpg has no public way to tell it of types.
    async def _introspect_types(self, typeoids: Iterable[int], timeout: Any) -> Any:  # noqa: ASYNC109
        if self._told.keys() >= set(typeoids):
            # Without a name, asyncpg would prepare anew what its question had pushed aside.
            return list(self._told.values()), SimpleNamespace(name="not asked")
        ask: Any = super()._introspect_types  # type: ignore[misc]
        types, statement = await ask(typeoids, timeout)
        # What an array is made of comes before the array, and has to.
        self._told.update({one["oid"]: one for one in types if one["oid"] < _OWN_OID})
        return types, statement


OpenPool = Callable[[str, ShardOptions], Awaitable[Pool]]


async def open_asyncpg_pool(dsn: str, options: ShardOptions) -> Pool:
    """A pool that connects when it is used first."""
    take_lists_for_arrays()
    pool: Any = await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=options.pool_size,
        timeout=options.transaction_s,
        connection_class=KnowingConnection,
        init=prepare_connection,
        # A connection learns its statements once: it lasts, and so do they. By default it is made
        # anew after 50,000 queries, which are minutes here, and a statement after five minutes.
        max_queries=_NO_LIMIT,
        max_cached_statement_lifetime=0,
        # Nothing here leaves session state behind: no reset between two users.
        reset=_no_reset,
        server_settings={
            "application_name": "holdfast",
            **PLANNING,
            "lock_timeout": f"{int(options.lock_s * 1000)}ms",
            # A paused process must not hold a user's row for ever. A limit for being idle does not
            # see all of it: between the two halves in which asyncpg sends a statement that is new
            # to a connection, the server takes it for active. Newer than PostgreSQL 16.
            "transaction_timeout": f"{int(options.transaction_s * 1000)}ms",
        },
    )
    return cast("Pool", pool)


def take_lists_for_arrays() -> None:
    """Lists and tuples are arrays, and nothing else is.

    asyncpg asks of each element of an array whether it is one itself, by abstract base classes:
    that took half of the time in which it wrote a batch's parameters.
    """
    names: Any = protocol
    names.IterableABC = names.SizedABC = (list, tuple)
    names.MappingABC = dict


async def prepare_connection(conn: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Makes amounts Python integers on both sides: a Decimal rounds silently at 28 digits."""
    await conn.set_type_codec(
        "numeric", schema="pg_catalog", encoder=str, decoder=int, format="text"
    )


async def _no_reset(_conn: Any) -> None:
    return None
