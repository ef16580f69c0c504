"""Building and running a Faust app inside our own event loop.

No `faust` command, no `faust.Worker`, no web server, no tables: Faust reads Kafka, keeps the group
and commits; everything else is ours. Messages are bytes, decoded where poison can be set aside.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, cast

import faust
import structlog
from faust.tables.manager import TableManager
from faust.transport.drivers.aiokafka import Transport
from faust.types import EventT, StreamT
from faust.types.transports import TransportT
from typing_extensions import override

from workers.assignor import ShardAssignor
from workers.consumer import SafeConsumer
from workers.unreadable import read_what_can_be_read

log = structlog.get_logger()

START_S = 30.0
STOP_S = 8.0
SETTLE_S = 4.0

# Messages that wait in front of one agent.
_BUFFER_MAX = 512
# Messages fetched in one go: what a paused partition may still deliver.
_POLL_RECORDS_MAX = 500


class AppStartError(Exception):
    """The app did not get to the point where it owns partitions; build another one."""


class AppStoppedError(Exception):
    """A running app crashed inside; build another one."""


class SafeTransport(Transport):
    """Faust's Kafka transport with the safe consumer."""

    Consumer = SafeConsumer


class NoTables(TableManager):
    """Faust waits a second for tables to be declared before it joins its group; there are none."""

    @override
    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()


class HoldfastApp(faust.App):
    """An app with the safe transport; two of them in one process share nothing."""

    @override
    def _new_transport(self) -> TransportT:
        return SafeTransport(self.conf.broker_consumer, self)

    @override
    def _create_directories(self) -> None:
        """No tables, so no `<id>-data` folder beside whatever was the working directory."""

    @property
    def safe_consumer(self) -> SafeConsumer:
        """The consumer, by its real type."""
        consumer = self.consumer
        assert isinstance(consumer, SafeConsumer)
        return consumer


def create_faust_app(
    *,
    app_id: str,
    bootstrap: str,
    session_timeout_s: float,
    commit_interval_s: float,
    buckets_by_shard: Sequence[int] = (),
) -> HoldfastApp:
    """An app that is not started and has not touched Kafka yet.

    Args:
        app_id: The consumer group.
        bootstrap: `host:port` of the brokers, separated by commas.
        session_timeout_s: After so long without a heartbeat a worker loses its partitions. The
            broker has to allow it (`group.min.session.timeout.ms`, by default 6 s).
        commit_interval_s: How often offsets are committed; a worker that dies has at the most the
            messages of so long delivered again.
        buckets_by_shard: All partitions of its topics, those of a shard side by side, so that a
            worker gets those of few shards; without, as Faust deals them.
    """
    read_what_can_be_read()
    rebalance_s = max(2 * session_timeout_s, 5.0)
    return HoldfastApp(
        id=app_id,
        broker=[f"kafka://{address.strip()}" for address in bootstrap.split(",")],
        TableManager=NoTables,
        PartitionAssignor=cast("Any", partial(ShardAssignor, buckets_by_shard=buckets_by_shard)),
        processing_guarantee="at_least_once",
        # Acks come from lanes, late; a message without one must not keep the app from stopping.
        stream_wait_empty=False,
        stream_buffer_maxsize=_BUFFER_MAX,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
        # A group whose offsets expired begins at what is kept: duplicates, nothing skipped.
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=commit_interval_s,
        # Commits by count run inside the fetching loop, and hold it up; the interval is enough.
        broker_commit_every=1_000_000,
        broker_session_timeout=session_timeout_s,
        broker_heartbeat_interval=session_timeout_s / 5,
        broker_rebalance_timeout=rebalance_s,
        # Joining waits at the broker for the rebalance timeout; Faust wants more than the session.
        broker_request_timeout=rebalance_s + 20.0,
        # A worker that exceeds it leaves the group and never comes back, though it seems alive.
        broker_max_poll_interval=86_400.0,
        broker_max_poll_records=_POLL_RECORDS_MAX,
        # Topics that are made after the start, or made anew, are found after so long.
        consumer_metadata_max_age_ms=5_000,
        producer_acks=-1,
        producer_request_timeout=10.0,
    )


