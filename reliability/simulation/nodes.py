"""The product's gateway and worker, with a simulated process under them."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from faust.types import TP

from gateway.lanes import AskingOptions, GatewayLanes
from gateway.wake_ups import WakeUps
from messaging.bounded import BoundedSender
from messaging.envelope import Packing, topic_of
from messaging.errors import BrokerUnavailableError
from messaging.topics import TopicNames
from reliability.simulation.log import Group, Log, LogSender, LogSource
from reliability.simulation.process import Process
from reliability.simulation.stage import Stage
from sagas.asking import Patience
from sagas.backoff import Backoff
from sagas.lane_options import LaneOptions
from sagas.messages import KeyRing, Message, Step
from sagas.redrive import RedrivePolicy
from sagas.steps.try_transfer import Timing
from shards.errors import CommitUnknownError, ShardAwayError
from shards.ids import RandomIds
from shards.pool import ShardOptions
from shards.router import ShardMap
from workers.core import CoreOptions, WorkerCore

NAMES = TopicNames.for_prefix("wallet")
KEYS = KeyRing({"simulated": b"simulated" * 4})
TIMING = Timing(redrive_after=timedelta(seconds=3))
SHARD = ShardOptions(pool_size=20, transaction_s=5.0, lock_s=0.25)

_COMMIT_EVERY_S = 0.5
_OPEN_PER_PAYER = 10_000
_REDRIVE_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much goes together: see `LaneOptions` and `ShardOptions`."""

    lane_capacity: int
    batch_max: int
    unlocked_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every node of a run is made over."""

    stage: Stage
    log: Log
    group: Group
    buckets: int
    sizes: Sizes
    hands_over: bool


def partitions(buckets: int) -> list[TP]:
    """Every partition that workers read."""
    return [TP(topic_of(NAMES, step), bucket) for step in Step for bucket in range(buckets)]


class Gateway:
    """A gateway's lanes and its queue to the log; HTTP is left out."""

    def __init__(self, process: Process, around: Surroundings, seed: int) -> None:
        self.process = process
        self.ids = _ids(around, process, seed)
        backoff = Backoff(first_s=0.05, cap_s=1.0, jitter=self.ids.jitter)
        lane = LaneOptions(
            capacity=around.sizes.lane_capacity,
            batch_max=around.sizes.batch_max,
            linger_s=0.002,
            attempts=3,
            backoff=backoff,
        )
        self.shards = _shards(process, around)
        self.lanes = GatewayLanes(
            self.shards,
            steps=AskingOptions(
                lane=lane,
                patience=Patience(answer_s=8.0, error=CommitUnknownError),
                user_max=None,
            ),
            reads=AskingOptions(
                lane=lane,
                patience=Patience(answer_s=3.0, error=ShardAwayError),
                user_max=None,
            ),
            timing=TIMING,
            open_per_payer=_OPEN_PER_PAYER,
        )
        self._bounded: BoundedSender[Message] = BoundedSender(
            LogSender(process, around.log),
            pack=Packing(keys=KEYS, names=NAMES, shard_of=self.shards.of_bucket).pack,
            capacity=100,
        )
        self.wake_ups = WakeUps(self._bounded)
        process.spawn(self._start())

    async def _start(self) -> None:
        await self._bounded.start()
        self.lanes.start()


class Worker:
    """A worker's core, fed from the simulated log."""

    def __init__(self, process: Process, around: Surroundings, seed: int) -> None:
        self.process = process
        self.source = LogSource(process, around.log, around.group)
        ids = _ids(around, process, seed)
        backoff = Backoff(first_s=0.05, cap_s=2.0, jitter=ids.jitter)
        lane = LaneOptions(
            capacity=around.sizes.lane_capacity,
            batch_max=around.sizes.batch_max,
            linger_s=0.002,
            attempts=3,
            backoff=backoff,
        )
        self._core = WorkerCore(
            shards=_shards(process, around),
            sender=LogSender(process, around.log),
            source=lambda: self.source,
            keys=KEYS,
            ids=ids,
            options=CoreOptions(
                names=NAMES,
                lane=lane,
                send_backoff=backoff,
                redrive=RedrivePolicy(
                    backoff_base=timedelta(seconds=1), backoff_cap=timedelta(seconds=5), limit=5
                ),
                redrive_every_s=_REDRIVE_EVERY_S,
                hands_over=around.hands_over,
            ),
        )
        self._takers = {topic_of(NAMES, step): self._core.agents.taker(step) for step in Step}
        process.spawn(self._start())
        process.spawn(self._commit())

    def read(self, tp: TP, most: int) -> int:
        """Hands the agent the next messages of a partition; returns how many."""
        arrived = self.source.read(tp, most)
        for event in arrived:
            self._takers[tp.topic](event)
        return len(arrived)

    async def _start(self) -> None:
        self._core.start()
        self._core.start_redrive()

    async def _commit(self) -> None:
        while True:
            await asyncio.sleep(_COMMIT_EVERY_S)
            try:
                await self.source.commit()
            except BrokerUnavailableError:
                continue


def _shards(process: Process, around: Surroundings) -> ShardMap:
    stage = around.stage
    options = replace(SHARD, unlocked_max=around.sizes.unlocked_max)
    shards = [stage.shard(database, process, options) for database in stage.databases]
    return ShardMap(shards, buckets=around.buckets)


def _ids(around: Surroundings, process: Process, seed: int) -> RandomIds:
    loop = around.stage.loop
    return RandomIds(
        Random(f"{seed} {process.name}"),  # noqa: S311 - a simulation repeats itself
        milliseconds=lambda: 1_767_225_600_000 + int(loop.time() * 1000),
    )
