"""What the tests of Faust's behaviour share: a broker's clients, and workers in the test's loop."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from faust.transport.drivers.aiokafka import Transport
from faust.types import TP, EventT

from tests.eventually import eventually
from tests.lost_connections import close_lost_connections
from tests.topics import make_topic
from workers.faust_app import HoldfastApp, RunningApp, create_faust_app, subscribe

SESSION_S = 2.0
COMMIT_S = 0.1
# Long enough for a commit that should not happen.
SEVERAL_COMMITS_S = 5 * COMMIT_S


@dataclass
class Kafka:
    """A group and topics of its own on a shared broker."""

    bootstrap: str
    producer: AIOKafkaProducer
    admin: AIOKafkaAdminClient
    group: str = field(default_factory=lambda: f"g-{uuid.uuid4().hex[:8]}")

    async def new_topic(self, partitions: int = 1) -> str:
        name = f"t-{uuid.uuid4().hex[:8]}"
        await make_topic(self.admin, name, partitions)
        return name

    async def produce(self, topic: str, count: int, *, partition: int = 0) -> None:
        futures = [
            await self.producer.send(topic, value=b"%d" % number, partition=partition)
            for number in range(count)
        ]
        for future in futures:
            await future

    async def committed(self, topic: str, partition: int = 0) -> int | None:
        offsets = await self.admin.list_consumer_group_offsets(self.group)
        found = offsets.get(TopicPartition(topic, partition))
        return None if found is None or found.offset < 0 else found.offset

    async def delete_records(self, topic: str, before: int) -> None:
        await self.admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before)})

    def app(
        self,
        *,
        stock: bool = False,
        group: str | None = None,
        commit_s: float = COMMIT_S,
        buckets_by_shard: Sequence[int] = (),
    ) -> HoldfastApp:
        """A worker's app; `stock` gives it the consumer that Faust ships."""
        app = create_faust_app(
            app_id=group or self.group,
            bootstrap=self.bootstrap,
            session_timeout_s=SESSION_S,
            commit_interval_s=commit_s,
            buckets_by_shard=buckets_by_shard,
        )
        if stock:
            app.transport = Transport(app.conf.broker_consumer, app)
        return app


@asynccontextmanager
async def kafka_client(bootstrap: str) -> AsyncIterator[Kafka]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await producer.start()
    await admin.start()
    try:
        yield Kafka(bootstrap, producer, admin)
    finally:
        await producer.stop()
        await admin.close()
        close_lost_connections()


@dataclass
class Taken:
    """Events that an agent handed over, unacked."""

    events: list[EventT[Any]] = field(default_factory=list)
    ack_at_once: bool = False

    def take(self, event: EventT[Any]) -> None:
        self.events.append(event)
        if self.ack_at_once:
            event.ack()

    def __len__(self) -> int:
        return len(self.events)

    @property
    def offsets(self) -> list[int]:
        return [event.message.offset for event in self.events]

    @property
    def places(self) -> list[TP]:
        return [event.message.tp for event in self.events]

    def of(self, partition: int) -> list[int]:
        return [e.message.offset for e in self.events if e.message.partition == partition]

    def ack(self, offsets: Iterable[int]) -> None:
        by_offset = {event.message.offset: event for event in self.events}
        for offset in offsets:
            by_offset[offset].ack()


async def until_taken(taken: Taken, count: int, within_s: float = 10.0) -> None:
    await eventually(lambda: len(taken) >= count, within_s=within_s)


async def committed_becomes(broker: Kafka, topic: str, offset: int) -> None:
    async def check() -> None:
        assert await broker.committed(topic) == offset

    await eventually(check)


async def committed_stays(broker: Kafka, topic: str, offset: int) -> None:
    await asyncio.sleep(SEVERAL_COMMITS_S)
    assert await broker.committed(topic) == offset


@asynccontextmanager
async def worker(app: HoldfastApp, *topics: str, taken: Taken) -> AsyncIterator[RunningApp]:
    """A worker that reads these topics, stopped at the end."""
    for topic in topics:
        subscribe(app, topic=topic, take=taken.take)
    running = RunningApp(app)
    await running.start()
    try:
        yield running
    finally:
        assert await running.stop(settle_s=0)
