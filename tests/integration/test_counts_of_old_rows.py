"""Migration 0017: rows of before get the counts that rows of today are written with."""

import asyncpg

from shards.migrate import load_migrations
from tests.databases import ShardDatabase
from tests.integration.books import audit_of, broken
from tests.integration.holding import capture_part, open_hold, read_hold, refund
from tests.integration.world import World

(_MIGRATION,) = [one.sql for one in load_migrations() if one.name == "counts_of_before"]
_UNCOUNTED = "UPDATE verdicts SET refund_count = 0; UPDATE holds SET capture_count = 0"
# As before there was a count of spending: no day, and all that was spent is some days ago.
_AGE = """
UPDATE transfers SET created_at = created_at - interval '9 days';
UPDATE holds SET created_at = created_at - interval '9 days';
UPDATE movements SET created_at = created_at - interval '9 days';
UPDATE accounts SET spent = 0, spent_day = NULL
"""


async def run(shard_databases: list[ShardDatabase], sql: str) -> None:
    for database in shard_databases:
        conn = await asyncpg.connect(database.dsn)
        try:
            await conn.execute(sql)
        finally:
            await conn.close()


async def found(shard_databases: list[ShardDatabase]) -> set[str]:
    """The checks that the audit finds wrong."""
    return set(broken(await audit_of(shard_databases)))


async def test_refunds_and_captures_of_before_are_counted(
    world: World, shard_databases: list[ShardDatabase]
) -> None:
    payer, payee = await world.pair(funds=100)
    transfer = await world.run_all(await world.try_transfer(payer, payee, 60))
    await world.run_all(await refund(world, transfer, 10))
    await refund(world, transfer, 20)
    hold = await open_hold(world, payer, payee, 30)
    await capture_part(world, hold, 10, is_final=False)
    await capture_part(world, hold, 5, is_final=False)
    await run(shard_databases, _UNCOUNTED)
    assert await found(shard_databases) == {"verdict_refunds", "hold_captures"}

    await run(shard_databases, _MIGRATION)

    assert await found(shard_databases) == set()
    assert (await read_hold(world, hold)).captures == 2


async def test_who_spent_before_there_was_a_count_has_a_day_of_spending(
    world: World, shard_databases: list[ShardDatabase]
) -> None:
    payer, payee = await world.pair(funds=100)
    await world.run_all(await world.try_transfer(payer, payee, 60))
    booker, shop = await world.pair(funds=100)
    await open_hold(world, booker, shop, 10)
    await run(shard_databases, _AGE)
    assert "account_spent" in await found(shard_databases)

    await run(shard_databases, _MIGRATION)

    assert "account_spent" not in await found(shard_databases)
    async with world.shards.of_id(payee).connection() as conn:
        assert await conn.fetchval(
            "SELECT bool_and(spent_day IS NULL) FROM accounts WHERE user_id = $1", payee
        )
