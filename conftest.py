"""Real servers for the tests that ask for them: one of each for a whole run, on free ports."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from config.limits import raise_file_limit
from config.logging import configure_logging
from devstack.kafka import KafkaBroker
from devstack.ports import free_port
from devstack.postgres import PostgresServer
from reliability.simulation.scratch import FAST, scratch_folder, scratch_server
from shards.router import ShardMap
from tests.databases import (
    TEMPLATE,
    ShardDatabase,
    create_shards,
    create_template,
    drop_shards,
    open_map,
)
from tests.log_leaks import leaks_below, leaks_in_file, pytest_runtest_makereport
from tests.redis_server import RedisServer

__all__ = ["pytest_runtest_makereport"]

BUCKETS = 8
# As long as all that is left when it is reached: one of two workers would end long after the other.
_LONGEST = "tests/integration/test_simulation.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file comes first; all others stay in their order."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))


@pytest.fixture(scope="session", autouse=True)
def _as_in_production() -> None:
    """Logs and limits as the entry points set them, without what is only information."""
    configure_logging(level="warning", format_="console")
    raise_file_limit()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server with the migrated template; those who stop one start their own."""
    with scratch_server(FAST) as server:
        asyncio.run(create_template(server.dsn("postgres"), server.dsn(TEMPLATE)))
        yield server
        # What the tests of a run have made of it, all together.
        assert leaks_in_file(server.log_path) == []


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaBroker]:
    """A broker that no test may stop: those that do so start their own."""
    # Each system makes and deletes 48 partitions, and a broker waits for the disk with each.
    with scratch_folder() as folder:
        broker = KafkaBroker(folder / "data", free_port(), folder / "logs")
        broker.start()
        yield broker
        broker.stop()
        shutil.rmtree(broker.data_dir)
        assert leaks_below(folder) == []


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own, to be stopped and frozen."""
    server = RedisServer(free_port(), tmp_path / "redis")
    server.start()
    yield server
    server.stop()


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
