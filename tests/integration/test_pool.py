"""What the pool's connections take and give: arrays are lists, amounts are Python integers."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from shards.connection import Connection
from shards.pool import ShardOptions, open_asyncpg_pool
from tests.eventually import eventually
from tests.integration.world import World


@pytest.fixture
async def conn(world: World) -> AsyncIterator[Connection]:
    pool = await open_asyncpg_pool(world.shards.shards[0].dsn, ShardOptions(pool_size=1))
    connection = await pool.acquire(timeout=5)
    yield connection
    await pool.release(connection)
    await pool.close()


class Numbers:
    """Has a length and can be gone through, as a set."""

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> object:
        return iter([1])


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("numeric", [10**37, -1, None, 0]),
        ("uuid", [UUID(int=7), None]),
        ("text", ["", "a|b", "{x,y}", None, 'quote"']),
        ("bytea", [b"", b"\x00\xff", None]),
        ("bigint", []),
    ],
)
async def test_an_array_comes_back_as_it_went(conn: Connection, type_: str, values: list[object]):
    for array in (values, tuple(values)):
        assert await conn.fetchval(f"SELECT $1::{type_}[]", array) == values


async def test_only_lists_and_tuples_are_arrays(conn: Connection):
    """asyncpg by itself would take it for one: it asks that of each element, too."""
    for other in (Numbers(), {1, 2}, {1: 2}):
        with pytest.raises(asyncpg.DataError, match="sized iterable container"):
            await conn.fetchval("SELECT $1::bigint[]", other)


async def test_an_element_that_is_a_list_makes_an_array_of_arrays(
    conn: Connection,
):
    assert await conn.fetchval("SELECT $1::bigint[]", [[1, 2], [3, 4]]) == [[1, 2], [3, 4]]


async def test_a_connection_does_not_ask_what_one_before_it_was_told(world: World):
    pool = await open_asyncpg_pool(world.shards.shards[0].dsn, ShardOptions(pool_size=2))
    first, second = await pool.acquire(timeout=5), await pool.acquire(timeout=5)
    query, asked = "SELECT $1::uuid[]", []
    second.add_query_logger(lambda record: asked.append(record.query))

    for conn in (first, second):
        assert await conn.fetchval(query, [UUID(int=7)]) == [UUID(int=7)]

    await eventually(lambda: asked == [query], within_s=1.0)
    for conn in (first, second):
        await pool.release(conn)
    await pool.close()


async def test_a_type_of_the_database_itself_is_asked_for_by_each_connection(
    world: World,
):
    """Its number is another type's in the next database."""
    for shard in world.shards.shards:
        pool = await open_asyncpg_pool(shard.dsn, ShardOptions(pool_size=1))
        other = await pool.acquire(timeout=5)
        await other.execute(f"CREATE TYPE of_{shard.name} AS ENUM ('{shard.name}')")
        array = f"SELECT ARRAY['{shard.name}']::of_{shard.name}[]"
        assert await other.fetchval(array) == [shard.name]
        await pool.release(other)
        await pool.close()
