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
_TEMPLATE = "simulated_template"
_IS_THERE = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"


# A killed server keeps what it has written either way; only a power cut tells the difference. And
# what a server does by itself, at a moment of its own, a simulation could not repeat.
FAST = {"fsync": "off", "full_page_writes": "off"}
_REPEATABLE = {**FAST, "autovacuum": "off"}
_MEMORY = Path("/dev/shm")  # noqa: S108 - a fresh folder is made in it
_MEMORY_BYTES_MIN = 2 * 1024**3


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder in memory where there is room, else on disk, gone afterwards."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _MEMORY_BYTES_MIN
    with tempfile.TemporaryDirectory(prefix="holdfast-", dir=_MEMORY if roomy else None) as name:
        yield Path(name)


@contextmanager
def scratch_server(settings: Mapping[str, str] = _REPEATABLE) -> Iterator[PostgresServer]:
    """A PostgreSQL of its own, in memory where there is room, gone afterwards."""
    with scratch_folder() as folder:
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
        database = Database(
            name=f"shard{index}",
            dsn=_beside(server_dsn, name),
            buckets=tuple(range(index, BUCKETS, _SHARDS)),
        )
        await _clone(server_dsn, database, name=name)
        await database.open()
        databases.append(database)
    try:
        yield databases
    finally:
        for index, database in enumerate(databases):
            await database.close()
            await _run(server_dsn, f'DROP DATABASE "{prefix}_{index}" WITH (FORCE)')


async def _clone(server_dsn: str, shard: Database, *, name: str) -> None:
    """Copies the shard as it is when it was set up, which is done once on a server."""
    template = f"{_TEMPLATE}_{shard.name}"
    conn = await asyncpg.connect(server_dsn)
    try:
        # Two processes may be here at once, and nobody may be connected to what is copied.
        await conn.execute("SELECT pg_advisory_lock(1)")
        if not await conn.fetchval(_IS_THERE, template):
            half = f"{template}_half"
            await conn.execute(f'DROP DATABASE IF EXISTS "{half}" WITH (FORCE)')
            await conn.execute(f'CREATE DATABASE "{half}"')
            await migrate(_beside(server_dsn, half), shard=shard.name)
            await set_up_shard(
                _beside(server_dsn, half),
                shard=shard.name,
                owned=frozenset(shard.buckets),
                buckets=BUCKETS,
            )
            await conn.execute(f'ALTER DATABASE "{half}" RENAME TO "{template}"')
        await conn.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    finally:
        await conn.close()


def _beside(dsn: str, database: str) -> str:
    return dsn.rsplit("/", 1)[0] + f"/{database}"


async def _run(dsn: str, statement: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(statement)
    finally:
        await conn.close()
