"""How Faust behaves where the workers rely on it; each upgrade of Faust has to pass here.

"Stock" is the consumer that Faust ships. Where it loses messages the test says so, and fails when
an upgrade has fixed it: then a part of `workers/consumer.py` can go.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any, cast

import faust
import pytest
from faust.types import TP, EventT, StreamT
from typing_extensions import override

from devstack.kafka import KafkaBroker
from tests.eventually import eventually
from tests.integration.faust_kit import (
    Kafka,
    Taken,
    committed_becomes,
    committed_stays,
    kafka_client,
    until_taken,
    worker,
)
from tests.topics import make_topic, remake_topic
from workers.faust_app import AppStartError, AppStoppedError, RunningApp


@pytest.fixture
async def broker(kafka: KafkaBroker) -> AsyncIterator[Kafka]:
    async with kafka_client(kafka.bootstrap) as client:
        yield client


async def test_acks_late_out_of_order_and_from_another_task_commit_the_contiguous_prefix(
    broker: Kafka,
) -> None:
    topic, taken = await broker.new_topic(), Taken()
    await broker.produce(topic, 10)

    async with worker(broker.app(), topic, taken=taken):
        await until_taken(taken, 10)

        async def elsewhere() -> None:
            taken.ack([7, 2, 0, 1, 5])

        await asyncio.create_task(elsewhere())
        await committed_becomes(broker, topic, 3)
        await committed_stays(broker, topic, 3)
        taken.ack([3, 4, 6, 8, 9])
        await committed_becomes(broker, topic, 10)


async def test_a_hole_of_one_message_is_not_skipped(broker: Kafka) -> None:
    topic, taken = await broker.new_topic(), Taken()
    await broker.produce(topic, 5)
    async with worker(broker.app(), topic, taken=taken):
        await until_taken(taken, 5)
        taken.ack([0])
        await committed_becomes(broker, topic, 1)

        taken.ack([2, 3, 4])

        await committed_stays(broker, topic, 1)


async def test_stock_skips_a_hole_of_one_message(broker: Kafka) -> None:
    topic, taken = await broker.new_topic(), Taken()
    await broker.produce(topic, 5)
    async with worker(broker.app(stock=True), topic, taken=taken):
        await until_taken(taken, 5)
        taken.ack([0])
        await committed_becomes(broker, topic, 1)

        taken.ack([2, 3, 4])

        await committed_becomes(broker, topic, 5)


async def test_unacked_messages_come_again_after_a_restart(broker: Kafka) -> None:
    topic, first, second = await broker.new_topic(), Taken(), Taken()
    await broker.produce(topic, 5)
    async with worker(broker.app(), topic, taken=first):
        await until_taken(first, 5)
        first.ack([0, 1, 3])

    async with worker(broker.app(), topic, taken=second):
        await until_taken(second, 3)

    assert second.offsets == [2, 3, 4]


async def test_an_agent_that_raises_loses_its_message(broker: Kafka) -> None:
    """Why agents must not raise: Faust acks in a `finally`."""
    topic, seen = await broker.new_topic(), []
    await broker.produce(topic, 5)
    app = broker.app()

    @app.agent(app.topic(topic, value_type=bytes))
    async def raising(stream: StreamT[Any]) -> None:
        async for event in cast("faust.Stream[Any]", stream).events():
            if event.message.offset == 2:
                raise RuntimeError("a bug")
            seen.append(event.message.offset)

    running = RunningApp(app)
    await running.start()
    await committed_becomes(broker, topic, 5)
    assert await running.stop()
    assert seen == [0, 1, 3, 4]


async def test_what_take_raises_keeps_its_message(broker: Kafka) -> None:
    topic, again = await broker.new_topic(), Taken()
    await broker.produce(topic, 5)

    class Raising(Taken):
        @override
        def take(self, event: EventT[Any]) -> None:
            if event.message.offset == 2:
                raise RuntimeError("a bug")
            super().take(event)

    raising = Raising(ack_at_once=True)
    async with worker(broker.app(), topic, taken=raising):
        await until_taken(raising, 4)
        await committed_becomes(broker, topic, 2)

    async with worker(broker.app(), topic, taken=again):
        await until_taken(again, 3)
    assert again.offsets == [2, 3, 4]


async def test_any_bytes_and_no_bytes_reach_the_agent(broker: Kafka) -> None:
    """Poison is ours to set aside, so Faust must not swallow it."""
    topic, taken = await broker.new_topic(), Taken()
    for key, value in ((b"\xff\xfe", b"\x00\xff"), (None, b""), (b"k", None)):
        await broker.producer.send_and_wait(topic, key=key, value=value, partition=0)

    async with worker(broker.app(), topic, taken=taken):
        await until_taken(taken, 3)

    messages = [(event.message.key, event.message.value) for event in taken.events]
    assert messages == [(b"\xff\xfe", b"\x00\xff"), (None, b""), (b"k", None)]


async def test_a_topic_that_is_missing_at_start_is_ignored_until_it_is_made(broker: Kafka) -> None:
    """Why `check_topics` runs first; stock settings find it after five minutes, ours after 5 s."""
    topic, taken, app = await broker.new_topic(), Taken(), broker.app()
    missing = f"{topic}-missing"
    async with worker(app, topic, missing, taken=taken):
        await eventually(lambda: app.safe_consumer.assigned_buckets(topic) == {0})
        assert app.safe_consumer.assigned_buckets(missing) == set()

        await make_topic(broker.admin, missing)
        await broker.produce(missing, 1)

        await until_taken(taken, 1)


async def test_stop_does_not_wait_for_messages_without_an_ack(broker: Kafka) -> None:
    topic, taken = await broker.new_topic(), Taken()
    await broker.produce(topic, 3)
    subscribed = worker(broker.app(), topic, taken=taken)
    running = await subscribed.__aenter__()
    await until_taken(taken, 3)
    loop = asyncio.get_running_loop()
    before = loop.time()

    await subscribed.__aexit__(None, None, None)

    assert loop.time() - before < 2.0
    assert running.app.should_stop


async def test_stop_waits_for_the_acks_of_what_was_taken_and_commits_them(broker: Kafka) -> None:
    topic, taken = await broker.new_topic(), Taken()
    await broker.produce(topic, 3)
    async with worker(broker.app(commit_s=600.0), topic, taken=taken) as running:
        await until_taken(taken, 3)
        asyncio.get_running_loop().call_later(0.3, taken.ack, [0, 1, 2])

        assert await running.stop()

        assert await broker.committed(topic) == 3


async def test_two_apps_in_one_process_share_nothing(broker: Kafka) -> None:
    topic, ours, stock = await broker.new_topic(), Taken(), Taken()
    first = broker.app()
    async with (
        worker(first, topic, taken=ours),
        worker(broker.app(stock=True, group=f"{broker.group}-2"), topic, taken=stock),
    ):
        first.safe_consumer.pause([TP(topic, 0)])
        await asyncio.sleep(0.3)
        await broker.produce(topic, 3)

        await until_taken(stock, 3)
        assert len(ours) == 0


async def test_an_app_runs_in_the_loop_of_the_test_and_leaves_no_thread(broker: Kafka) -> None:
    topic, before, loops = await broker.new_topic(), set(threading.enumerate()), []

    class Looking(Taken):
        @override
        def take(self, event: EventT[Any]) -> None:
            loops.append(asyncio.get_running_loop())
            super().take(event)

    await broker.produce(topic, 1)
    taken = Looking()
    async with worker(broker.app(), topic, taken=taken):
        await until_taken(taken, 1)

    assert loops == [asyncio.get_running_loop()]
    await eventually(lambda: set(threading.enumerate()) <= before)


async def test_a_group_that_changes_while_the_app_stops_does_not_hang_it(broker: Kafka) -> None:
    """Faust then calls `close`, perhaps before the end of the consumer's thread."""
    topic, taken, before = await broker.new_topic(), Taken(), set(threading.enumerate())
    await broker.produce(topic, 1)
    app = broker.app()
    async with worker(app, topic, taken=taken):
        await until_taken(taken, 1)

        app._on_rebalance_when_stopped()

    assert set(threading.enumerate()) <= before


