"""The redrive loop of a worker: for the payers' buckets whose try-confirms it is assigned."""

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum, auto

import structlog

from messaging.errors import BrokerUnavailableError
from sagas.messages import Message, Step
from sagas.redrive import RedrivePolicy, claim_messages
from shards.errors import ShardTransientError
from shards.ids import IdSource
from shards.shard import Shard
from workers.outbound import Outbound

_log = structlog.stdlib.get_logger(__name__)


class Redriven(Enum):
    """What one round did."""

    NOTHING = auto()
    SOME = auto()
    FULL = auto()
    AWAY = auto()


# A bucket that never rests is redriven all the same, once in so long.
_LEFT_ALONE_S = 20.0


@dataclass(frozen=True, slots=True)
class _Queue:
    """What waited in a bucket at a moment: it is all taken when `goal` is reached."""

    goal: int
    since: float


class BucketProgress:
    """Whether a step's messages of a bucket are waiting in Kafka and being worked on.

    Redriving those would only lengthen the queue. But what was sent before a queue that has been
    taken since is not waiting, it is lost: a bucket under steady traffic has some lag at any moment
    and is redriven all the same.

    Args:
        lag: messages of a step's bucket that are not done; None where it is not known.
        taken: how many messages of a step's bucket were taken so far.
        clock: seconds of a clock that only goes forward.
    """

    def __init__(
        self,
        *,
        lag: Callable[[Step, int], int | None],
        taken: Callable[[Step, int], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lag = lag
        self._taken = taken
        self._clock = clock
        self._seen: dict[tuple[Step, int], int] = {}
        self._queues: dict[tuple[Step, int], _Queue] = {}

    def is_moving(self, step: Step, bucket: int) -> bool:
        """Whether a queue that was there before is being taken, and is not through yet.

        For so long at the most: a message that is never acked keeps the lag above zero for good.
        """
        taken = self._taken(step, bucket)
        lag = self._lag(step, bucket)
        moved = taken != self._seen.get((step, bucket), 0)
        self._seen[step, bucket] = taken
        before = self._queues.pop((step, bucket), None)
        if not (lag and moved):
            return False
        now = self._clock()
        if before is None or taken >= before.goal:
            self._queues[step, bucket] = _Queue(taken + lag, now)
            return before is None
        if now - before.since < _LEFT_ALONE_S:
            self._queues[step, bucket] = before
            return True
        return False


class Redrive:
    """Redrives one shard."""

    def __init__(
        self,
        shard: Shard,
        *,
        buckets: Callable[[], Collection[int]],
        progress: BucketProgress,
        outbound: Outbound,
        policy: RedrivePolicy,
        ids: IdSource,
    ) -> None:
        self._shard = shard
        self._buckets = buckets
        self._progress = progress
        self._outbound = outbound
        self._policy = policy
        self._ids = ids

    async def run(self, *, every_s: float) -> None:
        """Rounds for ever; one that took all it may is followed by the next at once."""
        while True:
            if await self.redrive_once() is not Redriven.FULL:
                await asyncio.sleep(every_s)

    async def redrive_once(self) -> Redriven:
        """One round: claims what is due and sends what it implies."""
        idle = [
            bucket
            for bucket in set(self._buckets()) & self._shard.buckets
            if not self._progress.is_moving(Step.TRY_CONFIRM, bucket)
        ]
        if not idle:
            return Redriven.NOTHING
        try:
            messages = await claim_messages(
                self._shard, buckets=idle, policy=self._policy, jitter=self._ids.jitter()
            )
            wanted = self._without_moving_confirms(messages)
            await self._outbound.try_send(wanted)
        except (ShardTransientError, BrokerUnavailableError) as error:
            _log.warning("redrive.failed", shard=self._shard.name, error=str(error))
            return Redriven.AWAY
        if not messages:
            return Redriven.NOTHING
        _log.info("redrive.sent", shard=self._shard.name, transfers=len(wanted))
        return Redriven.FULL if len(messages) >= self._policy.limit else Redriven.SOME

    def _without_moving_confirms(self, messages: list[Message]) -> list[Message]:
        confirming = {m.bucket for m in messages if m.step is Step.CONFIRM}
        moving = {b for b in confirming if self._progress.is_moving(Step.CONFIRM, b)}
        return [m for m in messages if not (m.step is Step.CONFIRM and m.bucket in moving)]
