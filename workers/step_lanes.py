"""The lanes of a worker: one per shard, and what each outcome leads to.

Outcomes are delivered after the commit: what comes next is sent and acknowledged, or handed over,
then notices, then the incoming message is acked. A worker that dies in between has its message
redelivered, and the step repeats its output.

A worker sends itself no messages: the confirm of a bucket that it reads itself goes into the lane
of the payee's shard at once, and the try-confirm is acked when the transfer is settled. A settle
has no message at all.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sagas.lane import Lane, close_lanes
from sagas.lane_options import LaneOptions, RunStep
from sagas.messages import Message
from sagas.notifying import notify_ended
from sagas.outcomes import Failed, SetAside, Skipped
from sagas.steps.cancel import CancelDone
from sagas.steps.confirm import Confirmed
from sagas.steps.run import StepOutcome, Work, run_steps, user_of
from sagas.steps.settle import Settled
from sagas.steps.try_confirm import TryConfirmed
from shards.dead_letters import ReasonClass
from shards.errors import ShardTransientError
from shards.records import record
from shards.router import ShardMap
from shards.shard import Shard
from shards.transfers import Transfer
from shards.verdicts import Verdict
from workers.dead_letters import Arrival, DeadLetters
from workers.incoming import Incoming
from workers.outbound import Outbound
from workers.step_log import log_finished

# A step without a message of its own: it follows the confirm.
_SETTLE = "settle"
# A full lane pauses its partitions, but a settle comes from another shard's: it ends a transfer, so
# it is let in until the lane has so many times what makes it full.
_FULL_FOR_SETTLES = 4


@record(kw_only=False)
class Job:
    """Work of a shard, and the message that brought it: a settle follows from a confirm's."""

    work: Work
    incoming: Incoming

    @property
    def is_handed_over(self) -> bool:
        """Whether another lane gave it: then there are other ways to have it done later."""
        return self.work is not self.incoming.message

    @property
    def step(self) -> str:
        """What is to be done, for logs and dead letters."""
        return self.work.step if isinstance(self.work, Message) else _SETTLE


