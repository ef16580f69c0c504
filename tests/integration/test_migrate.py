"""Migrations and the first set-up of a shard."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest

from devstack.postgres import PostgresServer
from shards.currencies import SEEDED
from shards.errors import SchemaError
from shards.ids import currency_bucket
from shards.migrate import load_migrations, migrate, set_up_shard
from tests.integration.schema_text import schema_text

ALL = [migration.full_name for migration in load_migrations()]


@pytest.fixture
async def empty(postgres: PostgresServer) -> AsyncIterator[str]:
    """An empty database's address."""
    name = f"test_{secrets.token_hex(6)}"
    await run(postgres.dsn("postgres"), f'CREATE DATABASE "{name}"')
    yield postgres.dsn(name)
    await run(postgres.dsn("postgres"), f'DROP DATABASE "{name}" WITH (FORCE)')


async def run(dsn: str, sql: str) -> list[asyncpg.Record]:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetch(sql)
    finally:
        await conn.close()


async def set_up(dsn: str, *, shard: str = "shard0", buckets: int = 8) -> bool:
    return await set_up_shard(dsn, shard=shard, owned=frozenset({0, 5}), buckets=buckets)


def test_migrations_are_numbered_without_a_gap():
    versions = [migration.version for migration in load_migrations()]

    assert versions == list(range(1, len(versions) + 1))


async def test_a_second_run_changes_nothing(empty: str):
    first = await migrate(empty, shard="shard0")
    schema, recorded = await schema_text(empty), await run(empty, "SELECT * FROM schema_migrations")

    second = await migrate(empty, shard="shard0")

    assert (first, second) == (ALL, [])
    assert await schema_text(empty) == schema
    assert await run(empty, "SELECT * FROM schema_migrations") == recorded


async def test_two_runs_at_once_apply_each_file_once(empty: str):
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(migrate(empty, shard="shard0")) for _ in range(3)]

    assert sorted(len(task.result()) for task in runs) == [0, 0, len(ALL)]


async def test_a_file_that_was_changed_after_it_was_applied_is_refused(empty: str):
    await migrate(empty, shard="shard0")
    await run(empty, "UPDATE schema_migrations SET sha256 = 'other' WHERE version = 1")

    with pytest.raises(SchemaError, match=f"shard0: migration {ALL[0]} was changed"):
        await migrate(empty, shard="shard0")


async def test_a_database_newer_than_this_release_is_refused(empty: str):
    await migrate(empty, shard="shard0")
    await run(empty, "INSERT INTO schema_migrations VALUES (9999, 'later', '')")

    with pytest.raises(SchemaError, match="has migration 9999"):
        await migrate(empty, shard="shard0")


async def test_a_server_too_old_for_what_is_asked_of_it_is_refused(
    empty: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("shards.migrate.OLDEST_POSTGRESQL", 99)

    with pytest.raises(SchemaError, match="upgrade it to 99 or newer"):
        await migrate(empty, shard="shard0")

    assert await run(empty, "SELECT * FROM pg_tables WHERE schemaname = 'public'") == []


async def test_a_migration_that_fails_leaves_nothing_behind(empty: str):
    await run(empty, "CREATE TABLE dead_letters (id integer)")

    with pytest.raises(asyncpg.DuplicateTableError):
        await migrate(empty, shard="shard0")

    tables = await run(empty, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {row["tablename"] for row in tables} == {"dead_letters", "schema_migrations"}
    assert await run(empty, "SELECT * FROM schema_migrations") == []


async def test_setting_up_makes_buckets_and_the_currencies_that_live_there(empty: str):
    await migrate(empty, shard="shard0")

    assert await set_up(empty)

    assert [tuple(row) for row in await run(empty, "SELECT * FROM buckets ORDER BY bucket")] == [
        (0, 1, "owned"),
        (5, 1, "owned"),
    ]
    codes = {row["code"] for row in await run(empty, "SELECT code FROM currencies")}
    assert codes == {c.code for c in SEEDED if currency_bucket(c.code, 8) in (0, 5)}


async def test_setting_up_again_changes_nothing(empty: str):
    await migrate(empty, shard="shard0")
    await set_up(empty)

    assert not await set_up(empty, shard="shard1", buckets=16)

    (system,) = await run(empty, "SELECT shard, buckets FROM system")
    assert tuple(system) == ("shard0", 8)


async def test_of_two_that_set_up_at_once_one_does(empty: str):
    await migrate(empty, shard="shard0")

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(set_up(empty)) for _ in range(3)]

    assert sorted(task.result() for task in tasks) == [False, False, True]


def test_every_seeded_currency_lives_in_one_bucket_of_any_system():
    for buckets in (1, 8, 32, 4096):
        assert all(0 <= currency_bucket(c.code, buckets) < buckets for c in SEEDED)
