"""Fetches that do not chase each other."""

import asyncio
from typing import Any

import pytest

from workers.consumer_thread import FETCH_EVERY_MAX_S, FETCH_EVERY_S, fetch_every_s, paced


class Fetches:
    """Fetches that answer at once, by broker and time."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, float]] = []

    async def __call__(self, _assignment: Any, node_id: int, _request: Any) -> bool:
        self.sent.append((node_id, asyncio.get_running_loop().time()))
        return True


async def test_a_fetch_follows_another_of_the_same_broker_after_a_while():
    fetches = Fetches()
    fetch = paced(fetches, every_s=lambda _: 0.05)

    assert [await fetch(None, 1, None) for _ in range(3)] == [True] * 3

    first, second, third = (at for _, at in fetches.sent)
    assert second - first > 0.04
    assert third - second > 0.04


async def test_brokers_do_not_wait_for_each_other():
    fetches = Fetches()
    fetch = paced(fetches, every_s=lambda _: 3600.0)

    assert [await fetch(None, node_id, None) for node_id in (1, 2)] == [True] * 2


async def test_a_fetch_that_is_cancelled_while_it_waits_brings_nothing_and_is_no_error():
    """aiokafka cancels its fetches when it stops, and awaits them: an error would hang it."""
    fetches = Fetches()
    fetch = paced(fetches, every_s=lambda _: 3600.0)
    await fetch(None, 1, None)
    waiting = asyncio.ensure_future(fetch(None, 1, None))
    await asyncio.sleep(0)
    waiting.cancel()

    assert await waiting is False
    assert len(fetches.sent) == 1


@pytest.mark.parametrize(
    ("share", "every_s"),
    [(1.0, FETCH_EVERY_S), (0.8, FETCH_EVERY_S / 0.8), (0.5, 0.04), (0.01, FETCH_EVERY_MAX_S)],
)
def test_workers_that_share_partitions_fetch_as_often_as_one_would_up_to_a_bound(
    share: float, every_s: float
):
    assert fetch_every_s(share=share) == pytest.approx(every_s)
