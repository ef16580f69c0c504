"""A real Kafka broker keeps its messages through every way of ending."""

import asyncio
import socket
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from devstack.errors import PortTakenError
from devstack.kafka import KafkaBroker
from devstack.kafka_classes import kept_classes
from devstack.ports import free_port
from tests.topics import make_topic

TOPIC = "kept"


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kafka")
    broker = KafkaBroker(folder / "data", free_port(), folder / "logs")
    broker.start()
    yield broker
    broker.kill()


async def create_topic(broker: KafkaBroker) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        await make_topic(admin, TOPIC)
    finally:
        await admin.close()


async def send(broker: KafkaBroker, *values: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(TOPIC, value)
    finally:
        await producer.stop()


async def read(broker: KafkaBroker, count: int) -> list[bytes | None]:
    """The first messages, read as a group with a short session."""
    consumer = AIOKafkaConsumer(
        TOPIC,
        bootstrap_servers=broker.bootstrap,
        group_id="readers",
        session_timeout_ms=1000,
        heartbeat_interval_ms=300,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        async with asyncio.timeout(15):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_messages_are_kept_through_kill_and_stop(broker):
    await create_topic(broker)
    await send(broker, b"before the kill")

    broker.kill()
    assert not broker.alive()
    broker.start()
    await send(broker, b"after the kill")
    broker.stop()
    assert not broker.alive()
    broker.start()

    assert await read(broker, 2) == [b"before the kill", b"after the kill"]


async def test_topics_are_not_made_by_accident(broker):
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        (described,) = await admin.describe_topics(["no-such-topic"])
        assert described["error_code"] == 3
    finally:
        await admin.close()


def test_taken_port_is_told_with_its_setting(tmp_path):
    broker = KafkaBroker(tmp_path / "data", free_port(), tmp_path / "logs")

    with (
        socket.create_server(("127.0.0.1", broker.port)),
        pytest.raises(PortTakenError, match=rf"port {broker.port} .* HOLDFAST_KAFKA__PORT"),
    ):
        broker.start()


def test_a_broker_has_its_classes_from_where_they_are_kept(broker: KafkaBroker):
    """Java leaves an archive that does not fit unread, and says nothing of it."""
    kept = kept_classes()

    assert kept.stat().st_size > 0
    assert str(kept) in Path(f"/proc/{broker.pid}/maps").read_text()
