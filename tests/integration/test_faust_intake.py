"""How many turns of the event loop messages take on their way into a lane."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from faust.types import EventT
from typing_extensions import override

from devstack.kafka import KafkaBroker
from tests.integration.faust_kit import Kafka, Taken, kafka_client, until_taken, worker

MESSAGES = 200


@dataclass
class TakenInTurns(Taken):
    """Writes down in which turn of the event loop each event came."""

    turn: int = 0
    turns: set[int] = field(default_factory=set)

    @override
    def take(self, event: EventT[Any]) -> None:
        super().take(event)
        self.turns.add(self.turn)

    async def count_turns(self) -> None:
        while True:
            self.turn += 1
            await asyncio.sleep(0)


@pytest.fixture
async def broker(kafka: KafkaBroker) -> AsyncIterator[Kafka]:
    async with kafka_client(kafka.bootstrap) as client:
        yield client


async def test_what_was_fetched_together_is_taken_in_a_few_turns(broker: Kafka) -> None:
    async with _taking(broker, stock=False) as taken:
        assert len(taken.turns) < MESSAGES / 10
        assert taken.offsets == list(range(MESSAGES))


async def test_stock_faust_takes_one_message_a_turn(broker: Kafka) -> None:
    """Where it does not any more, `SafeConsumer._has_room` and `_waiting` can go."""
    async with _taking(broker, stock=True) as taken:
        assert len(taken.turns) > MESSAGES / 2


@asynccontextmanager
async def _taking(broker: Kafka, *, stock: bool) -> AsyncIterator[TakenInTurns]:
    topic, taken = await broker.new_topic(), TakenInTurns(ack_at_once=True)
    await broker.produce(topic, MESSAGES)
    counting = asyncio.create_task(taken.count_turns())
    async with worker(broker.app(stock=stock), topic, taken=taken):
        await until_taken(taken, MESSAGES)
        counting.cancel()
        yield taken
