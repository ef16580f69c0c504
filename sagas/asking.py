"""A lane that answers: whoever asks waits for the outcome of its own item."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic

from sagas.lane import ItemT, Lane, LaneOptions, OutcomeT, RunStep
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


@dataclass(frozen=True, slots=True, eq=False)
class _Asked(Generic[ItemT, OutcomeT]):
    item: ItemT
    answer: "asyncio.Future[OutcomeT]"


class AskingLane(Generic[ItemT, OutcomeT]):
    """Group commit for callers that want their answer: requests of one moment share a transaction.

    A caller that goes away cancels nothing: its item runs on.
    """

    def __init__(
        self,
        name: str,
        *,
        run: RunStep[ItemT, OutcomeT | Failed],
        user_of: Callable[[ItemT], Hashable],
        options: LaneOptions,
        patience: Patience,
    ) -> None:
        self._run = run
        self._patience = patience
        self.name = name
        self._unanswered: set[asyncio.Future[OutcomeT]] = set()
        self._lane: Lane[_Asked[ItemT, OutcomeT], OutcomeT | Failed] = Lane(
            name,
            run=self._run_items,
            user_of=lambda asked: user_of(asked.item),
            deliver=_answer,
            options=options,
        )

    def start(self) -> None:
        """Begins to run."""
        self._lane.start()

    async def ask(self, item: ItemT) -> OutcomeT:
        """The outcome of `item`.

        Raises:
            LaneFullError: there is no room; try again later.
            ShardAwayError: no answer in time, of the kind that `Patience` says.
            CancelledError: the lane was closed meanwhile; it may or may not have happened.
            Exception: the `Failed` outcome's error.
        """
        if self._lane.is_full:
            raise LaneFullError(self.name)
        answer: asyncio.Future[OutcomeT] = asyncio.get_running_loop().create_future()
        self._lane.offer(_Asked(item, answer))
        self._unanswered.add(answer)
        try:
            async with asyncio.timeout(self._patience.answer_s):
                return await answer
        except TimeoutError as error:
            late = f"no answer in {self._patience.answer_s:g} s"
            raise self._patience.error(self.name, late) from error
        finally:
            self._unanswered.discard(answer)

    async def close(self, *, within_s: float) -> bool:
        """As `Lane.close`; nobody waits for an answer afterwards."""
        drained = await self._lane.close(within_s=within_s)
        for answer in self._unanswered:
            answer.cancel()
        return drained

    async def _run_items(
        self, asked: Sequence[_Asked[ItemT, OutcomeT]], *, wait: bool
    ) -> Sequence[OutcomeT | Failed | Skipped]:
        return await self._run([one.item for one in asked], wait=wait)


async def _answer(
    done: Sequence[tuple[_Asked[ItemT, OutcomeT], OutcomeT | Failed]],
) -> None:
    for asked, outcome in done:
        if asked.answer.done():
            continue
        if isinstance(outcome, Failed):
            asked.answer.set_exception(outcome.error)
        else:
            asked.answer.set_result(outcome)
