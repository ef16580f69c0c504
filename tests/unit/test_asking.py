"""A lane that answers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from sagas.asking import AskingLane, LaneFullError, Patience
from sagas.backoff import Backoff
from sagas.lane_options import LaneOptions, RunStep
from sagas.outcomes import SKIPPED, Failed, Skipped
from shards.errors import CommitUnknownError, ShardAwayError
from tests.eventually import eventually


class Gate:
    """A step that waits at a gate; it skips a `*` the first time, and refuses a `-`."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.batches: list[list[str]] = []
        self.error: Exception | None = None

    async def __call__(
        self, items: Sequence[str], /, *, wait: bool
    ) -> Sequence[str | Failed | Skipped]:
        self.batches.append(list(items))
        await self.opened.wait()
        if self.error is not None:
            raise self.error
        return [self._outcome(item, wait=wait) for item in items]

    def _outcome(self, item: str, *, wait: bool) -> str | Failed | Skipped:
        if item == "-":
            return Failed(ValueError(item))
        return SKIPPED if item == "*" and not wait else item.upper()


@asynccontextmanager
async def asking(
    gate: RunStep[str, str | Failed],
    *,
    capacity: int = 10,
    answer_s: float = 60.0,
    user_max: int | None = None,
) -> AsyncIterator[AskingLane[str, str]]:
    lane: AskingLane[str, str] = AskingLane(
        "shard0.try",
        run=gate,
        # Items of one user begin with the same letter.
        user_of=lambda item: item[0],
        options=LaneOptions(
            capacity=capacity,
            batch_max=10,
            linger_s=0.0,
            attempts=2,
            backoff=Backoff(first_s=0.0, cap_s=0.0, jitter=lambda: 0.0),
        ),
        patience=Patience(answer_s=answer_s, error=CommitUnknownError),
        user_max=user_max,
    )
    lane.start()
    yield lane
    await lane.close(within_s=0)


async def asked(lane: AskingLane[str, str], *items: str) -> "list[asyncio.Task[str]]":
    """Callers that wait for their answers."""
    tasks = [asyncio.create_task(lane.ask(item)) for item in items]
    await asyncio.sleep(0)
    return tasks


@pytest.fixture
def gate() -> Gate:
    return Gate()


async def test_callers_of_one_moment_share_a_run_and_each_has_its_own_answer(gate: Gate):
    async with asking(gate) as lane:
        callers = await asked(lane, "a", "b", "c")
        gate.opened.set()

        assert [await caller for caller in callers] == ["A", "B", "C"]
        assert gate.batches == [["a", "b", "c"]]


async def test_a_failed_outcome_is_raised_to_its_caller_alone(gate: Gate):
    gate.opened.set()
    async with asking(gate) as lane:
        good, bad = await asked(lane, "a", "-")

        with pytest.raises(ValueError, match="-"):
            await bad
        assert await good == "A"


async def test_a_shard_that_stays_away_is_told_to_every_caller(gate: Gate):
    gate.error = ShardAwayError("shard0", "away")
    gate.opened.set()
    async with asking(gate) as lane:
        for caller in await asked(lane, "a", "b"):
            with pytest.raises(ShardAwayError):
                await caller
        assert gate.batches == [["a", "b"]] * 2


async def test_a_skipped_item_is_answered_after_its_lock_was_waited_for(gate: Gate):
    gate.opened.set()
    async with asking(gate) as lane:
        assert await lane.ask("*") == "*"
        assert gate.batches == [["*"], ["*"]]


async def test_a_caller_that_goes_away_cancels_nothing(gate: Gate):
    async with asking(gate) as lane:
        gone, stays = await asked(lane, "a", "b")
        gone.cancel()
        gate.opened.set()

        assert await stays == "B"
        assert gate.batches == [["a", "b"]]
        assert gone.cancelled()


async def test_a_lane_without_room_says_so_and_nothing_happens(gate: Gate):
    async with asking(gate, capacity=2) as lane:
        callers = await asked(lane, "a", "b")
        with pytest.raises(LaneFullError, match=r"shard0\.try"):
            await lane.ask("c")
        gate.opened.set()

        assert [await caller for caller in callers] == ["A", "B"]
        assert await lane.ask("c") == "C"


async def test_a_lane_that_is_closed_takes_nothing(gate: Gate):
    async with asking(gate) as lane:
        assert await lane.close(within_s=1)

        with pytest.raises(LaneFullError):
            await lane.ask("a")


async def test_closing_answers_who_waits(gate: Gate):
    async with asking(gate) as lane:
        (caller,) = await asked(lane, "a")
        closing = asyncio.create_task(lane.close(within_s=5))
        gate.opened.set()

        assert await closing
        assert await caller == "A"


