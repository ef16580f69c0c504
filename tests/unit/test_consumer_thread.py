"""Fetches that do not chase each other."""

import asyncio
from typing import Any

from workers.consumer_thread import paced


class Fetches:
    """Fetches that answer at once, by broker and time."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, float]] = []

    async def __call__(self, _assignment: Any, node_id: int, _request: Any) -> bool:
        self.sent.append((node_id, asyncio.get_running_loop().time()))
        return True


async def test_a_fetch_follows_another_of_the_same_broker_after_a_while():
    fetches = Fetches()
    fetch = paced(fetches, every_s=0.05)

    assert [await fetch(None, 1, None) for _ in range(3)] == [True] * 3

    first, second, third = (at for _, at in fetches.sent)
    assert second - first > 0.04
    assert third - second > 0.04


async def test_brokers_do_not_wait_for_each_other():
    fetches = Fetches()
    fetch = paced(fetches, every_s=3600.0)

    assert [await fetch(None, node_id, None) for node_id in (1, 2)] == [True] * 2


async def test_a_fetch_that_is_cancelled_while_it_waits_brings_nothing_and_is_no_error():
    """aiokafka cancels its fetches when it stops, and awaits them: an error would hang it."""
    fetches = Fetches()
    fetch = paced(fetches, every_s=3600.0)
    await fetch(None, 1, None)
    waiting = asyncio.ensure_future(fetch(None, 1, None))
    await asyncio.sleep(0)
    waiting.cancel()

    assert await waiting is False
    assert len(fetches.sent) == 1
