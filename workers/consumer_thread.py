"""The thread of a worker that talks to Kafka, and what it knows of a partition."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import aiokafka
import structlog
import uvloop
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP
from typing_extensions import override

log = structlog.get_logger()

# A partition that is resumed waits for the fetch under way; Faust has 1.5 s.
FETCH_WAIT_MS = 250
# A fetch asks for every partition, so it costs the same for one message as for a hundred. Under
# load there is one in so long; with little to do, the one that waits at the broker is older.
FETCH_EVERY_S = 0.02
# Workers that share the partitions fetch less often, since less comes to each: all together as
# often as one would. But messages do not wait for longer than this.
FETCH_EVERY_MAX_S = 0.04
# How long leaving the group may take at the end; a group that is not told waits for the session.
LEAVE_S = 2.0


class SafeConsumerThread(AIOKafkaConsumerThread):
    """On uvloop, with fetches that do not chase each other, and an end that needs no Kafka."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, thread_loop=uvloop.new_event_loop(), **options)
        # As with a loop that mode makes itself.
        self._close_thread_loop_on_stop = True

    @override
    async def on_start(self) -> None:
        await super().on_start()
        assert self._consumer is not None
        fetcher: Any = self._consumer._fetcher  # noqa: SLF001 - aiokafka has no setting for it
        send = fetcher._proc_fetch_request  # noqa: SLF001
        fetcher._proc_fetch_request = paced(send, every_s=self._fetch_every_s)  # noqa: SLF001

    def _fetch_every_s(self, assignment: Any) -> float:
        assert self._consumer is not None
        cluster = self._consumer._client.cluster  # noqa: SLF001
        topics = {tp.topic for tp in assignment.tps}
        there_are = sum(len(cluster.partitions_for_topic(topic) or ()) for topic in topics)
        # A topic that was just made anew may have more partitions than are known yet, or none.
        return fetch_every_s(share=min(1.0, len(assignment.tps) / (there_are or 1)))

    @override
    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust has no setting for it.
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001
        return consumer

    def state_of(self, tp: TP) -> Any:
        """What aiokafka knows of a partition; None if it is not this worker's."""
        consumer = self._consumer
        subscription = consumer._subscription.subscription if consumer is not None else None  # noqa: SLF001 - as Faust does for its own checks
        assignment = subscription.assignment if subscription is not None else None
        if assignment is None or tp not in assignment.tps:
            return None
        return assignment.state_value(tp)

    @override
    def close(self) -> None:
        """Nothing: the end of the thread closes the consumer.

        Faust asks for it when the group changes while the app stops. Its own marks the consumer as
        closed and closes it in the loop of another thread: our end then leaves it alone, and the
        thread's loop waits for connections that nobody closes, for ever.
        """

    @override
    async def on_thread_stop(self) -> None:
        try:
            async with asyncio.timeout(LEAVE_S):
                await super().on_thread_stop()
        except TimeoutError:
            log.warning("consumer.left_without_goodbye", after_s=LEAVE_S)
            if self._consumer is not None:
                self._consumer._closed = True  # noqa: SLF001
                await self._consumer._client.close()  # noqa: SLF001


def fetch_every_s(*, share: float) -> float:
    """The least time between two fetches of a worker with this share of the partitions, over 0."""
    return min(FETCH_EVERY_S / share, FETCH_EVERY_MAX_S)


def paced(
    send: Callable[..., Awaitable[bool]], *, every_s: Callable[[Any], float]
) -> Callable[..., Awaitable[bool]]:
    """`send`, not before `every_s` of its assignment after the last call for the same broker.

    As aiokafka's own, it takes being cancelled for an answer: nothing came.
    """
    # The clock begins with the machine: a first call is not early, however young that is.
    last: defaultdict[int, float] = defaultdict(lambda: -math.inf)

    async def wait_and_send(assignment: Any, node_id: int, request: Any) -> bool:
        early_s = last[node_id] + every_s(assignment) - monotonic()
        if early_s > 0:
            try:
                await asyncio.sleep(early_s)
            except asyncio.CancelledError:
                return False
        last[node_id] = monotonic()
        return await send(assignment, node_id, request)

    return wait_and_send
