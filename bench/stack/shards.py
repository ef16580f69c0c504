"""The databases of a system: clones of a ledger, and gone with the system."""

from collections.abc import Callable, Sequence

import asyncpg

from bench.cases import Shape
from bench.ledgers import Ledger, LedgerShape, clone, drop, ensure
from devstack.postgres import PostgresServer

# Ledgers are the same whatever the seed of a load is.
_LEDGER_SEED = 1
PREFIX = "bench"


def database_names(system: str, shards: int) -> list[str]:
    """Names of a system's databases, in the order of its shards."""
    return [f"{system}_shard{number}" for number in range(shards)]


async def fill(
    server: PostgresServer, shape: Shape, names: Sequence[str], *, say: Callable[[str], None]
) -> Ledger:
    """Makes databases of these names with the ledger of the shape, which is built if need be.

    Databases that a killed run has left behind are dropped first.
    """
    await drop(server, await _left_behind(server))
    ledger = await ensure(
        server,
        LedgerShape(
            shards=shape.shards,
            buckets=shape.buckets,
            users=shape.users,
            entries=shape.entries,
            seed=_LEDGER_SEED,
        ),
        say=say,
    )
    await clone(server, ledger, names)
    return ledger


async def _left_behind(server: PostgresServer) -> list[str]:
    conn = await asyncpg.connect(server.dsn("postgres"))
    try:
        rows = await conn.fetch(
            "SELECT datname FROM pg_database WHERE datname LIKE $1", f"{PREFIX}%\\_shard%"
        )
    finally:
        await conn.close()
    return [row["datname"] for row in rows]