Done = Sequence[tuple[Job, StepOutcome | Failed]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOptions:
    """How lanes gather.

    Attributes:
        lane: messages wait for their shard, however long; what was handed over is given up after
            its attempts: a confirm is sent instead, and redrive brings a verdict back.
        crowd: of the lane of a shard, as of `LaneOptions`.
        on_pressure: told which shard's lane is full, or no longer.
        reads_confirms_of: whether this worker reads the confirms of a bucket.
    """

    lane: LaneOptions
    crowd: Callable[[Shard], float]
    on_pressure: Callable[[Shard, bool], None]
    reads_confirms_of: Callable[[int], bool]


class StepLanes:
    """Takes messages and sees each through to its ack."""

    def __init__(
        self,
        *,
        shards: ShardMap,
        outbound: Outbound,
        dead_letters: DeadLetters,
        options: StepOptions,
    ) -> None:
        self._shards = shards
        self._outbound = outbound
        self._dead_letters = dead_letters
        self._options = options
        self._lanes = {shard.name: self._lane(shard) for shard in shards.shards}

    def start(self) -> None:
        """Begins to run."""
        for lane in self._lanes.values():
            lane.start()

    async def close(self, *, within_s: float) -> None:
        """Runs what is left for at most `within_s`; the rest is redelivered."""
        await close_lanes(self._lanes.values(), within_s=within_s)

    def take(self, incoming: Incoming) -> None:
        """Queues a message in the lane of its shard; never waits."""
        shard = self._shards.of_bucket(incoming.message.bucket)
        self._lanes[shard.name].offer(Job(incoming.message, incoming))

    def all(self) -> list[Lane[Job, StepOutcome]]:
        """Every lane."""
        return list(self._lanes.values())

    def _lane(self, shard: Shard) -> Lane[Job, StepOutcome]:
        run: RunStep[Job, StepOutcome] = _runner(shard)

        async def deliver(done: Done) -> None:
            await self._deliver(shard, done)

        return Lane(
            f"{shard.name}.steps",
            run=run,
            user_of=lambda job: user_of(job.work),
            deliver=deliver,
            options=replace(
                self._options.lane,
                crowd=lambda: self._options.crowd(shard),
                is_patient=lambda job: not job.is_handed_over,
            ),
            on_pressure=lambda full: self._options.on_pressure(shard, full),
        )

    async def _deliver(self, shard: Shard, done: Done) -> None:
        log_finished(f"{shard.name}.steps", _told(done))
        going_on: list[tuple[Incoming, Message]] = []
        for job, outcome in done:
            match outcome:
                case TryConfirmed(confirm=Message() as confirm):
                    if not self._reads(confirm) or not self._hand_over(job, confirm):
                        going_on.append((job.incoming, confirm))
                case Failed() | SetAside() if isinstance(job.work, Message) and job.is_handed_over:
                    # What cannot be done at once is sent: its own message waits, or is set aside.
                    going_on.append((job.incoming, job.work))
                case _:
                    self._follow(job, outcome)
        ended = [
            (job.incoming, outcome.transfer)
            for job, outcome in done
            if isinstance(outcome, CancelDone | Settled)
            or (isinstance(outcome, TryConfirmed) and outcome.confirm is None)
        ]
        # Side by side: what has ended is told and acked while Kafka is away, too.
        async with asyncio.TaskGroup() as group:
            if going_on:
                group.create_task(self._send_on(going_on))
            if ended:
                group.create_task(self._tell_ended(shard, ended))

    def _follow(self, job: Job, outcome: StepOutcome | Failed) -> None:
        """What needs no waiting: a verdict goes to be settled, what cannot be is set aside."""
        match outcome:
            case Confirmed():
                if not self._hand_over(job, outcome.verdict):
                    # The verdict stands: redrive brings the confirm back when the shard takes it.
                    job.incoming.ack()
            case Failed(error=ShardTransientError()):
                # A settle that was given up: redrive brings the verdict back.
                job.incoming.ack()
            case SetAside() | Failed():
                self._set_aside(job, outcome)
            case _:
                pass

    async def _send_on(self, going_on: list[tuple[Incoming, Message]]) -> None:
        await self._outbound.send([message for _, message in going_on])
        _ack(incoming for incoming, _ in going_on)

    async def _tell_ended(self, shard: Shard, ended: list[tuple[Incoming, Transfer]]) -> None:
        await notify_ended(shard, [transfer for _, transfer in ended])
        _ack(incoming for incoming, _ in ended)

    def _set_aside(self, job: Job, outcome: SetAside | Failed) -> None:
        """Keeps a verified message: it asked for what cannot be, or met a bug of ours."""
        if isinstance(outcome, SetAside):
            reason_class, why = ReasonClass.IMPOSSIBLE, outcome
        else:
            reason_class, why = ReasonClass.BUG, SetAside("bug", repr(outcome.error))
        self._dead_letters.set_aside(
            Arrival(raw=job.incoming.raw, step=job.step, ack=job.incoming.ack),
            reason_class=reason_class,
            why=why,
            transfer_id=job.incoming.message.transfer_id,
        )

    def _reads(self, confirm: Message) -> bool:
        return self._options.reads_confirms_of(confirm.bucket)

    def _hand_over(self, job: Job, work: Message | Verdict) -> bool:
        """Gives what follows from a job to the lane of its shard, if that takes it."""
        lane = self._lanes[self._shards.of_id(user_of(work)).name]
        if isinstance(work, Verdict):
            has_room = lane.depth < _FULL_FOR_SETTLES * self._options.lane.capacity
        else:
            has_room = not lane.is_full
        if lane.is_away or not has_room:
            return False
        lane.offer(Job(work, job.incoming))
        return True


def _runner(shard: Shard) -> RunStep[Job, StepOutcome]:
    async def run(jobs: Sequence[Job], /, *, wait: bool) -> Sequence[StepOutcome | Skipped]:
        return await run_steps(shard, [job.work for job in jobs], wait=wait)

    return run


def _ack(done: Iterable[Incoming]) -> None:
    for incoming in done:
        incoming.ack()


def _told(done: Done) -> Iterator[tuple[Message, str]]:
    """What the log says of each: the status of its transfer, or the verdict on it."""
    for job, outcome in done:
        match outcome:
            case Confirmed():
                yield job.incoming.message, outcome.verdict.kind
            case TryConfirmed() | CancelDone() | Settled():
                yield job.incoming.message, outcome.transfer.status
