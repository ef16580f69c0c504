"""What a worker does, whoever brings its messages: lanes, dead letters, redrive, expiry.

The composition root adds Kafka and Faust; a simulation adds a log of its own.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import structlog
from faust.types import TP

from messaging.bounded import Sender
from messaging.envelope import Packing, topic_of
from messaging.topics import TopicNames
from sagas.backoff import Backoff
from sagas.lane_options import LaneOptions, crowding, share_of_steps
from sagas.messages import KeyRing, Step
from sagas.redrive import RedrivePolicy
from shards.ids import IdSource
from shards.router import ShardMap
from shards.shard import Shard
from telemetry.metrics import CountedLane
from workers.agents import Agents
from workers.dead_letters import DeadLetters
from workers.hold_expiry import HoldExpiry
from workers.outbound import Outbound
from workers.pressure import Pressure
from workers.redrive import BucketProgress, Redrive
from workers.step_lanes import StepLanes, StepOptions

# A letter may be as long as a message may: fewer of them wait than of steps, which are short.
_LETTERS_MAX = 200

_log = structlog.stdlib.get_logger(__name__)


class Source(Protocol):
    """Where messages come from, as far as lanes and redrive ask and tell it."""

    def assigned_buckets(self, topic: str) -> set[int]:
        """The partitions of a topic that this worker has now."""
        ...

    def is_assigned(self, tp: TP) -> bool:
        """Whether this worker has this partition now."""
        ...

    def lag(self, tp: TP) -> int | None:
        """Messages of a partition that are not done yet; None where it is not known."""
        ...

    def pause(self, partitions: Iterable[TP]) -> None:
        """Brings no more from these partitions."""
        ...

    def resume(self, partitions: Iterable[TP]) -> None:
        """Undoes `pause`."""
        ...


SourceOf = Callable[[], Source]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreOptions:
    """How a worker gathers, waits and redrives.

    Attributes:
        lane: of a shard; its attempts are those of a settle, messages wait for ever.
        send_backoff: between two attempts to send what a commit led to.
        redrive_every_s: the pause between two rounds of redrive, and of the expiry of holds.
        hands_over: whether confirms that it would read itself go into its lanes at once.
    """

    names: TopicNames
    lane: LaneOptions
    send_backoff: Backoff
    redrive: RedrivePolicy
    redrive_every_s: float
    hands_over: bool


class WorkerCore:
    """The parts that decide and move money; `agents` is what messages are given to.

    Args:
        source: asked anew each time, since it may exist only once the worker has started.
    """

    def __init__(
        self,
        *,
        shards: ShardMap,
        sender: Sender,
        source: SourceOf,
        keys: KeyRing,
        ids: IdSource,
        options: CoreOptions,
    ) -> None:
        self._shards = shards
        self._names = names = options.names
        self._source = source
        self._pressure = Pressure(source)
        self._ids = ids
        self._options = options
        self._outbound = Outbound(
            sender=sender,
            packing=Packing(keys=keys, names=names, shard_of=shards.of_bucket),
            backoff=options.send_backoff,
        )
        self._dead_letters = DeadLetters(
            shards=shards,
            outbound=self._outbound,
            names=names,
            ids=ids,
            options=replace(
                options.lane, capacity=min(options.lane.capacity, _LETTERS_MAX), attempts=None
            ),
            on_pressure=self._on_letters_pressure,
        )
        self._lanes = StepLanes(
            shards=shards,
            outbound=self._outbound,
            dead_letters=self._dead_letters,
            options=StepOptions(
                lane=options.lane,
                crowd=self._crowd,
                on_pressure=self._on_pressure,
                reads_confirms_of=self._reads_confirms_of,
            ),
        )
        self.agents = Agents(
            shards=shards, keys=keys, lanes=self._lanes, dead_letters=self._dead_letters
        )
        self._loops: list[Redrive | HoldExpiry] = [
            loop
            for shard in shards.shards
            for loop in (self._redrive(shard), self._hold_expiry(shard))
        ]

    def start(self) -> None:
        """Begins to run what was taken."""
        self._lanes.start()
        self._dead_letters.start()

    def start_redrive(self) -> set[asyncio.Task[None]]:
        """Begins to redrive, and to end holds that expire.

        The tasks run until they are cancelled, or end by a bug.
        """
        return {
            asyncio.create_task(loop.run(every_s=self._options.redrive_every_s))
            for loop in self._loops
        }

    def _payers_buckets(self) -> set[int]:
        return self._source().assigned_buckets(self._names.try_confirm)

    async def close(self, *, within_s: float) -> None:
        """Ends what was taken within so long, twice; the rest is redelivered."""
        await self._lanes.close(within_s=within_s)
        await self._dead_letters.close(within_s=within_s)

    def lanes(self) -> list[CountedLane]:
        """Every lane, to be looked at."""
        return [*self._lanes.all(), *self._dead_letters.all()]

    def _crowd(self, shard: Shard) -> float:
        mine = self._payers_buckets()
        return crowding(
            lanes=len(self._shards.shards),
            share=share_of_steps(
                of_shard=len(mine & shard.buckets) / len(shard.buckets),
                of_all=len(mine) / self._shards.buckets,
            ),
        )

    def _reads_confirms_of(self, bucket: int) -> bool:
        tp = TP(self._names.confirm, bucket)
        return self._options.hands_over and self._source().is_assigned(tp)

    def _redrive(self, shard: Shard) -> Redrive:
        return Redrive(
            shard,
            buckets=self._payers_buckets,
            progress=BucketProgress(
                lag=lambda step, bucket: self._source().lag(
                    TP(topic_of(self._names, step), bucket)
                ),
                taken=lambda step, bucket: self.agents.taken[step, bucket],
            ),
            outbound=self._outbound,
            policy=self._options.redrive,
            ids=self._ids,
        )

    def _hold_expiry(self, shard: Shard) -> HoldExpiry:
        # What fails comes again as often as redrive comes back to a transfer that fails.
        return HoldExpiry(
            shard,
            buckets=self._payers_buckets,
            leave_out_s=self._options.redrive.backoff_cap.total_seconds(),
        )

    def _on_pressure(self, shard: Shard, full: bool) -> None:
        self._hold_back(shard, lane=f"{shard.name}.steps", full=full)

    def _on_letters_pressure(self, shard: Shard, full: bool) -> None:
        self._hold_back(shard, lane=f"{shard.name}.dead", full=full)

    def _hold_back(self, shard: Shard, *, lane: str, full: bool) -> None:
        """A full lane holds back the partitions of its shard's buckets; other shards go on."""
        topics = [topic_of(self._names, step) for step in Step]
        partitions = {TP(topic, bucket) for topic in topics for bucket in shard.buckets}
        self._pressure.change(lane, partitions, full=full)
        _log.warning("lane.pressure", lane=lane, full=full)
