"""The sender against a broker that is killed, frozen, away, and whose topics are made anew.

What every test means in the end: an acknowledged message is in the log, and `send` never hangs.
"""

import asyncio
import gc
import os
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from devstack.kafka import KafkaBroker
from devstack.ports import free_port
from messaging.errors import BrokerUnavailableError, UnsendableMessageError
from messaging.sender import REQUEST_BYTES, KafkaSender, Outgoing
from tests.eventually import eventually
from tests.lost_connections import close_lost_connections
from tests.topics import make_topic, remake_topic

PARTITIONS = 3
TIMEOUT_S = 3.0
# What disposing and a busy machine may add to a timeout.
SLACK_S = 3.0


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker that these tests may kill; each leaves it running."""
    folder = tmp_path_factory.mktemp("kafka-to-kill")
    broker = KafkaBroker(folder / "data", free_port(), folder / "logs")
    broker.start()
    yield broker
    broker.stop()


@asynccontextmanager
async def sending(bootstrap: str) -> AsyncIterator[KafkaSender]:
    sender = KafkaSender(bootstrap=bootstrap, client_id="test", timeout_s=TIMEOUT_S)
    await sender.start()
    try:
        yield sender
    finally:
        async with asyncio.timeout(TIMEOUT_S + SLACK_S):
            await sender.close()
        close_lost_connections()


async def put_topic(broker: KafkaBroker, topic: str, *, anew: bool = False) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    await (remake_topic if anew else make_topic)(admin, topic, PARTITIONS)
    await admin.close()


async def new_topic(broker: KafkaBroker) -> str:
    topic = f"t-{uuid.uuid4().hex[:8]}"
    await put_topic(broker, topic)
    return topic


def is_stopped(broker: KafkaBroker) -> bool:
    threads = psutil.Process(broker.pid).threads()
    return {psutil.Process(thread.id).status() for thread in threads} == {psutil.STATUS_STOPPED}


def outgoing(topic: str, first: int, count: int) -> list[Outgoing]:
    return [
        Outgoing(
            topic=topic,
            partition=number % PARTITIONS,
            key=b"key",
            value=b"%d" % number,
            headers=(("kind", b"test"),),
        )
        for number in range(first, first + count)
    ]


async def in_the_log(broker: KafkaBroker, topic: str) -> dict[int, list[int]]:
    """Numbers found in each partition, in order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
    consumer.assign(places)
    ends = await consumer.end_offsets(places)
    found: dict[int, list[int]] = {partition: [] for partition in range(PARTITIONS)}
    while sum(map(len, found.values())) < sum(ends.values()):
        for place, records in (await consumer.getmany(timeout_ms=200)).items():
            found[place.partition] += [int(record.value) for record in records]
    await consumer.stop()
    return found


async def acknowledged(sender: KafkaSender, messages: list[Outgoing]) -> set[int]:
    """What the sender says is safe."""
    try:
        async with asyncio.timeout(TIMEOUT_S + SLACK_S):
            await sender.send(messages)
    except BrokerUnavailableError:
        return set()
    return {int(message.value) for message in messages}


async def test_messages_arrive_in_order_in_their_partition(kafka: KafkaBroker) -> None:
    topic = await new_topic(kafka)
    async with sending(kafka.bootstrap) as sender:
        await eventually(sender.reachable)

        await sender.send(outgoing(topic, 0, 300))

    found = await in_the_log(kafka, topic)
    assert found == {p: list(range(p, 300, PARTITIONS)) for p in range(PARTITIONS)}


async def test_nothing_to_send_is_sent_at_once(kafka: KafkaBroker) -> None:
    async with sending(kafka.bootstrap) as sender:
        await eventually(lambda: sender.connected)
        await sender.send([])