def subscribe(app: HoldfastApp, *, topic: str, take: Callable[[EventT[Any]], None]) -> None:
    """Hands every message of a topic to `take`, which has to see to its ack.

    `take` must not wait: it puts the event in a lane, and somebody calls `event.ack()` when the
    message's effect is committed, in any order and from any task. Until then the offset is not
    committed, and after a crash the message comes again. Nothing that `take` raises gets out,
    since an agent that raises loses its message: it is logged, and the message stays unacked.
    """

    def take_one(event: EventT[Any]) -> None:
        try:
            take(event)
        except Exception:
            log.exception("agent.take_raised", topic=topic, offset=event.message.offset)

    async def agent(stream: StreamT[Any]) -> None:
        # The declared type has no noack(); the one that Faust hands over has.
        events = cast("faust.Stream[Any]", stream).noack().events()
        buffer = cast("faust.Topic", stream.channel).queue
        async for event in events:
            take_one(event)
            for waiting in _waiting(app, buffer):
                take_one(waiting)

    # Empty values are let through: a message without a value is poison, for us to set aside,
    # where Faust would ack it and raise in the agent.
    source = app.topic(topic, key_type=bytes, value_type=bytes, allow_empty=True)
    app.agent(source, name=f"{app.conf.id}.{topic}")(agent)


def _waiting(app: HoldfastApp, buffer: "asyncio.Queue[EventT[Any]]") -> Iterator[EventT[Any]]:
    """What else is in an agent's buffer now.

    Faust gives the event loop a turn before each event, and a worker whose lanes are busy has few
    turns: lanes would get their messages one by one, and make batches of one. This does what
    Faust's stream does with an event, without the turn.
    """
    while not buffer.empty():
        event = buffer.get_nowait()
        message = event.message
        is_current = message.generation_id == app.consumer_generation_id
        if not is_current or not app.flow_control.is_active():
            # Fetched before a rebalance: it comes again, here or elsewhere.
            continue
        if not message.tracked:
            message.tracked = True
            app.safe_consumer.track_message(message)
        yield event


class RunningApp:
    """One start, one watch and one stop of an app; build a new app for another start."""

    def __init__(self, app: HoldfastApp) -> None:
        self.app = app

    async def start(self, *, within_s: float = START_S) -> None:
        """Returns when the worker is in its group and fetches; its topics have to exist.

        Raises:
            AppStartError: Kafka is away or did not let it in; the app has been stopped.
        """
        self.app.finalize()
        if not len(self.app.agents):
            raise AppStartError("an app without agents has no topics to read")
        try:
            async with asyncio.timeout(within_s):
                await self.app.start()
        except (Exception, asyncio.CancelledError) as error:
            await self.stop(within_s=STOP_S, settle_s=0)
            if isinstance(error, asyncio.CancelledError):
                raise
            raise AppStartError(f"Faust did not start: {error!r}") from error

    @property
    def healthy(self) -> bool:
        """Whether the app runs and has not crashed inside."""
        return bool(self.app.started and not self.app.should_stop)

    async def watch(self, *, every_s: float = 0.2) -> None:
        """Returns when the app was stopped; raises when it crashed.

        Raises:
            AppStoppedError: with the reason as its cause.
        """
        # Faust crashes in other threads than this one: looking is safer than being told.
        while not self.app.should_stop:  # noqa: ASYNC110
            await asyncio.sleep(every_s)
        if self.app.crashed:
            raise AppStoppedError(f"Faust crashed: {self.app.crash_reason!r}") from (
                self.app.crash_reason
            )

    async def stop(self, *, within_s: float = STOP_S, settle_s: float = SETTLE_S) -> bool:
        """Takes no more messages, waits for the acks of those taken, commits, leaves the group.

        The lanes have to run until this returns, or nothing gets acked.

        Returns:
            False if Faust did not stop in time (it can hang while it joins a group): it cannot be
            used any more, and the process should end. What was acked may come again.
        """
        if settle_s and self.healthy:
            await self.app.safe_consumer.settle(within_s=settle_s)
        stopping = asyncio.create_task(self.app.stop(), name="faust-stop")
        done, _ = await asyncio.wait([stopping], timeout=within_s)
        if not done:
            log.error("faust.stop_hangs", after_s=within_s)
            stopping.cancel()
            await asyncio.wait([stopping], timeout=1.0)
            return False
        consumer = self.app._consumer  # noqa: SLF001 - the property would make one
        if isinstance(consumer, SafeConsumer):
            consumer.close_unstarted()
        error = stopping.exception()
        if error is not None:
            log.error("faust.stop_failed", error=repr(error))
        return error is None
