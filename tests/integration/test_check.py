"""The check at every start: a database that is not this shard is refused."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import asyncpg
import pytest

from devstack.ports import free_port
from devstack.postgres import PostgresServer
from shards.check import check_shard, check_shards
from shards.errors import SchemaError, ShardAwayError
from shards.migrate import load_migrations
from shards.pool import ShardOptions
from shards.router import ShardMap
from shards.shard import Shard
from tests.databases import TEMPLATE, ShardDatabase

OWNED = (0, 2, 4, 6)


@asynccontextmanager
async def taken_for(
    dsn: str, *, name: str = "shard0", buckets: Collection[int] = OWNED
) -> AsyncIterator[Shard]:
    """The shard that a process takes the database for."""
    shard = Shard(name=name, dsn=dsn, buckets=buckets, options=ShardOptions(transaction_s=2.0))
    yield shard
    await shard.close()


@pytest.fixture
def dsn(shard_databases: list[ShardDatabase]) -> str:
    """The database of shard0."""
    return shard_databases[0].dsn


async def run(dsn: str, sql: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(sql)
    finally:
        await conn.close()


async def refusal(shard: Shard, *, buckets: int = 8, allow_unsafe: bool = True) -> str:
    with pytest.raises(SchemaError) as raised:
        await check_shard(shard, buckets=buckets, allow_unsafe=allow_unsafe)
    assert raised.value.shard == shard.name
    return raised.value.detail


async def test_the_shard_it_is_taken_for_passes(dsn: str):
    async with taken_for(dsn) as shard:
        await check_shard(shard, buckets=8, allow_unsafe=True)


async def test_what_is_not_as_expected_is_refused_and_named(dsn: str):
    async with taken_for(dsn, name="shard1") as shard:
        assert "leads to the database of shard0" in await refusal(shard)
    async with taken_for(dsn, buckets=(0, 2, 4)) as shard:
        assert "owns buckets [0, 2, 4, 6], HOLDFAST_SHARDS says [0, 2, 4]" in await refusal(shard)
    async with taken_for(dsn) as shard:
        assert "made with 8 buckets, HOLDFAST_BUCKETS says 16" in await refusal(shard, buckets=16)


async def test_a_bucket_that_is_leaving_is_not_owned(dsn: str):
    await run(dsn, "UPDATE buckets SET state = 'moving' WHERE bucket = 4")

    async with taken_for(dsn) as shard:
        assert "owns buckets [0, 2, 6]" in await refusal(shard)


async def test_a_server_that_can_lose_a_commit_is_refused_unless_allowed(dsn: str):
    async with taken_for(dsn) as shard:
        assert "fsync or synchronous_commit is off" in await refusal(shard, allow_unsafe=False)


async def test_a_database_behind_this_release_is_refused(dsn: str):
    await run(dsn, "DELETE FROM schema_migrations WHERE version > 1")
    missing = ", ".join(migration.full_name for migration in load_migrations()[1:])

    async with taken_for(dsn) as shard:
        assert f"lacks {missing}; run `holdfast migrate`" in await refusal(shard)


async def test_a_database_with_a_gap_in_its_migrations_is_refused(dsn: str):
    await run(dsn, "DELETE FROM schema_migrations WHERE version = 2")

    async with taken_for(dsn) as shard:
        assert "lacks 0002_dead_letter_decisions; run" in await refusal(shard)


async def test_a_database_ahead_of_this_release_passes(dsn: str):
    await run(dsn, "INSERT INTO schema_migrations VALUES (9999, 'later', '')")

    async with taken_for(dsn) as shard:
        await check_shard(shard, buckets=8, allow_unsafe=True)


async def test_an_empty_database_and_one_that_is_not_set_up_are_refused(postgres: PostgresServer):
    async with taken_for(postgres.dsn("postgres")) as shard:
        assert "not migrated" in await refusal(shard)
    async with taken_for(postgres.dsn(TEMPLATE)) as shard:
        assert "not set up" in await refusal(shard)


async def test_a_shard_that_is_away_is_told_and_the_others_are_checked(
    shard_databases: list[ShardDatabase],
):
    here, there = shard_databases
    nowhere = f"postgresql://holdfast@127.0.0.1:{free_port()}/none"
    async with taken_for(here.dsn) as up, taken_for(nowhere, buckets=there.buckets) as down:
        with pytest.raises(ShardAwayError):
            await check_shard(down, buckets=8, allow_unsafe=True)

        assert await check_shards(ShardMap([up, down], buckets=8), allow_unsafe=True) == [down]


async def test_one_shard_that_must_not_be_used_refuses_the_whole_start(shards: ShardMap):
    with pytest.raises(SchemaError, match="fsync"):
        await check_shards(shards, allow_unsafe=False)
