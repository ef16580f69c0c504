"""A lane, its step stepped by hand."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from sagas.backoff import Backoff
from sagas.lane import Lane, LaneOptions
from sagas.outcomes import SKIPPED, Failed, Skipped
from shards.errors import ShardAwayError

AWAY = ShardAwayError("shard0", "away")
BUG = RuntimeError("bug")
AT_ONCE = Backoff(first_s=0.0, cap_s=0.0, jitter=lambda: 0.0)

Outcomes = Sequence[str | Skipped]
Done = list[tuple[str, str | Failed]]


@dataclass(frozen=True)
class Call:
    """One run of the step, which ends when the test says so."""

    items: list[str]
    wait: bool
    end: "asyncio.Future[Outcomes]"

    def succeed(self, *outcomes: str | Skipped) -> None:
        """Returns these outcomes, or `done:<item>` for each item."""
        self.end.set_result(outcomes or [f"done:{item}" for item in self.items])

    def fail(self, error: Exception) -> None:
        self.end.set_exception(error)


class Rig:
    """A lane of items such as `a1`, which is user a's, with its two ends in the test's hands."""

    def __init__(self, **options: Any) -> None:
        self.calls: asyncio.Queue[Call] = asyncio.Queue()
        self.delivered: asyncio.Queue[Done] = asyncio.Queue()
        self.pressure: list[bool] = []
        self.may_deliver = asyncio.Event()
        self.may_deliver.set()
        self.lane: Lane[str, str] = Lane(
            "shard0.step",
            run=self._run,
            user_of=lambda item: item[0],
            deliver=self._deliver,
            options=LaneOptions(
                **{
                    "capacity": 100,
                    "batch_max": 10,
                    "linger_s": 0.0,
                    "attempts": None,
                    "backoff": AT_ONCE,
                }
                | options
            ),
            on_pressure=self.pressure.append,
        )

    async def _run(self, items: Sequence[str], /, *, wait: bool) -> Outcomes:
        call = Call(list(items), wait, asyncio.get_running_loop().create_future())
        self.calls.put_nowait(call)
        return await call.end

    async def _deliver(self, done: Sequence[tuple[str, str | Failed]]) -> None:
        await self.may_deliver.wait()
        self.delivered.put_nowait(list(done))
        if ("bad", "done:bad") in done:
            raise BUG

    def offer(self, *items: str) -> None:
        for item in items:
            self.lane.offer(item)

    async def call(self) -> Call:
        """The next run of the step."""
        async with asyncio.timeout(5):
            return await self.calls.get()

    async def done(self) -> Done:
        """The next delivery."""
        async with asyncio.timeout(5):
            return await self.delivered.get()

    async def started(self, *items: str) -> Call:
        """Offers items to an idle lane; the run that takes them."""
        self.offer(*items)
        return await self.call()


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Rig]:
    rig = Rig(**options)
    rig.lane.start()
    yield rig
    await rig.lane.close(within_s=0)


async def turns() -> None:
    """Lets everything go on that waits for nothing."""
    for _ in range(20):
        await asyncio.sleep(0)


def good(*items: str) -> Done:
    return [(item, f"done:{item}") for item in items]


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.msg["event"] for record in caplog.records if isinstance(record.msg, dict)]


# --- batches


async def test_what_arrives_while_a_batch_runs_is_the_next_batch():
    async with running() as rig:
        first = await rig.started("a1")
        rig.offer("b1", "c1")
        first.succeed()

        assert first.items == ["a1"]
        assert (await rig.call()).items == ["b1", "c1"]


async def test_a_batch_has_its_most_and_the_rest_is_next():
    async with running(batch_max=2) as rig:
        first = await rig.started("a1", "b1", "c1")
        first.succeed()

        assert first.items == ["a1", "b1"]
        assert (await rig.call()).items == ["c1"]


async def test_each_item_gets_its_own_outcome_in_order():
    async with running() as rig:
        (await rig.started("a1", "b1", "a2")).succeed("x", "y", "z")

        assert await rig.done() == [("a1", "x"), ("b1", "y"), ("a2", "z")]


async def test_items_offered_before_the_start_run_then():
    rig = Rig()
    rig.offer("a1")
    rig.lane.start()

    (await rig.call()).succeed()

    assert await rig.done() == good("a1")
    assert await rig.lane.close(within_s=1)


async def test_a_delivery_does_not_hold_up_the_next_batch():
    async with running() as rig:
        rig.may_deliver.clear()
        (await rig.started("a1")).succeed()
        (await rig.started("b1")).succeed()
        assert rig.lane.depth == 2

        rig.may_deliver.set()

        assert [await rig.done(), await rig.done()] == [good("a1"), good("b1")]


async def test_thin_traffic_is_not_made_to_wait():
    async with running(linger_s=3600.0) as rig:
        (await rig.started("a1", "b1", "c1")).succeed()

        assert (await rig.started("d1")).items == ["d1"]


async def test_dense_traffic_waits_for_company():
    async with running(linger_s=0.02) as rig:
        dense = await rig.started("a1", "b1", "c1", "d1")
        rig.offer("e1")
        dense.succeed()
        await turns()
        rig.offer("f1")

        assert (await rig.call()).items == ["e1", "f1"]


async def test_a_batch_that_is_full_does_not_wait_for_company():
    async with running(linger_s=3600.0, batch_max=4) as rig:
        dense = await rig.started("a1", "b1", "c1", "d1")
        rig.offer("e1", "f1", "g1", "h1")
        dense.succeed()

        assert (await rig.call()).items == ["e1", "f1", "g1", "h1"]


# --- errors


async def test_a_transient_error_runs_the_whole_batch_again():
    async with running() as rig:
        (await rig.started("a1", "b1")).fail(AWAY)
        for _ in range(20):
            (await rig.call()).fail(AWAY)
        again = await rig.call()
        again.succeed()

        assert again.items == ["a1", "b1"]
        assert await rig.done() == good("a1", "b1")


async def test_what_arrives_during_an_outage_waits_its_turn():
    async with running() as rig:
        (await rig.started("a1")).fail(AWAY)
        rig.offer("b1")
        (await rig.call()).succeed()

        assert await rig.done() == good("a1")
        assert (await rig.call()).items == ["b1"]


async def test_after_the_last_attempt_the_batch_has_failed_with_its_error():
    async with running(attempts=2) as rig:
        (await rig.started("a1", "b1")).fail(AWAY)
        (await rig.call()).fail(AWAY)

        assert await rig.done() == [("a1", Failed(AWAY)), ("b1", Failed(AWAY))]
        assert rig.lane.depth == 0


async def test_there_is_one_wait_after_each_attempt_that_failed():
    jitters = iter([0.0, 0.0])
    backoff = Backoff(first_s=0.0, cap_s=0.0, jitter=lambda: next(jitters))
    async with running(backoff=backoff) as rig:
        (await rig.started("a1")).fail(AWAY)
        (await rig.call()).fail(AWAY)
        (await rig.call()).succeed()

        assert await rig.done() == good("a1")
        assert list(jitters) == []


async def test_a_bug_stops_its_item_and_the_neighbours_go_on(caplog: pytest.LogCaptureFixture):
    async with running() as rig:
        (await rig.started("a1", "b1", "c1")).fail(BUG)
        for item in ("a1", "b1", "c1"):
            alone = await rig.call()
            assert alone.items == [item]
            alone.fail(BUG) if item == "b1" else alone.succeed()

        assert await rig.done() == [*good("a1"), ("b1", Failed(BUG)), *good("c1")]
        assert events(caplog) == ["step.bug"]


async def test_a_transient_error_while_items_run_one_by_one_is_not_their_fault():
    async with running() as rig:
        (await rig.started("a1", "b1")).fail(BUG)
        (await rig.call()).fail(AWAY)
        (await rig.call()).succeed()
        (await rig.call()).succeed()

        assert await rig.done() == good("a1", "b1")


async def test_a_step_that_says_too_little_is_a_bug_and_the_lane_goes_on():
    async with running() as rig:
        (await rig.started("a1")).succeed("x", "y")
        ((_, outcome),) = await rig.done()
        (await rig.started("b1")).succeed()

        assert isinstance(outcome, Failed)
        assert str(outcome.error) == "2 outcomes of 1 items"
        assert await rig.done() == good("b1")


# --- users whose row others hold


async def test_a_skipped_item_waits_for_its_lock_alone_while_others_go_on():
    async with running() as rig:
        (await rig.started("a1", "b1")).succeed(SKIPPED, "y")
        alone = await rig.call()
        (await rig.started("c1")).succeed()

        assert await rig.done() == [("b1", "y")]
        assert await rig.done() == good("c1")
        assert (alone.items, alone.wait) == (["a1"], True)

        alone.succeed()
        assert await rig.done() == good("a1")


async def test_skipped_items_of_one_user_run_together_and_each_user_apart():
    async with running() as rig:
        (await rig.started("a1", "b1", "a2")).succeed(SKIPPED, SKIPPED, SKIPPED)

        alone = [await rig.call(), await rig.call()]

        assert [call.items for call in alone] == [["a1", "a2"], ["b1"]]


async def test_only_so_many_users_are_waited_for_at_once():
    async with running() as rig:
        (await rig.started("a1", "b1", "c1", "d1", "e1")).succeed(*[SKIPPED] * 5)
        waited_for = [await rig.call() for _ in range(4)]
        await turns()
        assert rig.calls.empty()

        waited_for[0].succeed()

        assert (await rig.call()).items == ["e1"]


async def test_an_item_that_runs_alone_is_tried_again_and_its_bug_is_its_own():
    async with running() as rig:
        (await rig.started("a1")).succeed(SKIPPED)
        (await rig.call()).fail(AWAY)
        alone = await rig.call()
        alone.fail(BUG)

        assert alone.wait
        assert await rig.done() == [("a1", Failed(BUG))]


async def test_an_item_skipped_after_its_batch_was_split_runs_alone():
    async with running() as rig:
        (await rig.started("a1", "b1")).fail(BUG)
        (await rig.call()).succeed(SKIPPED)
        (await rig.call()).succeed()

        assert await rig.done() == good("b1")
        assert (await rig.call()).wait


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
