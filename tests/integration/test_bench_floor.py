"""The floor is honest: every transfer it counts is whole, and commits are never at risk."""

import asyncio

import pytest

from bench.floor import FloorError, run_floor
from bench.floor.database import floor_database, require_consistent
from devstack.ports import free_port
from devstack.postgres import PostgresServer
from tests.integration.clones import run

ORDINARY = {"shared_buffers": "32MB"}


@pytest.fixture(scope="module")
def durable(tmp_path_factory):
    folder = tmp_path_factory.mktemp("floor")
    server = PostgresServer(folder / "data", free_port(), folder / "log", ORDINARY)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("hot", [False, True])
async def test_a_run_counts_transfers_that_are_in_the_rows(durable, hot):
    result = await run_floor(durable, hot=hot, seconds=1)

    # `run_floor` itself has compared rows, balances and pgbench's count.
    assert result.transfers > 16
    assert result.transfers_per_s == pytest.approx(result.transfers, rel=0.5)
    assert 0 < result.cpu_ms_per_transfer.postgresql < 100
    assert 0 < result.cpu_ms_per_transfer.load < 100


async def test_a_database_is_dropped_after_its_run(durable):
    async with floor_database(durable) as name:
        assert await databases(durable, name) == 1

    assert await databases(durable, name) == 0


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE accounts SET balance = balance + 1 WHERE id = 7",
        "INSERT INTO entries VALUES (1, 1, 7, 0)",
        "INSERT INTO entries VALUES (1, 1, 7, -5), (1, 2, 8, 6)",
    ],
)
async def test_rows_that_do_not_add_up_are_found(durable, damage):
    async with floor_database(durable) as name:
        assert await require_consistent(durable, name) == 0
        await run(durable.dsn(name), damage)

        with pytest.raises(FloorError, match="not"):
            await require_consistent(durable, name)


async def test_a_server_that_may_lose_commits_is_refused(postgres):
    with pytest.raises(FloorError, match="fsync"):
        async with asyncio.timeout(20):
            await run_floor(postgres, hot=False, seconds=1)


async def databases(server: PostgresServer, name: str) -> int:
    return len(
        await run(server.dsn("postgres"), f"SELECT FROM pg_database WHERE datname = '{name}'")
    )