async def test_lag_counts_what_is_not_done(broker: Kafka) -> None:
    topic, taken, app = await broker.new_topic(2), Taken(), broker.app()
    await broker.produce(topic, 5)
    assert app.safe_consumer.assigned_buckets(topic) == set()
    assert app.safe_consumer.lag(TP(topic, 0)) is None
    async with worker(app, topic, taken=taken):
        await until_taken(taken, 5)
        assert app.safe_consumer.lag(TP(topic, 0)) == 5
        taken.ack([0, 1])
        assert app.safe_consumer.lag(TP(topic, 0)) == 3
        taken.ack([2, 3, 4])
        assert app.safe_consumer.lag(TP(topic, 0)) == 0
        await eventually(lambda: app.safe_consumer.lag(TP(topic, 1)) == 0)
        assert app.safe_consumer.lag(TP(topic, 7)) is None


async def test_commits_go_past_what_retention_removed(broker: Kafka) -> None:
    topic, taken, app = await broker.new_topic(), Taken(), broker.app()
    async with worker(app, topic, taken=taken):
        await broker.produce(topic, 2)
        await until_taken(taken, 2)
        taken.ack([0, 1])
        await committed_becomes(broker, topic, 2)
    await broker.produce(topic, 10)
    await broker.delete_records(topic, before=8)

    again = Taken(ack_at_once=True)
    async with worker(broker.app(), topic, taken=again):
        await committed_becomes(broker, topic, 12)

    assert again.offsets == [8, 9, 10, 11]


