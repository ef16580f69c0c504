"""The server and the scratch databases of simulations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from reliability.simulation.wires import Database
from shards.migrate import migrate, set_up_shard

BUCKETS = 8
_SHARDS = 2


@asynccontextmanager
async def scratch_databases(server_dsn: str, *, prefix: str) -> AsyncIterator[list[Database]]:
    """Two shards of a system with 8 buckets, dropped afterwards.

    Args:
        server_dsn: a database of the server, by a user that may create others.
        prefix: of the databases' names.
    """
    databases = []
    for index in range(_SHARDS):
        name = f"{prefix}_{index}"
        await _run(server_dsn, f'CREATE DATABASE "{name}"')
        database = Database(
            name=f"shard{index}",
            dsn=server_dsn.rsplit("/", 1)[0] + f"/{name}",
            buckets=tuple(range(index, BUCKETS, _SHARDS)),
        )
        await migrate(database.dsn, shard=database.name)
        await set_up_shard(
            database.dsn,
            shard=database.name,
            owned=frozenset(database.buckets),
            buckets=BUCKETS,
        )
        await database.open()
        databases.append(database)
    try:
        yield databases
    finally:
        for index, database in enumerate(databases):
            await database.close()
            await _run(server_dsn, f'DROP DATABASE "{prefix}_{index}" WITH (FORCE)')


async def _run(dsn: str, statement: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(statement)
    finally:
        await conn.close()
