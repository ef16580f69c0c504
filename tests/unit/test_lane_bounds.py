"""A lane, its step stepped by hand: how much it takes, and its end."""

import asyncio

import pytest

from sagas.backoff import Backoff
from tests.unit.lane_rig import AWAY, events, good, running, turns

# --- how much it takes


async def test_a_full_lane_says_so_once_and_again_when_half_is_free():
    async with running(capacity=4, batch_max=1) as rig:
        rig.offer("a1", "b1", "c1")
        assert (rig.lane.is_full, rig.pressure) == (False, [])
        rig.offer("d1", "e1")
        assert (rig.lane.is_full, rig.pressure) == (True, [True])

        for _ in range(2):
            (await rig.call()).succeed()
            await rig.done()
        assert (rig.lane.depth, rig.pressure) == (3, [True])
        (await rig.call()).succeed()
        await rig.done()

        assert (rig.lane.depth, rig.lane.is_full, rig.pressure) == (2, False, [True, False])


async def test_an_item_counts_until_it_is_delivered():
    async with running() as rig:
        rig.may_deliver.clear()
        (await rig.started("a1")).succeed()
        await turns()
        assert rig.lane.depth == 1

        rig.may_deliver.set()
        await rig.done()

        assert rig.lane.depth == 0


async def test_a_delivery_that_fails_is_logged_and_its_items_leave_the_lane(
    caplog: pytest.LogCaptureFixture,
):
    async with running() as rig:
        (await rig.started("bad")).succeed()
        await rig.done()
        (await rig.started("a1")).succeed()
        await rig.done()
        await turns()

        assert rig.lane.depth == 0
        assert events(caplog) == ["lane.failed"]


# --- the end


async def test_closing_runs_what_is_left():
    async with running() as rig:
        rig.offer("a1", "b1")
        closing = asyncio.create_task(rig.lane.close(within_s=5))
        (await rig.call()).succeed()

        assert await closing
        assert await rig.done() == good("a1", "b1")


async def test_a_lane_that_closes_takes_no_more():
    async with running() as rig:
        await rig.lane.close(within_s=1)

        assert rig.lane.is_full


async def test_closing_gives_up_a_step_that_hangs():
    async with running() as rig:
        call = await rig.started("a1")

        assert not await rig.lane.close(within_s=0.01)
        assert call.end.cancelled()
        assert rig.lane.depth == 1


async def test_a_delivery_that_was_cut_off_is_not_told_as_drained():
    async with running() as rig:
        rig.may_deliver.clear()
        (await rig.started("a1")).succeed()

        assert not await rig.lane.close(within_s=0.01)
        assert rig.delivered.empty()


async def test_closing_ends_a_lane_that_waits_for_its_shard():
    slow = Backoff(first_s=3600.0, cap_s=3600.0, jitter=lambda: 0.0)
    async with running(backoff=slow) as rig:
        (await rig.started("a1")).fail(AWAY)

        assert not await rig.lane.close(within_s=0.01)


async def test_an_idle_lane_closes_at_once():
    async with running() as rig:
        assert await rig.lane.close(within_s=0)
