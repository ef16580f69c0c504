"""The composition root of a worker: what is made from what, and in which order it ends."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta

import structlog
from faust.types import TP

from config.settings import Settings
from config.wiring import key_ring, open_shards, random_ids, timing, topic_names
from messaging.envelope import topic_of
from messaging.sender import KafkaSender
from messaging.topics import check_topics
from sagas.backoff import Backoff
from sagas.lane import LaneOptions
from sagas.messages import Step
from sagas.redrive import RedrivePolicy
from shards.check import check_shards, check_when_back
from shards.ids import IdSource
from shards.shard import Shard
from workers.admin import Admin
from workers.agents import Agents
from workers.dead_letters import DeadLetters
from workers.faust_app import RunningApp, create_faust_app
from workers.outbound import Outbound
from workers.redrive import BucketProgress, Redrive
from workers.step_lanes import StepLanes, StepOptions

_log = structlog.stdlib.get_logger(__name__)

# A stop has 4 s in all before the supervisor kills: acks of what was taken, leaving the group, the
# rest of the lanes. What is not done by then is redelivered.
_SETTLE_S = 1.5
_LEAVE_S = 1.5
_DRAIN_S = 0.3
_REDRIVE_LIMIT = 200


class Worker:
    """One worker of the consumer group; `start`, then `watch`, then `stop`."""

    def __init__(self, settings: Settings, *, ids: IdSource | None = None) -> None:
        self._settings = settings
        self._ids = ids or random_ids(settings)
        self._names = topic_names(settings)
        self._shards = open_shards(settings)
        self._sender = KafkaSender(
            bootstrap=settings.kafka_bootstrap, client_id="holdfast-worker", linger_ms=2
        )
        keys = key_ring(settings)
        outbound = Outbound(
            sender=self._sender,
            keys=keys,
            names=self._names,
            backoff=self._backoff(),
        )
        self._dead_letters = DeadLetters(
            shards=self._shards,
            outbound=outbound,
            names=self._names,
            ids=self._ids,
            options=self._lane_options(attempts=None),
        )
        self._lanes = StepLanes(
            shards=self._shards,
            outbound=outbound,
            dead_letters=self._dead_letters,
            options=StepOptions(
                step=self._lane_options(attempts=None),
                settle=self._lane_options(attempts=3),
                timing=timing(settings),
                on_pressure=self._on_pressure,
            ),
        )
        self._agents = Agents(
            shards=self._shards,
            keys=keys,
            lanes=self._lanes,
            dead_letters=self._dead_letters,
        )
        app = create_faust_app(
            app_id=settings.kafka.group,
            bootstrap=settings.kafka_bootstrap,
            session_timeout_s=settings.workers.session_timeout_s,
            commit_interval_s=settings.workers.commit_interval_s,
        )
        self._agents.subscribe(app, self._names)
        self._faust = RunningApp(app)
        self._redrives = [self._redrive(shard, outbound) for shard in self._shards.shards]
        self._admin = Admin(
            port=settings.workers.admin_port,
            is_ready=lambda: self._faust.healthy,
            depths=self._lanes.depths,
        )
        self._loops: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Returns when the worker is in its group and fetches.

        Raises:
            SchemaError: a database is not the shard it is taken for.
            TopicsError: a topic is missing, or has not a partition for each bucket.
            BrokerUnavailableError, AppStartError: Kafka is away.
            OSError: the internal listener's port is taken.
        """
        unsafe = self._settings.postgres.allow_unsafe
        away = await check_shards(self._shards, allow_unsafe=unsafe)
        await self._admin.start()
        await self._check_topics()
        await self._sender.start()
        self._lanes.start()
        self._dead_letters.start()
        await self._faust.start()
        self._spawn(check_when_back(away, buckets=self._shards.buckets, allow_unsafe=unsafe))
        for redrive in self._redrives:
            self._spawn(redrive.run(every_s=self._settings.redrive.poll_s))
        _log.info("worker.started", group=self._settings.kafka.group)

    async def watch(self) -> None:
        """Returns when the worker was stopped.

        Raises:
            AppStoppedError: Faust crashed; the process is to end and be started again.
            Exception: what ended one of its loops; likewise.
        """
        watching = asyncio.create_task(self._faust.watch())
        waiting = {watching, *self._loops}
        try:
            while not watching.done():
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if not task.cancelled():
                        task.result()
        finally:
            watching.cancel()

    async def stop(self) -> bool:
        """Takes no more messages, ends what it has taken, leaves the group, closes everything.

        Returns:
            False if Faust hung: then the process has to end at once.
        """
        for task in self._loops:
            task.cancel()
        left = await self._faust.stop(within_s=_LEAVE_S, settle_s=_SETTLE_S)
        await self._lanes.close(within_s=_DRAIN_S)
        await self._dead_letters.close(within_s=_DRAIN_S)
        await self._sender.close()
        await self._admin.close()
        await self._shards.close()
        _log.info("worker.stopped", left_group=left)
        return left

    async def _check_topics(self) -> None:
        kafka = self._settings.kafka
        await check_topics(
            bootstrap=self._settings.kafka_bootstrap,
            names=self._names,
            partitions=self._shards.buckets,
            replication_factor=kafka.replication_factor,
            min_insync_replicas=kafka.min_insync_replicas,
        )

    def _redrive(self, shard: Shard, outbound: Outbound) -> Redrive:
        redrive = self._settings.redrive
        consumer = self._faust.app
        return Redrive(
            shard,
            buckets=lambda: consumer.safe_consumer.assigned_buckets(self._names.try_confirm),
            progress=BucketProgress(
                lag=lambda step, bucket: consumer.safe_consumer.lag(
                    TP(topic_of(self._names, step), bucket)
                ),
                taken=lambda step, bucket: self._agents.taken[step, bucket],
            ),
            outbound=outbound,
            policy=RedrivePolicy(
                backoff_base=timedelta(seconds=redrive.first_after_s),
                backoff_cap=timedelta(seconds=redrive.backoff_cap_s),
                limit=_REDRIVE_LIMIT,
            ),
            ids=self._ids,
        )

    def _on_pressure(self, shard: Shard, step: Step, full: bool) -> None:
        """A full lane holds back its own partitions; those of other shards go on."""
        topic = topic_of(self._names, step)
        partitions = {TP(topic, bucket) for bucket in shard.buckets}
        consumer = self._faust.app.safe_consumer
        (consumer.pause if full else consumer.resume)(partitions)
        _log.warning("lane.pressure", shard=shard.name, step=step, full=full)

    def _lane_options(self, *, attempts: int | None) -> LaneOptions:
        return LaneOptions(
            capacity=self._settings.workers.lane_capacity,
            batch_max=self._settings.lanes.batch_max,
            linger_s=self._settings.lanes.step_linger_ms / 1000,
            attempts=attempts,
            backoff=self._backoff(),
        )

    def _backoff(self) -> Backoff:
        return Backoff(first_s=0.05, cap_s=2.0, jitter=self._ids.jitter)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._loops.add(task)
