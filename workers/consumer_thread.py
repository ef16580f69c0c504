"""The thread of a worker that talks to Kafka, and what it knows of a partition."""

import asyncio
from typing import Any

import aiokafka
import structlog
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP
from typing_extensions import override

log = structlog.get_logger()

# A partition that is resumed waits for the fetch under way; Faust has 1.5 s.
FETCH_WAIT_MS = 250
# How long leaving the group may take at the end; a group that is not told waits for the session.
LEAVE_S = 2.0


class SafeConsumerThread(AIOKafkaConsumerThread):
    """With a shorter wait, and an end that does not need Kafka."""

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
    async def on_thread_stop(self) -> None:
        try:
            async with asyncio.timeout(LEAVE_S):
                await super().on_thread_stop()
        except TimeoutError:
            log.warning("consumer.left_without_goodbye", after_s=LEAVE_S)
            if self._consumer is not None:
                self._consumer._closed = True  # noqa: SLF001
                await self._consumer._client.close()  # noqa: SLF001
