"""The server and the scratch databases of simulations."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg

from devstack.ports import free_port
from devstack.postgres import PostgresServer
from reliability.simulation.wires import Database
from shards.migrate import migrate, set_up_shard

BUCKETS = 8
_SHARDS = 2


# A killed server keeps what it has written either way; only a power cut tells the difference. And
# what a server does by itself, at a moment of its own, a simulation could not repeat.
FAST = {"fsync": "off", "full_page_writes": "off"}
_REPEATABLE = {**FAST, "autovacuum": "off"}
_MEMORY = Path("/dev/shm")  # noqa: S108 - a fresh folder is made in it
_MEMORY_BYTES_MIN = 2 * 1024**3


@contextmanager
def scratch_server(settings: Mapping[str, str] = _REPEATABLE) -> Iterator[PostgresServer]:
    """A PostgreSQL of its own, in memory where there is room, gone afterwards."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _MEMORY_BYTES_MIN
    with tempfile.TemporaryDirectory(prefix="holdfast-", dir=_MEMORY if roomy else None) as name:
        folder = Path(name)
        server = PostgresServer(folder / "data", free_port(), folder / "postgres.log", settings)
        server.start()
        try:
            yield server
        finally:
            server.stop()


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
