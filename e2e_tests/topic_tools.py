"""What a hostile or unlucky log does: duplicates, shuffles, replays, poison and forgeries."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from e2e_tests.system import BUCKETS, System

# Marks what the tee has written, so that it does not copy its own copies.
_COPY = ("copy", b"1")


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as it was written first."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Topics:
    """Writes anything anywhere, and reads everything."""

    def __init__(self, producer: AIOKafkaProducer, bootstrap: str) -> None:
        self._producer = producer
        self._bootstrap = bootstrap

    async def write(
        self,
        topic: str,
        value: bytes | None,
        *,
        partition: int = 0,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        """One message, acknowledged."""
        await self._producer.send_and_wait(
            topic, value=value, key=b"k", partition=partition, headers=list(headers)
        )

    async def rewrite(self, messages: Sequence[Seen]) -> None:
        """These messages once more, in this order."""
        for seen in messages:
            await self._producer.send(
                seen.topic,
                value=seen.value,
                key=seen.key,
                partition=seen.partition,
                headers=[*seen.headers, _COPY],
            )
        await self._producer.flush()

    async def read_all(self, *topics: str) -> list[Seen]:
        """Everything in these topics now, copies left out."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            partitions = [TopicPartition(t, p) for t in topics for p in range(BUCKETS)]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            seen: list[Seen] = []
            while any([await consumer.position(p) < ends[p] for p in partitions]):
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    seen += [_seen(record) for record in records if _COPY not in record.headers]
            return seen
        finally:
            await consumer.stop()

    @asynccontextmanager
    async def tee(self, *topics: str, copies: int, seed: int) -> AsyncIterator[None]:
        """While it is open, each message comes `copies` times more, shuffled among the others."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        consumer.assign([TopicPartition(t, p) for t in topics for p in range(BUCKETS)])
        task = asyncio.create_task(self._copy(consumer, copies, random.Random(seed)))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})
            await consumer.stop()

    async def _copy(self, consumer: AIOKafkaConsumer, copies: int, rng: random.Random) -> None:
        while True:
            fetched = await consumer.getmany(timeout_ms=20)
            copied = [
                _seen(record)
                for records in fetched.values()
                for record in records
                if _COPY not in record.headers
                for _ in range(copies)
            ]
            rng.shuffle(copied)
            await self.rewrite(copied)


@asynccontextmanager
async def open_topics(system: System) -> AsyncIterator[Topics]:
    """A writer and reader of a system's topics."""
    bootstrap = system.settings.kafka_bootstrap
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        yield Topics(producer, bootstrap)
    finally:
        await producer.stop()


def _seen(record: Any) -> Seen:
    return Seen(
        topic=record.topic,
        partition=record.partition,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
    )