async def test_many_tasks_share_one_sender(kafka: KafkaBroker) -> None:
    topic = await new_topic(kafka)
    async with sending(kafka.bootstrap) as sender:
        await eventually(sender.reachable)
        async with asyncio.TaskGroup() as tasks:
            for first in range(0, 1000, 20):
                tasks.create_task(sender.send(outgoing(topic, first, 20)))

    found = await in_the_log(kafka, topic)
    assert sorted(number for each in found.values() for number in each) == list(range(1000))


async def test_a_message_over_the_limit_sends_nothing_and_harms_nobody(kafka: KafkaBroker) -> None:
    topic = await new_topic(kafka)
    big = Outgoing(topic=topic, partition=0, key=b"k", value=b"x" * REQUEST_BYTES)
    async with sending(kafka.bootstrap) as sender:
        await eventually(sender.reachable)
        with pytest.raises(UnsendableMessageError):
            await sender.send([*outgoing(topic, 0, 1), big])
        await sender.send(outgoing(topic, 3, 1))

    assert (await in_the_log(kafka, topic))[0] == [3]


@pytest.mark.parametrize("what", ["topic", "partition"])
async def test_what_is_not_there_is_an_error_in_time(kafka: KafkaBroker, what: str) -> None:
    topic = await new_topic(kafka) if what == "partition" else "t-missing"
    message = Outgoing(topic=topic, partition=PARTITIONS, key=b"k", value=b"v")
    async with sending(kafka.bootstrap) as sender:
        await eventually(sender.reachable)
        async with asyncio.timeout(TIMEOUT_S + SLACK_S):
            with pytest.raises(BrokerUnavailableError):
                await sender.send([message])
        await eventually(sender.reachable)


async def test_a_broker_that_is_away_at_the_start_is_found_later(own_broker: KafkaBroker) -> None:
    topic = await new_topic(own_broker)
    await asyncio.to_thread(own_broker.stop)
    async with sending(own_broker.bootstrap) as sender:
        async with asyncio.timeout(0.5):
            with pytest.raises(BrokerUnavailableError):
                await sender.send(outgoing(topic, 0, 1))
            assert not await sender.reachable()
        await asyncio.to_thread(own_broker.start)
        await eventually(sender.reachable)

        await sender.send(outgoing(topic, 0, 3))

    assert await in_the_log(own_broker, topic) == {0: [0], 1: [1], 2: [2]}


async def test_nothing_acknowledged_is_lost_when_the_broker_is_killed(
    own_broker: KafkaBroker,
) -> None:
    topic, safe = await new_topic(own_broker), set[int]()
    async with sending(own_broker.bootstrap) as sender:
        await eventually(sender.reachable)
        stop = asyncio.Event()

        async def keep_sending(lane: int) -> None:
            first = lane * 1_000_000
            while not stop.is_set():
                safe.update(await acknowledged(sender, outgoing(topic, first, 20)))
                first += 20
                await asyncio.sleep(0.005)

        async with asyncio.TaskGroup() as tasks:
            for lane in range(4):
                tasks.create_task(keep_sending(lane))
            await eventually(lambda: len(safe) > 500)
            await asyncio.to_thread(own_broker.kill)
            # Longer than a send may take: these senders have to meet the error, too.
            await asyncio.sleep(TIMEOUT_S + 1.5)
            assert not await sender.reachable()
            await asyncio.to_thread(own_broker.start)
            before = len(safe)
            await eventually(lambda: len(safe) > before + 500)
            stop.set()

    found = await in_the_log(own_broker, topic)
    assert safe <= {number for each in found.values() for number in each}


async def test_a_short_outage_is_bridged(own_broker: KafkaBroker) -> None:
    topic = await new_topic(own_broker)
    sender = KafkaSender(bootstrap=own_broker.bootstrap, client_id="test", timeout_s=30.0)
    await sender.start()
    await eventually(sender.reachable)
    await sender.send(outgoing(topic, 0, 3))

    await asyncio.to_thread(own_broker.kill)
    under_way = asyncio.create_task(sender.send(outgoing(topic, 3, 3)))
    await asyncio.to_thread(own_broker.start)
    await under_way

    await sender.close()
    assert await in_the_log(own_broker, topic) == {0: [0, 3], 1: [1, 4], 2: [2, 5]}


