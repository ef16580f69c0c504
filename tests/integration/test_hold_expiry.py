"""The loop that ends expired holds: what it finds, and what may not hold up the others."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

import pytest

from sagas.outcomes import Failed
from sagas.steps.capture import HoldClosedError
from sagas.steps.open_hold import HoldTried
from shards.holds import Hold, HoldStatus
from tests.databases import ShardDatabase
from tests.eventually import eventually
from tests.integration.books import audit_of, broken
from tests.integration.holding import (
    ask_captures,
    ask_holds,
    capture_request,
    hold_request,
    let_pass,
    open_hold,
    read_hold,
)
from tests.integration.world import World
from workers.hold_expiry import HoldExpiry

# More than the loop ends in one transaction.
MANY = 101


def expiry_of(
    world: World, payer: UUID, *, buckets: Iterable[int] | None = None, leave_out_s: float = 60.0
) -> HoldExpiry:
    """The loop of the payer's shard, for all of its buckets unless told otherwise."""
    shard = world.shards.of_id(payer)
    looked_in = shard.buckets if buckets is None else frozenset(buckets)
    return HoldExpiry(shard, buckets=lambda: looked_in, leave_out_s=leave_out_s)


async def due_holds(world: World, payer: UUID, *, count: int) -> list[Hold]:
    """Holds of 1 cent that have expired, all at the same moment."""
    payee = await world.user(bucket=1)
    tried = await ask_holds(world, *(hold_request(world, payer, payee, 1) for _ in range(count)))
    holds = [one.hold for one in tried if isinstance(one, HoldTried)]
    assert len(holds) == count
    for hold in holds:
        await let_pass(world, hold)
    return holds


async def change_held(world: World, payer: UUID, by: int) -> None:
    """Puts what is held where no hold has brought it."""
    async with world.session(payer) as conn:
        await conn.execute("UPDATE accounts SET held = held + $2 WHERE user_id = $1", payer, by)


async def status_of(world: World, hold: Hold) -> HoldStatus:
    return (await read_hold(world, hold)).status


def bugs(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The holds that errors name."""
    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    return [line["hold_id"] for line in lines if line["event"] == "hold_expiry.bug"]


async def test_expired_holds_are_found_and_ended(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee = await world.pair(funds=100)
    due = [await open_hold(world, payer, payee, 10) for _ in range(3)]
    other = await open_hold(world, payer, payee, 7)
    for hold in due:
        await let_pass(world, hold)
    expiry = expiry_of(world, payer)

    assert await expiry.expire_once() == 3
    assert await expiry.expire_once() == 0

    assert {await status_of(world, hold) for hold in due} == {HoldStatus.EXPIRED}
    assert await status_of(world, other) is HoldStatus.OPEN
    assert await world.balance(payer) == (100, 7)


async def test_expiry_goes_by_the_databases_clock(world: World):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 10)
    expiry = expiry_of(world, payer)
    assert await expiry.expire_once() == 0

    await world.shift_clock(payer, timedelta(hours=2))

    assert await expiry.expire_once() == 1
    assert await status_of(world, hold) is HoldStatus.EXPIRED


async def test_holds_of_buckets_that_nobody_is_assigned_stay_held_and_are_not_captured(
    world: World,
):
    payer = await world.user(bucket=0, funds=100)
    (hold,) = await due_holds(world, payer, count=1)

    assert await expiry_of(world, payer, buckets=[]).expire_once() == 0

    (captured,) = await ask_captures(world, capture_request(world, hold))
    assert isinstance(captured, Failed)
    assert isinstance(captured.error, HoldClosedError)
    assert await world.balance(payer) == (100, 1)
    assert await expiry_of(world, payer).expire_once() == 1


# --- what others have locked


async def test_a_hold_of_a_payer_whom_others_have_locked_expires_later(world: World):
    payer = await world.user(bucket=0, funds=100)
    await due_holds(world, payer, count=1)
    expiry = expiry_of(world, payer)

    async with world.locked(payer):
        assert await expiry.expire_once() == 0

    assert await expiry.expire_once() == 1


async def test_one_locked_payer_does_not_end_the_round_of_the_others(world: World):
    locked, payer = [await world.user(bucket=bucket, funds=1_000) for bucket in (0, 2)]
    await due_holds(world, locked, count=1)
    await due_holds(world, payer, count=MANY)

    async with world.locked(locked):
        assert await expiry_of(world, payer).expire_once() == MANY


async def test_more_than_a_page_of_a_locked_payer_holds_up_nobody(
    world: World, shard_databases: list[ShardDatabase]
):
    locked, payer = [await world.user(bucket=bucket, funds=1_000) for bucket in (0, 2)]
    await due_holds(world, locked, count=MANY)
    (hold,) = await due_holds(world, payer, count=1)
    expiry = expiry_of(world, payer)

    async with world.locked(locked):
        assert await expiry.expire_once() == 1
        assert await status_of(world, hold) is HoldStatus.EXPIRED

    assert await expiry.expire_once() == MANY
    assert broken(await audit_of(shard_databases)) == {}


# --- what meets a bug


async def test_a_hold_that_meets_a_bug_is_named_once_and_the_others_expire(
    world: World, caplog: pytest.LogCaptureFixture
):
    wrong, payer = [await world.user(bucket=bucket, funds=1_000) for bucket in (0, 2)]
    (bad,) = await due_holds(world, wrong, count=1)
    await change_held(world, wrong, -1)
    (good,) = await due_holds(world, payer, count=1)

    async def is_expired(hold: Hold) -> bool:
        return await status_of(world, hold) is HoldStatus.EXPIRED

    loop = asyncio.create_task(expiry_of(world, payer).run(every_s=0.01))
    try:
        await eventually(lambda: is_expired(good))
        (later,) = await due_holds(world, payer, count=1)
        await eventually(lambda: is_expired(later))
        assert not loop.done()
    finally:
        loop.cancel()

    assert await status_of(world, bad) is HoldStatus.OPEN
    assert bugs(caplog) == [str(bad.id)]


async def test_a_hold_that_met_a_bug_expires_when_that_is_mended(
    world: World, caplog: pytest.LogCaptureFixture
):
    payer = await world.user(bucket=0, funds=100)
    (hold,) = await due_holds(world, payer, count=1)
    expiry = expiry_of(world, payer, leave_out_s=0.0)
    await change_held(world, payer, -1)
    assert [await expiry.expire_once() for _ in range(2)] == [0, 0]
    assert bugs(caplog) == [str(hold.id)] * 2

    await change_held(world, payer, +1)

    assert await expiry.expire_once() == 1
    assert await world.balance(payer) == (100, 0)
