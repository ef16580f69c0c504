"""Partitions that move between workers, and partitions that are paused.

"Stock" is the consumer that Faust ships (see test_faust_contract.py).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from time import monotonic
from typing import Any

import pytest
from faust.types import TP, EventT
from typing_extensions import override

from devstack.kafka import KafkaBroker
from tests.eventually import eventually
from tests.integration.faust_kit import Kafka, Taken, kafka_client, until_taken, worker
from workers.faust_app import HoldfastApp


@pytest.fixture
async def broker(kafka: KafkaBroker) -> AsyncIterator[Kafka]:
    async with kafka_client(kafka.bootstrap) as client:
        yield client


async def test_what_is_done_is_committed_before_partitions_move_to_a_second_worker(
    broker: Kafka,
) -> None:
    topic, partitions, count = await broker.new_topic(4), 4, 150
    first, second = Taken(), Taken()
    never = 600.0  # so that only the rebalance commits

    async def ack_a_little_later() -> None:
        while True:
            await asyncio.sleep(0.01)
            for event in (*first.events, *second.events):
                event.ack()

    acking = asyncio.create_task(ack_a_little_later())
    async with worker(broker.app(commit_s=never), topic, taken=first):
        for partition in range(partitions):
            await broker.produce(topic, count, partition=partition)
        await until_taken(first, partitions * count)
        feeding = asyncio.create_task(keep_producing(broker, topic, partitions))
        async with worker(broker.app(commit_s=never), topic, taken=second):
            await eventually(lambda: len(second) > 20)
            feeding.cancel()
            sent = await ends(broker, topic, partitions)

            def everything_arrived() -> bool:
                got = {(tp.partition, offset) for tp, offset in delivered(first, second)}
                return got == sent

            await eventually(everything_arrived)
    acking.cancel()
    times = Counter(delivered(first, second))
    assert sum(times.values()) - len(times) <= 5


async def keep_producing(broker: Kafka, topic: str, partitions: int) -> None:
    while True:
        for partition in range(partitions):
            await broker.produce(topic, 1, partition=partition)
        await asyncio.sleep(0.005)


async def ends(broker: Kafka, topic: str, partitions: int) -> set[tuple[int, int]]:
    """Every (partition, offset) that the topic holds."""
    last = [
        await broker.producer.send_and_wait(topic, value=b"last", partition=partition)
        for partition in range(partitions)
    ]
    return {(each.partition, offset) for each in last for offset in range(each.offset + 1)}


def delivered(*workers: Taken) -> list[tuple[TP, int]]:
    return [(event.message.tp, event.message.offset) for each in workers for event in each.events]


async def test_workers_own_the_same_buckets_of_all_topics(broker: Kafka) -> None:
    topics = [await broker.new_topic(7) for _ in range(3)]
    first, second = broker.app(), broker.app()
    async with (
        worker(first, *topics, taken=Taken()),
        worker(second, *topics, taken=Taken()),
    ):

        def shared() -> None:
            owned = [first.safe_consumer.assigned_buckets(topic) for topic in topics]
            other = [second.safe_consumer.assigned_buckets(topic) for topic in topics]
            assert owned[0] == owned[1] == owned[2] != set()
            assert other[0] == other[1] == other[2] != set()
            assert owned[0] | other[0] == set(range(7))

        await eventually(shared)


async def test_a_worker_that_joins_takes_whole_shards(broker: Kafka) -> None:
    topics = [await broker.new_topic(8) for _ in range(3)]
    of_a_shard, of_another = [0, 2, 4, 6], [1, 3, 5, 7]
    first, second = (broker.app(buckets_by_shard=of_a_shard + of_another) for _ in range(2))

    def owned(app: HoldfastApp) -> list[set[int]]:
        return [app.safe_consumer.assigned_buckets(topic) for topic in topics]

    async with worker(first, *topics, taken=Taken()):
        await eventually(lambda: owned(first) == [set(range(8))] * 3)
        async with worker(second, *topics, taken=Taken()):
            await eventually(
                lambda: (
                    owned(first) == [set(of_a_shard)] * 3 and owned(second) == [set(of_another)] * 3
                )
            )
        await eventually(lambda: owned(first) == [set(range(8))] * 3)


async def test_one_partition_pauses_while_the_others_flow(broker: Kafka) -> None:
    topic, taken, app = await broker.new_topic(2), Taken(), broker.app()
    async with worker(app, topic, taken=taken):
        app.safe_consumer.pause([TP(topic, 0)])
        await asyncio.sleep(0.3)
        await broker.produce(topic, 5, partition=0)
        await broker.produce(topic, 5, partition=1)
        await eventually(lambda: taken.of(1) == [0, 1, 2, 3, 4])
        assert taken.of(0) == []

        app.safe_consumer.resume([TP(topic, 0)])

        await eventually(lambda: taken.of(0) == [0, 1, 2, 3, 4], within_s=1.0)


async def pauses_at_its_first_message(
    broker: Kafka,
    app: HoldfastApp,
    topic: str,
    taken: Taken,
    pause: Callable[[], None],
    resume: Callable[[], None],
) -> None:
    """A partition is paused while 400 messages of it are on their way to the agent."""

    class Pausing(Taken):
        @override
        def take(self, event: EventT[Any]) -> None:
            if not self.events:
                pause()
            super().take(event)

    pausing = Pausing(taken.events)
    await broker.produce(topic, 400)
    async with worker(app, topic, taken=pausing):
        await until_taken(pausing, 1)
        await asyncio.sleep(0.5)
        resume()
        await broker.produce(topic, 1)
        await eventually(lambda: 400 in pausing.offsets)


async def test_pausing_loses_nothing_of_what_was_fetched(broker: Kafka) -> None:
    topic, taken, app = await broker.new_topic(), Taken(), broker.app()

    await pauses_at_its_first_message(
        broker,
        app,
        topic,
        taken,
        pause=lambda: app.safe_consumer.pause([TP(topic, 0)]),
        resume=lambda: app.safe_consumer.resume([TP(topic, 0)]),
    )

    assert taken.offsets == list(range(401))


async def test_stock_pausing_loses_what_was_fetched(broker: Kafka) -> None:
    topic, taken, app = await broker.new_topic(), Taken(), broker.app(stock=True)

    await pauses_at_its_first_message(
        broker,
        app,
        topic,
        taken,
        pause=lambda: app.consumer.pause_partitions([TP(topic, 0)]),
        resume=lambda: app.consumer.resume_partitions([TP(topic, 0)]),
    )

    assert len(taken.offsets) < 401


async def test_a_pause_outlives_a_rebalance(broker: Kafka) -> None:
    topic, taken, app = await broker.new_topic(2), Taken(), broker.app()
    async with worker(app, topic, taken=taken):
        app.safe_consumer.pause([TP(topic, 0), TP(topic, 1)])
        async with worker(broker.app(), topic, taken=Taken()):
            await eventually(lambda: len(app.safe_consumer.assigned_buckets(topic)) == 1)
        await eventually(lambda: app.safe_consumer.assigned_buckets(topic) == {0, 1})
        await eventually(lambda: not app.rebalancing)
        await broker.produce(topic, 3, partition=0)
        await broker.produce(topic, 3, partition=1)
        await asyncio.sleep(0.5)
        assert len(taken) == 0

        app.safe_consumer.resume([TP(topic, 1)])

        await eventually(lambda: taken.of(1) == [0, 1, 2])
        assert taken.of(0) == []


@pytest.mark.parametrize("stock", [True, False], ids=["stock", "ours"])
async def test_a_partition_without_a_position_ends_only_a_stock_consumer(
    broker: Kafka, stock: bool
) -> None:
    topic, taken = await broker.new_topic(), Taken()
    app = broker.app(stock=stock)
    async with worker(app, topic, taken=taken):
        await broker.produce(topic, 1)
        await until_taken(taken, 1)
        consumer: Any = app.consumer
        tp = TP(topic, 0)
        state = consumer._thread._consumer._subscription.subscription.assignment.state_value(tp)
        # As it is for a moment after the log of the partition was cut.
        position, state._position = state._position, None
        try:
            if stock:
                with pytest.raises(AssertionError):
                    consumer.verify_event_path(monotonic(), tp)
            else:
                consumer.verify_event_path(monotonic(), tp)
        finally:
            state._position = position
