"""The balance of an account as it was at a time, by bisection."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shards.accounts import read_balance_at
from shards.statements import load_statements
from tests.integration.world import World

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)

INSERT = """
    WITH opened AS (
        INSERT INTO accounts
            (user_id, currency, bucket, balance, held, seq, head_hash, last_at, version)
        SELECT $1, $2, 0, 0, 0, cardinality($3::timestamptz[]), '', NULL, 1
    )
    INSERT INTO entries
        (user_id, currency, seq, bucket, kind, contra, amount, balance_after, movement_id, at,
         prev_hash, hash)
    SELECT $1, $2, seq, 0, 'deposit', 'external', 1, 10 * seq, gen_random_uuid(), at, '', ''
    FROM unnest($3::timestamptz[]) WITH ORDINALITY AS told (at, seq)
"""
PLAIN_SCAN = """
    SELECT coalesce(
        (SELECT balance_after FROM entries
         WHERE user_id = $1 AND currency = $2 AND at <= $3
         ORDER BY seq DESC LIMIT 1), 0)::integer
"""


async def with_entries(
    world: World, times: Sequence[datetime], *, user: UUID | None = None, currency: str = "EUR"
) -> UUID:
    """A user whose balance is 10, 20, 30 and so on after the entries of these times."""
    user = user or await world.user(bucket=0)
    async with world.session(user) as conn:
        await conn.execute(INSERT, user, currency, times)
    return user


async def balance_at(
    world: World, user: UUID, at: datetime, *, currency: str = "EUR"
) -> int | None:
    async with world.shards.of_id(user).connection() as conn:
        return await read_balance_at(conn, user_id=user, currency=currency, at=at)


@pytest.mark.parametrize("entries", [1, 2, 3, 4, 5, 7, 8, 9])
async def test_a_time_finds_the_last_entry_that_is_not_after_it(world: World, entries: int):
    times = [NOON + timedelta(seconds=number) for number in range(entries)]
    user = await with_entries(world, times)

    assert await balance_at(world, user, LONG_AGO) == 0
    for number, at in enumerate(times):
        assert await balance_at(world, user, at - MOMENT) == 10 * number
        assert await balance_at(world, user, at) == 10 * number + 10
        assert await balance_at(world, user, at + MOMENT) == 10 * number + 10
    assert await balance_at(world, user, times[-1] + timedelta(days=1)) == 10 * entries


async def test_of_entries_of_one_moment_the_last_counts(world: World):
    first, second, third = (NOON + timedelta(seconds=number) for number in range(3))
    user = await with_entries(world, [first] * 3 + [second] + [third] * 2)

    found = [await balance_at(world, user, at) for at in (first - MOMENT, first, second, third)]

    assert found == [0, 30, 40, 60]


async def test_without_entries_it_was_always_zero(world: World):
    user, other = await world.user(bucket=0), await world.user(bucket=0, funds=70)

    assert await balance_at(world, user, NOON) == 0
    assert await balance_at(world, other, NOON, currency="USD") == 0


async def test_other_accounts_are_not_looked_at(world: World):
    user = await with_entries(world, [NOON])
    await with_entries(world, [LONG_AGO] * 3, user=user, currency="USD")
    await with_entries(world, [LONG_AGO] * 5)

    assert await balance_at(world, user, NOON - MOMENT) == 0
    assert await balance_at(world, user, NOON) == 10


async def test_the_future_has_no_balance_yet(world: World):
    user = await world.user(bucket=0, funds=70)
    async with world.session(user) as conn:
        now = await conn.fetchval("SELECT app_now()")

    assert await balance_at(world, user, now) == 70
    assert await balance_at(world, user, now + timedelta(minutes=1)) is None
    assert await balance_at(world, user, datetime(9999, 12, 31, tzinfo=UTC)) is None


# A few moments only, so that entries share them and look-ups meet them.
AMONG_FEW = st.integers(0, 12).map(lambda number: NOON + number * MOMENT)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(times=st.lists(AMONG_FEW, max_size=40), at=AMONG_FEW)
async def test_it_is_what_a_plain_scan_finds(world: World, times: list[datetime], at: datetime):
    user = await with_entries(world, sorted(times))

    async with world.session(user) as conn:
        scanned = await conn.fetchval(PLAIN_SCAN, user, "EUR", at)
    assert await balance_at(world, user, at) == scanned


async def test_a_hundred_thousand_entries_cost_as_many_look_ups_as_halvings(world: World):
    entries = 100_000
    times = [NOON + number * MOMENT for number in range(entries)]
    user = await with_entries(world, times)

    async with world.shards.of_id(user).connection() as conn:
        block = load_statements("accounts")["read_balance_at"]
        told = await conn.fetchval(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {block}", user, "EUR", times[54_321]
        )

    assert await balance_at(world, user, times[54_321]) == 543_220
    looked_at = [
        node["Actual Loops"]
        for node in nodes(json.loads(told)[0]["Plan"])
        if "entries" in node.get("Relation Name", "")
    ]
    assert 16 <= sum(looked_at) <= 20


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """A plan's nodes, whatever is in what."""
    return [plan, *(node for inner in plan.get("Plans", []) for node in nodes(inner))]
