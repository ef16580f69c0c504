"""A lane, its step stepped by hand: batches, errors, users whose row others hold."""

import asyncio

import pytest

from sagas.backoff import Backoff
from sagas.outcomes import SKIPPED, Failed
from tests.unit.lane_rig import AWAY, BUG, Rig, events, good, running, turns

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


async def test_dense_traffic_waits_for_company_as_long_as_the_batch_before_ran():
    async with running(linger_s=3600.0) as rig:
        dense = await rig.started("a1", "b1", "c1", "d1")
        await asyncio.sleep(0.1)
        rig.offer("e1")
        dense.succeed()
        await turns()
        rig.offer("f1")

        assert (await rig.call()).items == ["e1", "f1"]


async def test_a_lane_that_may_not_linger_does_not():
    async with running(linger_s=0.0) as rig:
        dense = await rig.started("a1", "b1", "c1", "d1")
        await asyncio.sleep(0.1)
        rig.offer("e1")
        dense.succeed()
        await turns()

        assert rig.calls.get_nowait().items == ["e1"]


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

        done = [await rig.done() for _ in range(3)]
        assert done == [good("a1"), [("b1", Failed(BUG))], good("c1")]
        assert events(caplog) == ["step.bug"]


async def test_a_transient_error_while_items_run_one_by_one_is_not_their_fault():
    async with running() as rig:
        (await rig.started("a1", "b1")).fail(BUG)
        (await rig.call()).fail(AWAY)
        (await rig.call()).succeed()
        (await rig.call()).succeed()

        assert [await rig.done() for _ in range(2)] == [good("a1"), good("b1")]


async def test_what_does_not_wait_for_its_shard_is_given_up_and_the_rest_goes_on():
    async with running(attempts=2, is_patient=lambda item: item[0] == "p") as rig:
        first = await rig.started("p1", "a1")
        rig.offer("p2", "b1")
        first.fail(AWAY)
        (await rig.call()).fail(AWAY)
        again = await rig.call()

        assert rig.lane.is_away
        assert await rig.done() == [("a1", Failed(AWAY)), ("b1", Failed(AWAY))]
        assert again.items == ["p1"]

        again.succeed()
        assert (await rig.call()).items == ["p2"]
        assert not rig.lane.is_away


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


async def test_what_was_skipped_is_gathered_again_in_a_batch_that_waits():
    async with running() as rig:
        (await rig.started("a1", "b1")).succeed(SKIPPED, SKIPPED)
        first = await rig.call()
        (await rig.started("c1", "d1")).succeed(SKIPPED, SKIPPED)
        first.succeed()
        second = await rig.call()

        assert [(call.items, call.wait) for call in (first, second)] == [
            (["a1", "b1"], True),
            (["c1", "d1"], True),
        ]


async def test_a_batch_that_waited_in_vain_runs_user_by_user():
    async with running() as rig:
        (await rig.started("a1", "b1", "a2")).succeed(SKIPPED, SKIPPED, SKIPPED)
        (await rig.call()).fail(AWAY)

        alone = [await rig.call(), await rig.call()]

        assert [call.items for call in alone] == [["a1", "a2"], ["b1"]]


async def test_a_user_who_stalls_holds_up_nobody_who_comes_late():
    async with running() as rig:
        (await rig.started("a1")).succeed(SKIPPED)
        (await rig.call()).fail(AWAY)
        stalled = await rig.call()
        (await rig.started("a2", "b1")).succeed(SKIPPED, SKIPPED)
        late = await rig.call()
        stalled.succeed()

        assert late.items == ["b1"]
        assert await rig.done() == good("a1")
        assert (await rig.call()).items == ["a2"]


async def test_only_so_many_users_are_waited_for_at_once():
    async with running() as rig:
        (await rig.started("a1", "b1", "c1", "d1", "e1")).succeed(*[SKIPPED] * 5)
        (await rig.call()).fail(AWAY)
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


async def test_no_item_is_lost_that_is_skipped_although_it_waited():
    async with running() as rig:
        (await rig.started("a1")).succeed(SKIPPED)
        (await rig.call()).fail(AWAY)
        (await rig.call()).succeed(SKIPPED)
        (await rig.call()).succeed()

        assert await rig.done() == good("a1")


async def test_an_item_skipped_after_its_batch_was_split_runs_alone():
    async with running() as rig:
        (await rig.started("a1", "b1")).fail(BUG)
        (await rig.call()).succeed(SKIPPED)
        (await rig.call()).succeed()

        assert await rig.done() == good("b1")
        assert (await rig.call()).wait


# --- what it counts


async def test_it_counts_what_ran_what_was_skipped_and_what_failed():
    async with running() as rig:
        (await rig.started("a1", "b1")).fail(AWAY)
        (await rig.call()).succeed(SKIPPED, "y")
        (await rig.call()).succeed()
        await rig.done()
        await rig.done()

        counts = rig.lane.counts
        assert (counts.batches, counts.items, counts.skipped) == (2, 3, 1)
        assert counts.transient_errors == 1
        assert counts.running_s > 0