async def test_a_message_that_vanished_between_fetch_and_agent_is_fetched_again(
    broker: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, taken, app = await broker.new_topic(), Taken(ack_at_once=True), broker.app()
    async with worker(app, topic, taken=taken):
        await broker.produce(topic, 3)
        await until_taken(taken, 3)
        # The position of the fetcher moves on, and nobody gets what lies between.
        app.safe_consumer.stop_flow()
        await asyncio.sleep(0.3)
        await broker.produce(topic, 5)
        app.safe_consumer._thread.seek(TP(topic, 0), 5)
        monkeypatch.setattr(app.safe_consumer, "perform_seek", nothing)
        app.safe_consumer.resume_flow()

        await committed_becomes(broker, topic, 8)

    assert taken.offsets == list(range(8))


async def nothing() -> None:
    """Stands for Faust's seek to the committed offset."""


async def test_a_topic_that_was_made_anew_is_read_from_its_start(broker: Kafka) -> None:
    topic, taken = await broker.new_topic(), Taken(ack_at_once=True)
    await broker.produce(topic, 50)
    async with worker(broker.app(), topic, taken=taken):
        await committed_becomes(broker, topic, 50)
        await remake_topic(broker.admin, topic)
        await broker.produce(topic, 3)

        await until_taken(taken, 53, within_s=20.0)
        await committed_becomes(broker, topic, 3)

    assert taken.offsets == [*range(50), 0, 1, 2]


async def test_a_crash_inside_faust_is_seen(broker: Kafka) -> None:
    topic, app = await broker.new_topic(), broker.app()
    async with worker(app, topic, taken=Taken()) as running:
        assert running.healthy
        watching = asyncio.create_task(running.watch(every_s=0.02))

        await app.consumer.crash(RuntimeError("inside"))

        with pytest.raises(AppStoppedError, match="inside"):
            await watching
        assert not running.healthy


async def test_start_without_a_broker_fails_in_bounded_time(broker: Kafka) -> None:
    broker.bootstrap = "127.0.0.1:9"
    with pytest.raises(AppStartError):
        async with worker(broker.app(), "t-any", taken=Taken()):
            pass


async def test_start_without_agents_says_so(broker: Kafka) -> None:
    with pytest.raises(AppStartError, match="without agents"):
        await RunningApp(broker.app()).start()