async def test_a_frozen_broker_is_an_error_in_time(own_broker: KafkaBroker) -> None:
    topic = await new_topic(own_broker)
    os.kill(own_broker.pid, signal.SIGCONT)
    async with sending(own_broker.bootstrap) as sender:
        await eventually(sender.reachable)
        os.kill(own_broker.pid, signal.SIGSTOP)
        try:
            # A signal takes effect when its process is next scheduled.
            await eventually(lambda: is_stopped(own_broker))
            assert not await sender.reachable(within_s=0.2)
            assert await acknowledged(sender, outgoing(topic, 0, 3)) == set()
        finally:
            os.kill(own_broker.pid, signal.SIGCONT)
        await eventually(sender.reachable)
        await sender.send(outgoing(topic, 3, 3))


async def test_a_producer_thrown_away_with_a_batch_on_its_way_leaves_no_error_behind(
    own_broker: KafkaBroker,
) -> None:
    """aiokafka stumbles over batches that are failed under its hands: nobody's concern."""
    topic, told = await new_topic(own_broker), list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    async with sending(own_broker.bootstrap) as sender:
        await eventually(sender.reachable)
        os.kill(own_broker.pid, signal.SIGSTOP)
        try:
            under_way = asyncio.create_task(acknowledged(sender, outgoing(topic, 0, 3)))
            await asyncio.wait([under_way], timeout=0.2)
            await sender.close()
            assert await under_way == set()
        finally:
            os.kill(own_broker.pid, signal.SIGCONT)

    # That nobody has looked at the end of a task is told when the task is collected.
    gc.collect()
    assert [context for context in told if "future" in context] == []


async def test_topics_that_were_made_anew_take_messages_again(kafka: KafkaBroker) -> None:
    topic = await new_topic(kafka)
    async with sending(kafka.bootstrap) as sender:
        await eventually(sender.reachable)
        await sender.send(outgoing(topic, 0, 30))
        await put_topic(kafka, topic, anew=True)

        async def sent() -> set[int]:
            return await acknowledged(sender, outgoing(topic, 30, 3))

        await eventually(sent)
        await sender.send(outgoing(topic, 33, 3))

    found = await in_the_log(kafka, topic)
    assert set(range(30, 36)) <= {number for each in found.values() for number in each}


async def test_a_producer_that_the_broker_refuses_is_replaced(kafka: KafkaBroker) -> None:
    """An idempotent producer that skipped a number is refused from then on."""
    topic = await new_topic(kafka)
    async with sending(kafka.bootstrap) as sender:
        await eventually(sender.reachable)
        await sender.send(outgoing(topic, 0, 3))
        producer = sender._producer
        assert producer is not None
        producer._txn_manager.increment_sequence_number(TopicPartition(topic, 0), 5)

        assert await acknowledged(sender, outgoing(topic, 3, 1)) == set()
        await eventually(sender.reachable)
        await sender.send(outgoing(topic, 6, 1))

    assert (await in_the_log(kafka, topic))[0] == [0, 6]


async def test_a_cancelled_send_harms_nobody(kafka: KafkaBroker) -> None:
    topic = await new_topic(kafka)
    async with sending(kafka.bootstrap) as sender:
        await eventually(sender.reachable)
        cut = 0
        for first in range(0, 60, 3):
            task = asyncio.create_task(sender.send(outgoing(topic, first, 3)))
            # Turn by turn further, so that cancels meet a send at many places.
            for _ in range(first // 3):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            # One that the broker has answered before is not cut off, and is as good.
            cut += task.cancelled()
            assert task.cancelled() or task.exception() is None
        assert cut > 5
        await sender.send(outgoing(topic, 60, 3))