async def test_who_was_not_answered_when_the_lane_closed_does_not_wait_for_ever(gate: Gate):
    async with asking(gate) as lane:
        (caller,) = await asked(lane, "a")

        assert not await lane.close(within_s=0.01)

        await asyncio.wait([caller], timeout=5)
        assert caller.done()
        assert caller.cancelled()


async def test_a_caller_of_a_step_that_hangs_is_told_in_time_and_the_step_runs_on():
    gate = Gate()
    async with asking(gate, answer_s=0.01) as lane:
        with pytest.raises(CommitUnknownError, match="no answer in"):
            await lane.ask("a")
        gate.opened.set()

        assert await lane.close(within_s=5)


# --- many at once


async def test_items_that_are_asked_together_share_a_run_and_are_answered_in_order(gate: Gate):
    gate.opened.set()
    async with asking(gate) as lane:
        a, failed, skipped, b = await lane.ask_all(["a", "-", "*", "b"])

    assert (a, skipped, b) == ("A", "*", "B")
    assert isinstance(failed, Failed)
    assert str(failed.error) == "-"
    assert gate.batches == [["a", "-", "*", "b"], ["*"]]


async def test_asking_for_nothing_asks_nobody(gate: Gate):
    async with asking(gate) as lane:
        assert await lane.ask_all([]) == []

    assert gate.batches == []


async def test_items_for_which_there_is_no_room_have_failed_and_the_others_go_on(gate: Gate):
    gate.opened.set()
    async with asking(gate, capacity=2) as lane:
        a, b, c = await lane.ask_all(["a", "b", "c"])

        assert (a, b) == ("A", "B")
        assert isinstance(c, Failed)
        assert isinstance(c.error, LaneFullError)
        assert gate.batches == [["a", "b"]]
        assert await lane.ask_all(["c"]) == ["C"]


async def test_items_that_were_not_answered_in_time_have_failed_and_the_others_are_told():
    may_go_on = asyncio.Event()

    async def first_batch_only(items: Sequence[str], /, *, wait: bool) -> Sequence[str]:
        if "a" not in items:
            await may_go_on.wait()
        return [item.upper() for item in items]

    async with asking(first_batch_only, capacity=20, answer_s=0.05) as lane:
        outcomes = await lane.ask_all(["a", *"123456789", "x", "y"])
        may_go_on.set()

        assert outcomes[:10] == ["A", *"123456789"]
        for outcome in outcomes[10:]:
            assert isinstance(outcome, Failed)
            assert isinstance(outcome.error, CommitUnknownError)
        assert await lane.close(within_s=5)


async def test_who_asked_for_many_does_not_wait_for_a_lane_that_was_closed(gate: Gate):
    async with asking(gate) as lane:
        caller = asyncio.create_task(lane.ask_all(["a", "b"]))
        await asyncio.sleep(0)
        await lane.close(within_s=0.01)

        await asyncio.wait([caller], timeout=5)
        assert caller.cancelled()


async def test_a_user_has_a_part_of_the_lane_and_the_others_go_on():
    gate = Gate()
    async with asking(gate, user_max=3) as lane:
        mine = asyncio.create_task(lane.ask_all(["a1", "a2", "a3", "a4", "a5"]))
        await asyncio.sleep(0)
        with pytest.raises(LaneFullError):
            await lane.ask("a6")
        other = asyncio.create_task(lane.ask("b1"))
        await asyncio.sleep(0)
        gate.opened.set()
        outcomes = await mine
        again = await lane.ask_all(["a7", "a8", "a9"])
        told = await other

    assert outcomes[:3] == ["A1", "A2", "A3"]
    assert [isinstance(one, Failed) for one in outcomes[3:]] == [True, True]
    assert isinstance(outcomes[3], Failed)
    assert isinstance(outcomes[3].error, LaneFullError)
    assert (again, told) == (["A7", "A8", "A9"], "B1")
    assert lane._of_user == {}


async def test_what_nobody_waits_for_any_more_still_has_its_place():
    gate = Gate()
    async with asking(gate, user_max=2) as lane:
        impatient = asyncio.create_task(lane.ask_all(["a1", "a2"]))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.wait({impatient})
        with pytest.raises(LaneFullError):
            await lane.ask("a3")
        gate.opened.set()
        outcome = await eventually(lambda: _asked(lane, "a4"))

    assert outcome == "A4"


async def test_what_has_failed_gives_its_place_back():
    gate = Gate()
    gate.opened.set()
    gate.error = ShardAwayError("shard0", "gone")
    async with asking(gate, user_max=1) as lane:
        with pytest.raises(ShardAwayError):
            await lane.ask("a1")
        gate.error = None

        assert await lane.ask("a2") == "A2"


async def _asked(lane: AskingLane[str, str], item: str) -> str:
    try:
        return await lane.ask(item)
    except LaneFullError:
        raise AssertionError("full") from None
