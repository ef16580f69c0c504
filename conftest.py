"""Real servers for the tests that ask for them: one of each for a whole run, on free ports."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.limits import raise_file_limit
from config.logging import configure_logging
from devstack.kafka import KafkaBroker
from devstack.ports import free_port
from devstack.postgres import PostgresServer
from shards.router import ShardMap
from tests.databases import (
    TEMPLATE,
    ShardDatabase,
    create_shards,
    create_template,
    drop_shards,
    open_map,
)

BUCKETS = 8

# A killed server keeps what it has written either way; only a power cut tells the difference.
# What it does by itself, at a moment of its own, a simulation could not repeat.
FAST = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}

MEMORY = Path("/dev/shm")  # noqa: S108 - a fresh folder is made in it
MEMORY_BYTES_MIN = 2 * 1024**3


@pytest.fixture(scope="session", autouse=True)
def _as_in_production() -> None:
    """Logs and limits as the entry points set them, without what is only information."""
    configure_logging(level="warning", format_="console")
    raise_file_limit()


@contextmanager
def _in_memory(otherwise: Path) -> Iterator[Path]:
    """A folder on the RAM disk where there is a roomy one: each test makes two databases."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < MEMORY_BYTES_MIN:
        yield otherwise
        return
    with tempfile.TemporaryDirectory(prefix="holdfast-", dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL server with the migrated template; those who stop one start their own."""
    with _in_memory(tmp_path_factory.mktemp("postgres")) as folder:
        server = PostgresServer(folder / "data", free_port(), folder / "postgres.log", FAST)
        server.start()
        asyncio.run(create_template(server.dsn("postgres"), server.dsn(TEMPLATE)))
        yield server
        server.stop()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker that no test may stop: those that do so start their own."""
    folder = tmp_path_factory.mktemp("kafka")
    broker = KafkaBroker(folder / "data", free_port(), folder / "logs")
    broker.start()
    yield broker
    broker.stop()
    shutil.rmtree(folder / "data")


@pytest.fixture
async def shard_databases(postgres: PostgresServer) -> AsyncIterator[list[ShardDatabase]]:
    """Two empty shards of a system with 8 buckets."""
    databases = await create_shards([postgres.dsn("postgres")], count=2, buckets=BUCKETS)
    yield databases
    await drop_shards(databases)


@pytest.fixture
async def shards(shard_databases: list[ShardDatabase]) -> AsyncIterator[ShardMap]:
    """The router over `shard_databases`."""
    opened = open_map(shard_databases, buckets=BUCKETS)
    yield opened
    await opened.close()
