"""The composition root of a worker: what is made from what, and in which order it ends."""

import asyncio
from datetime import timedelta

import structlog

from config.settings import Settings
from config.wiring import key_ring, open_shards, random_ids, topic_names
from messaging.sender import KafkaSender
from messaging.topics import check_topics
from sagas.backoff import Backoff
from sagas.lane_options import LaneOptions
from sagas.redrive import RedrivePolicy
from shards.check import check_shards, check_when_back
from shards.ids import IdSource
from telemetry.listener import InternalListener, Readiness
from telemetry.metrics import registry_of
from workers.core import CoreOptions, WorkerCore
from workers.faust_app import RunningApp, create_faust_app

_log = structlog.stdlib.get_logger(__name__)

# A stop has 4 s in all before the supervisor kills: acks of what was taken, leaving the group, the
# rest of the lanes. What is not done by then is redelivered.
_SETTLE_S = 1.5
_LEAVE_S = 1.5
_DRAIN_S = 0.3
_REDRIVE_LIMIT = 200
_SETTLE_ATTEMPTS = 3


class Worker:
    """One worker of the consumer group; `start`, then `watch`, then `stop`."""

    def __init__(self, settings: Settings, *, ids: IdSource | None = None) -> None:
        self._settings = settings
        self._ids = ids or random_ids(settings)
        self._names = topic_names(settings)
        self._shards = open_shards(settings)
        self._sender = KafkaSender(bootstrap=settings.kafka_bootstrap, client_id="holdfast-worker")
        app = create_faust_app(
            app_id=settings.kafka.group,
            bootstrap=settings.kafka_bootstrap,
            session_timeout_s=settings.workers.session_timeout_s,
            commit_interval_s=settings.workers.commit_interval_s,
            buckets_by_shard=[
                bucket for shard in self._shards.shards for bucket in sorted(shard.buckets)
            ],
        )
        self._faust = RunningApp(app)
        self._core = WorkerCore(
            shards=self._shards,
            sender=self._sender,
            source=lambda: app.safe_consumer,
            keys=key_ring(settings),
            ids=self._ids,
            options=self._core_options(),
        )
        self._core.agents.subscribe(app, self._names)
        self.admin = InternalListener(
            port=settings.workers.admin_port,
            ready=self._readiness,
            registry=registry_of(lanes=self._core.lanes, messages=self._messages),
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
        await self.admin.start()
        await self._check_topics()
        await self._sender.start()
        self._core.start()
        await self._faust.start()
        self._loops.add(
            asyncio.create_task(
                check_when_back(away, buckets=self._shards.buckets, allow_unsafe=unsafe)
            )
        )
        self._loops |= self._core.start_redrive()
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
        await self._core.close(within_s=_DRAIN_S)
        await self._sender.close()
        await self.admin.close()
        await self._shards.close()
        _log.info("worker.stopped", left_group=left)
        return left

    async def _readiness(self) -> Readiness:
        """Whether the worker is in its group and has its share of the buckets; items in work."""
        is_ready = self._faust.healthy
        lanes = {lane.name: lane.depth for lane in self._core.lanes()}
        status = "ready" if is_ready else "unavailable"
        return Readiness(is_ready, {"status": status, "lanes": lanes})

    def _messages(self) -> dict[str, int]:
        return {"sent": self._sender.sent, "unacknowledged": self._sender.unacknowledged}

    async def _check_topics(self) -> None:
        kafka = self._settings.kafka
        await check_topics(
            bootstrap=self._settings.kafka_bootstrap,
            names=self._names,
            partitions=self._shards.buckets,
            replication_factor=kafka.replication_factor,
            min_insync_replicas=kafka.min_insync_replicas,
        )

    def _core_options(self) -> CoreOptions:
        redrive = self._settings.redrive
        return CoreOptions(
            names=self._names,
            lane=self._lane_options(),
            send_backoff=self._backoff(),
            redrive=RedrivePolicy(
                backoff_base=timedelta(seconds=redrive.first_after_s),
                backoff_cap=timedelta(seconds=redrive.backoff_cap_s),
                limit=_REDRIVE_LIMIT,
            ),
            redrive_every_s=redrive.poll_s,
            hands_over=self._settings.workers.hands_over,
        )

    def _lane_options(self) -> LaneOptions:
        return LaneOptions(
            capacity=self._settings.workers.lane_capacity,
            batch_max=self._settings.lanes.batch_max,
            linger_s=self._settings.lanes.step_linger_ms / 1000,
            attempts=_SETTLE_ATTEMPTS,
            backoff=self._backoff(),
        )

    def _backoff(self) -> Backoff:
        return Backoff(first_s=0.05, cap_s=2.0, jitter=self._ids.jitter)
