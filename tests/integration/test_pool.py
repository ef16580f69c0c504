"""What the pool's connections take and give: arrays are lists, amounts are Python integers."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from shards.connection import Connection
from shards.pool import ShardOptions, open_asyncpg_pool
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
