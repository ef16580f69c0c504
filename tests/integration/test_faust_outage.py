"""A worker while its broker is killed, frozen and away."""

import asyncio
import gc
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from devstack.kafka import KafkaBroker
from devstack.ports import free_port
from tests.eventually import eventually
from tests.integration.faust_kit import Taken, kafka_client, worker
from workers.faust_app import AppStartError, RunningApp, subscribe


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker that these tests may kill; each leaves it running."""
    folder = tmp_path_factory.mktemp("kafka-to-kill")
    broker = KafkaBroker(folder / "data", free_port(), folder / "logs")
    broker.start()
    yield broker
    broker.stop()


async def test_a_worker_goes_on_after_its_broker_was_killed(own_broker: KafkaBroker) -> None:
    taken = Taken(ack_at_once=True)
    async with kafka_client(own_broker.bootstrap) as broker:
        topic = await broker.new_topic(2)
        await broker.produce(topic, 50)
        app = broker.app()
        async with worker(app, topic, taken=taken) as running:
            await eventually(lambda: len(taken) == 50)
            # Longer than the session, so that the group has forgotten the worker.
            await asyncio.to_thread(own_broker.kill)
            await asyncio.sleep(3.0)
            await asyncio.to_thread(own_broker.start)
            await broker.produce(topic, 50)
            await broker.produce(topic, 50, partition=1)

            await eventually(lambda: set(taken.of(0)) == set(range(100)), within_s=20.0)
            await eventually(lambda: set(taken.of(1)) == set(range(50)), within_s=20.0)

            async def all_committed() -> bool:
                return [await broker.committed(topic, p) for p in (0, 1)] == [100, 50]

            await eventually(all_committed)
            assert running.healthy


async def test_stop_is_bounded_while_the_broker_is_frozen(own_broker: KafkaBroker) -> None:
    taken, before = Taken(), set(threading.enumerate())
    async with kafka_client(own_broker.bootstrap) as broker:
        topic = await broker.new_topic()
        await broker.produce(topic, 5)
        app = broker.app()
        subscribe(app, topic=topic, take=taken.take)
        running = RunningApp(app)
        await running.start()
        await eventually(lambda: len(taken) == 5)
        os.kill(own_broker.pid, signal.SIGSTOP)
        taken.ack(range(5))
        try:
            async with asyncio.timeout(8.0):
                assert await running.stop(settle_s=0.5)
        finally:
            os.kill(own_broker.pid, signal.SIGCONT)
        await eventually(lambda: set(threading.enumerate()) <= before)


# mode makes a `sleep` that it never awaits when it is stopped while it starts.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_start_is_bounded_while_the_broker_is_frozen(own_broker: KafkaBroker) -> None:
    async with kafka_client(own_broker.bootstrap) as broker:
        topic = await broker.new_topic()
        app = broker.app()
        subscribe(app, topic=topic, take=Taken().take)
        os.kill(own_broker.pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(12.0):
                with pytest.raises(AppStartError):
                    await RunningApp(app).start(within_s=1.0)
        finally:
            os.kill(own_broker.pid, signal.SIGCONT)
    gc.collect()
