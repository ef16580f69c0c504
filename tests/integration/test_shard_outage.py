"""A shard that is away: told as such, at once, and used again when it is back."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devstack.ports import free_port
from devstack.postgres import PostgresServer
from shards.connection import Connection
from shards.errors import ShardAwayError
from shards.shard import Shard
from tests.databases import ShardDatabase
from tests.integration.test_transaction import CURRENCY, opened, query, transact


@pytest.fixture
def database(shard_databases: list[ShardDatabase]) -> ShardDatabase:
    return shard_databases[0]


async def test_too_many_connections_are_an_outage_and_not_a_bug(database: ShardDatabase):
    role = f"limited_{database.dsn.rsplit('_', 1)[1]}"
    await query(database, f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 0")
    limited = ShardDatabase(
        database.name, database.dsn.replace("holdfast@", f"{role}@"), database.buckets
    )

    async with opened(limited) as shard:
        with pytest.raises(ShardAwayError, match="too many connections"):
            await shard.ping()

    await query(database, f"DROP ROLE {role}")


async def test_a_server_that_only_reads_is_away(database: ShardDatabase):
    async def work(conn: Connection) -> None:
        await conn.execute("SET TRANSACTION READ ONLY")
        await conn.execute(CURRENCY, "NEW")

    async with opened(database) as shard:
        with pytest.raises(ShardAwayError, match="read-only"):
            await transact(shard, work)


async def test_a_database_that_is_not_there_is_away(database: ShardDatabase):
    missing = ShardDatabase("shard9", database.dsn + "_not", (0,))

    async with opened(missing) as shard:
        with pytest.raises(ShardAwayError, match="does not exist"):
            await shard.ping()


# --- a server that goes and comes back


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[PostgresServer]:
    """A server that the test may stop."""
    server = PostgresServer(
        tmp_path / "data", free_port(), tmp_path / "log", {"shared_buffers": "16MB"}
    )
    server.start()
    yield server
    server.kill()


async def use_after(shard: Shard, end: Callable[[], None]) -> None:
    """Uses a connection that was open when the server ended."""
    async with shard.connection() as conn:
        end()
        await conn.fetchval("SELECT 1")


async def test_a_stopped_server_is_away_at_once_and_serves_again_when_it_is_back(
    own_server: PostgresServer,
):
    database = ShardDatabase("shard0", own_server.dsn("postgres"), (0,))
    async with opened(database, transaction_s=5.0) as shard:
        await shard.ping()
        with pytest.raises(ShardAwayError, match="connection lost"):
            await use_after(shard, own_server.stop)
        with pytest.raises(ShardAwayError, match="no connection"):
            await shard.ping()

        own_server.start()
        await shard.ping()


async def test_a_killed_server_is_away(own_server: PostgresServer):
    database = ShardDatabase("shard0", own_server.dsn("postgres"), (0,))
    async with opened(database, transaction_s=5.0) as shard:
        with pytest.raises(ShardAwayError, match="connection lost"):
            await use_after(shard, own_server.kill)
        with pytest.raises(ShardAwayError, match="no connection"):
            await shard.ping()
