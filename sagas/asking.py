"""A lane that answers: whoever asks waits for the outcome of its own item."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic

from sagas.lane import ItemT, Lane, OutcomeT
from sagas.lane_options import LaneCounts, LaneOptions, RunStep
from sagas.outcomes import Failed, Skipped
from shards.errors import ShardAwayError


class LaneFullError(Exception):
    """The lane has as much as it can hold; nothing happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long whoever asks waits, and what is raised then; the item runs on.

    Attributes:
        answer_s: a shard that hangs must not hold up its askers one after the other.
        error: `CommitUnknownError` where the item writes, `ShardAwayError` where it only reads.
    """

    answer_s: float
    error: type[ShardAwayError]


# No outcome yet: None is one.
_MISSING: Final[Any] = object()


class _Answers(Generic[OutcomeT]):
    """The outcomes of items that were asked for together; `done` when the last one is there."""

    def __init__(self, count: int) -> None:
        self.outcomes: list[OutcomeT | Failed] = [_MISSING] * count
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._missing = count

    def put(self, index: int, outcome: OutcomeT | Failed) -> None:
        self.outcomes[index] = outcome
        self._missing -= 1
        if not self._missing and not self.done.done():
            self.done.set_result(None)

    def wait_no_longer(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def or_else(self, error: Callable[[], Exception]) -> list[OutcomeT | Failed]:
        """Those that are there; the others have failed with this error."""
        if not self._missing:
            return self.outcomes
        late = Failed(error())
        return [late if outcome is _MISSING else outcome for outcome in self.outcomes]


# Not frozen: there is one for each request, and a frozen one takes several times as long to make.
@dataclass(slots=True, eq=False)
class _Asked(Generic[ItemT, OutcomeT]):
    item: ItemT
    answers: _Answers[OutcomeT]
    index: int


class AskingLane(Generic[ItemT, OutcomeT]):
    """Group commit for callers that want their answer: requests of one moment share a transaction.

    A caller that goes away cancels nothing: its item runs on.

    Args:
        name: as `Lane`.
        run: as `Lane`.
        user_of: as `Lane`.
        options: as `Lane`.
        patience: of the callers.
        user_max: items of one user that may be in the lane: to who has as many it is full. None
            bounds nobody.
    """

    def __init__(
        self,
        name: str,
        *,
        run: RunStep[ItemT, OutcomeT | Failed],
        user_of: Callable[[ItemT], Hashable],
        options: LaneOptions,
        patience: Patience,
        user_max: int | None = None,
    ) -> None:
        self._run = run
        self._patience = patience
        self._user_of = user_of
        self._user_max = user_max
        # Items of each user that are in the lane; kept only where they are bounded.
        self._of_user: dict[Hashable, int] = {}
        self.name = name
        self._unanswered: set[_Answers[OutcomeT]] = set()
        self._lane: Lane[_Asked[ItemT, OutcomeT], OutcomeT | Failed] = Lane(
            name,
            run=self._run_items,
            user_of=lambda asked: user_of(asked.item),
            deliver=self._answer,
            options=options,
        )

    def start(self) -> None:
        """Begins to run."""
        self._lane.start()

    @property
    def depth(self) -> int:
        """As `Lane.depth`."""
        return self._lane.depth

    @property
    def counts(self) -> LaneCounts:
        """As `Lane.counts`."""
        return self._lane.counts

    async def ask(self, item: ItemT) -> OutcomeT:
        """The outcome of `item`.

        Raises:
            LaneFullError: there is no room, or none for this user; try again later.
            ShardAwayError: no answer in time, of the kind that `Patience` says.
            CancelledError: the lane was closed meanwhile; it may or may not have happened.
            Exception: the `Failed` outcome's error.
        """
        (outcome,) = await self.ask_all((item,))
        if isinstance(outcome, Failed):
            raise outcome.error
        return outcome

    async def ask_all(self, items: Sequence[ItemT]) -> list[OutcomeT | Failed]:
        """The outcome of each item, in order: offered together, they share transactions.

        What `ask` would raise of an item is its `Failed`.

        Raises:
            CancelledError: the lane was closed meanwhile; any of it may have happened.
        """
        answers: _Answers[OutcomeT] = _Answers(len(items))
        for index, item in enumerate(items):
            if self._lane.is_full or not self._has_room_for(item):
                answers.put(index, Failed(LaneFullError(self.name)))
            else:
                self._lane.offer(_Asked(item, answers, index))
        if items:
            await self._all_answered(answers)
        return answers.or_else(self._no_answer)

    def _has_room_for(self, item: ItemT) -> bool:
        """Whether its user may have one more in the lane; counts it, if so."""
        if self._user_max is None:
            return True
        user = self._user_of(item)
        count = self._of_user.get(user, 0)
        if count >= self._user_max:
            return False
        self._of_user[user] = count + 1
        return True

    def _make_room_after(self, item: ItemT) -> None:
        if self._user_max is None:
            return
        user = self._user_of(item)
        count = self._of_user[user] - 1
        if count:
            self._of_user[user] = count
        else:
            del self._of_user[user]

    async def _all_answered(self, answers: _Answers[OutcomeT]) -> None:
        """Returns when all are there, or the time is over."""
        self._unanswered.add(answers)
        # By hand: `asyncio.timeout` costs several times as much, and each request asks twice.
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._patience.answer_s, answers.wait_no_longer)
        try:
            await answers.done
        finally:
            timer.cancel()
            self._unanswered.discard(answers)

    def _no_answer(self) -> Exception:
        return self._patience.error(self.name, f"no answer in {self._patience.answer_s:g} s")

    async def close(self, *, within_s: float) -> bool:
        """As `Lane.close`; nobody waits for an answer afterwards."""
        drained = await self._lane.close(within_s=within_s)
        for answers in self._unanswered:
            answers.done.cancel()
        return drained

    async def _run_items(
        self, asked: Sequence[_Asked[ItemT, OutcomeT]], *, wait: bool
    ) -> Sequence[OutcomeT | Failed | Skipped]:
        return await self._run([one.item for one in asked], wait=wait)

    async def _answer(
        self, done: Sequence[tuple[_Asked[ItemT, OutcomeT], OutcomeT | Failed]]
    ) -> None:
        for asked, outcome in done:
            self._make_room_after(asked.item)
            asked.answers.put(asked.index, outcome)
