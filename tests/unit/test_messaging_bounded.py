import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from messaging.bounded import BoundedSender
from messaging.errors import BrokerUnavailableError
from messaging.sender import Outgoing
from tests.eventually import eventually


class FakeSender:
    """Sends to a list, when it is let."""

    def __init__(self) -> None:
        self.batches: list[list[Outgoing]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.away = False
        self.broken = False

    async def send(self, messages: Sequence[Outgoing]) -> None:
        await self.open.wait()
        if self.away:
            raise BrokerUnavailableError("away")
        if self.broken:
            raise RuntimeError("bug")
        self.batches.append(list(messages))


def messages(count: int) -> list[Outgoing]:
    return [Outgoing(topic="t", partition=0, key=b"k", value=b"%d" % n) for n in range(count)]


@asynccontextmanager
async def bounded(
    sender: FakeSender, *, capacity: int = 10, batch_max: int = 4
) -> AsyncIterator[BoundedSender[Outgoing]]:
    queue = BoundedSender(sender, pack=list, capacity=capacity, batch_max=batch_max)
    await queue.start()
    yield queue
    await queue.close(within_s=0.1)


async def test_messages_are_sent_in_order_and_in_batches() -> None:
    sender = FakeSender()
    async with bounded(sender) as queue:
        assert queue.offer(messages(10)) == 0
        await eventually(lambda: queue.sent == 10)

    assert [len(batch) for batch in sender.batches] == [4, 4, 2]
    assert [message for batch in sender.batches for message in batch] == messages(10)


async def test_what_does_not_fit_is_dropped_and_counted() -> None:
    sender = FakeSender()
    sender.open.clear()
    async with bounded(sender, capacity=3) as queue:
        assert queue.offer(messages(5)) == 2
        assert queue.offer(messages(1)) == 1
        assert (queue.pending, queue.dropped) == (3, 3)


async def test_what_is_being_sent_takes_room_too() -> None:
    sender = FakeSender()
    sender.open.clear()
    async with bounded(sender, capacity=4, batch_max=4) as queue:
        queue.offer(messages(4))
        await asyncio.sleep(0)
        assert queue.offer(messages(1)) == 1


@pytest.mark.parametrize("failing", ["away", "broken"])
async def test_what_cannot_be_sent_is_dropped_and_the_next_goes_on(failing: str) -> None:
    sender = FakeSender()
    setattr(sender, failing, True)
    async with bounded(sender) as queue:
        queue.offer(messages(3))
        await eventually(lambda: queue.dropped == 3)
        setattr(sender, failing, False)

        queue.offer(messages(2))

        await eventually(lambda: queue.sent == 2)
        assert queue.pending == 0


async def test_close_sends_what_waits() -> None:
    sender = FakeSender()
    queue = BoundedSender(sender, pack=list, capacity=10)
    await queue.start()
    queue.offer(messages(10))

    await queue.close(within_s=1.0)

    assert (queue.sent, queue.dropped) == (10, 0)


async def test_close_gives_up_at_its_deadline_and_counts_what_is_left() -> None:
    sender = FakeSender()
    sender.open.clear()
    queue = BoundedSender(sender, pack=list, capacity=10, batch_max=4)
    await queue.start()
    queue.offer(messages(10))

    await queue.close(within_s=0.05)

    assert (queue.sent, queue.dropped, queue.pending) == (0, 10, 0)


@pytest.mark.parametrize("started", [True, False])
async def test_nothing_is_taken_after_close(started: bool) -> None:
    queue = BoundedSender(FakeSender(), pack=list, capacity=10)
    if started:
        await queue.start()
    await queue.close()
    await queue.close()

    assert queue.offer(messages(2)) == 2
