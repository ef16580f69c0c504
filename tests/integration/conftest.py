"""Fixtures of the integration tests."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from config.logging import configure_logging
from devstack.postgres import PostgresServer
from reliability.simulation.scratch import scratch_server
from shards.router import ShardMap
from tests.databases import ShardDatabase, create_shards, drop_shards, open_map
from tests.integration.books import BUCKETS
from tests.integration.checker_books import RunInOrder
from tests.integration.checker_run import make_run
from tests.integration.clones import Clones
from tests.integration.command import Holdfast
from tests.integration.world import World


@pytest.fixture
def world(request: pytest.FixtureRequest, shards: ShardMap) -> World:
    """Users and steps over two empty shards; the parameter says whether steps wait."""
    return World(shards, waits=getattr(request, "param", True))


@pytest.fixture
def holdfast(tmp_path: Path, shard_databases: list[ShardDatabase]) -> Holdfast:
    """The command, on the same two shards."""
    return Holdfast(tmp_path, shard_databases)


@pytest.fixture(scope="session")
def scratch_dsn() -> Iterator[str]:
    """The server of simulations, which does nothing by itself."""
    with scratch_server() as server:
        yield server.dsn("postgres")


@pytest.fixture
def quiet_logs() -> Iterator[None]:
    """Hides what the engine logs of faults that a test means."""
    configure_logging(level="critical", format_="console")
    yield
    configure_logging(level="warning", format_="console")


@pytest.fixture(scope="session")
def run_in_order(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunInOrder]:
    """A run with its history, for tests to look at or to clone; nobody changes it."""
    folder = tmp_path_factory.mktemp("run")

    async def make() -> RunInOrder:
        databases = await create_shards([postgres.dsn("postgres")], count=2, buckets=BUCKETS)
        shards = open_map(databases, buckets=BUCKETS)
        names = await make_run(World(shards), folder)
        await shards.close()
        return RunInOrder(databases, folder, names)

    made = asyncio.run(make())
    yield made
    asyncio.run(drop_shards(made.databases))


@pytest.fixture
async def cloned_run(run_in_order: RunInOrder) -> AsyncIterator[Clones]:
    """The shards of that run, to be copied and broken."""
    made = Clones(run_in_order.databases)
    yield made
    await made.drop()
