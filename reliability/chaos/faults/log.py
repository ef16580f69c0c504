"""Our own reader and writer of the topics, past the proxies and past the engine."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from reliability.chaos.stack import Stack

# Marks what we have written, so that copies are not copied.
_COPY = ("copy", b"1")
_STARTED_WITHIN_S = 20.0
_REQUEST_MS = 8_000

LogError = (KafkaError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Written:
    """A message as it lies in a topic."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Log:
    """The topics of the steps. Methods raise `LogError` while no broker answers."""

    def __init__(
        self, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer, partitions: int
    ) -> None:
        self._producer = producer
        self._consumer = consumer
        self.partitions = partitions

    async def write(self, messages: Sequence[Written]) -> None:
        """These, in this order, each marked as ours."""
        async with asyncio.timeout(_REQUEST_MS / 1000):
            sent = [
                await self._producer.send(
                    message.topic,
                    value=message.value,
                    key=message.key,
                    partition=message.partition,
                    headers=[*message.headers, _COPY],
                )
                for message in messages
            ]
            for acknowledged in sent:
                await acknowledged

    async def from_now_on(self) -> None:
        """`read` gives what is written from now on."""
        async with asyncio.timeout(_REQUEST_MS / 1000):
            await self._consumer.seek_to_end(*self._consumer.assignment())

    async def read(self, *, wait_ms: int = 50) -> list[Written]:
        """What is there next, our own left out; empty where there is nothing."""
        async with asyncio.timeout(_REQUEST_MS / 1000):
            fetched = await self._consumer.getmany(timeout_ms=wait_ms)
        return [
            _written(record)
            for records in fetched.values()
            for record in records
            if _COPY not in record.headers
        ]

    async def read_from_zero(self, *, limit: int) -> list[Written]:
        """What was written first, at most about so many of each partition together `limit`."""
        parts = list(self._consumer.assignment())
        async with asyncio.timeout(_STARTED_WITHIN_S):
            ends = await self._consumer.end_offsets(parts)
            await self._consumer.seek_to_beginning(*parts)
            found: list[Written] = []
            while len(found) < limit:
                read = await self.read(wait_ms=300)
                positions = [await self._consumer.position(part) >= ends[part] for part in parts]
                found += read
                if all(positions):
                    break
        return found[:limit]


@asynccontextmanager
async def open_log(stack: Stack) -> AsyncIterator[Log]:
    """A reader and a writer; both end with the block.

    Raises:
        LogError: no broker answers.
    """
    common = {"bootstrap_servers": stack.bootstrap, "request_timeout_ms": _REQUEST_MS}
    producer = AIOKafkaProducer(**common, acks="all", linger_ms=5)
    consumer = AIOKafkaConsumer(
        **common, enable_auto_commit=False, auto_offset_reset="earliest", max_poll_records=1_000
    )
    try:
        async with asyncio.timeout(_STARTED_WITHIN_S):
            await producer.start()
            await consumer.start()
        async with asyncio.timeout(_REQUEST_MS / 1000):
            counts = [(t, len(await producer.partitions_for(t))) for t in stack.topic_names.steps]
        consumer.assign([TopicPartition(t, p) for t, count in counts for p in range(count)])
        yield Log(producer, consumer, partitions=min(count for _, count in counts))
    finally:
        await _end(consumer.stop())
        await _end(producer.stop())


@asynccontextmanager
async def open_admin(stack: Stack) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client; ends with the block.

    Raises:
        LogError: no broker answers.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.bootstrap, request_timeout_ms=_REQUEST_MS)
    try:
        async with asyncio.timeout(_STARTED_WITHIN_S):
            await admin.start()
        yield admin
    finally:
        await _end(admin.close())


async def _end(closing: Coroutine[Any, Any, None]) -> None:
    """Waits for a client to close; one whose broker is away would take for ever.

    In a task of its own: some of these raise the cancellation of what they end.
    """
    task = asyncio.create_task(closing)
    await asyncio.wait({task}, timeout=3.0)
    task.cancel()
    await asyncio.wait({task})
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, LogError):
        raise error


def _written(record: Any) -> Written:
    return Written(
        topic=record.topic,
        partition=record.partition,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
    )
