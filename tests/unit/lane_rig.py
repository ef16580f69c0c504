"""A lane whose step and deliveries are in the test's hands."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from sagas.backoff import Backoff
from sagas.lane import Lane
from sagas.lane_options import LaneOptions
from sagas.outcomes import Failed, Skipped
from shards.errors import ShardAwayError

AWAY = ShardAwayError("shard0", "away")
BUG = RuntimeError("bug")
AT_ONCE = Backoff(first_s=0.0, cap_s=0.0, jitter=lambda: 0.0)

Outcomes = Sequence[str | Skipped]
Done = list[tuple[str, str | Failed]]


@dataclass(frozen=True)
class Call:
    """One run of the step, which ends when the test says so."""

    items: list[str]
    wait: bool
    end: "asyncio.Future[Outcomes]"

    def succeed(self, *outcomes: str | Skipped) -> None:
        """Returns these outcomes, or `done:<item>` for each item."""
        self.end.set_result(outcomes or [f"done:{item}" for item in self.items])

    def fail(self, error: Exception) -> None:
        self.end.set_exception(error)


class Rig:
    """A lane of items such as `a1`, which is user a's, with its two ends in the test's hands."""

    def __init__(self, **options: Any) -> None:
        self.calls: asyncio.Queue[Call] = asyncio.Queue()
        self.delivered: asyncio.Queue[Done] = asyncio.Queue()
        self.pressure: list[bool] = []
        self.may_deliver = asyncio.Event()
        self.may_deliver.set()
        self.lane: Lane[str, str] = Lane(
            "shard0.step",
            run=self._run,
            user_of=lambda item: item[0],
            deliver=self._deliver,
            options=LaneOptions(
                **{
                    "capacity": 100,
                    "batch_max": 10,
                    "linger_s": 0.0,
                    "attempts": None,
                    "backoff": AT_ONCE,
                }
                | options
            ),
            on_pressure=self.pressure.append,
        )

    async def _run(self, items: Sequence[str], /, *, wait: bool) -> Outcomes:
        call = Call(list(items), wait, asyncio.get_running_loop().create_future())
        self.calls.put_nowait(call)
        return await call.end

    async def _deliver(self, done: Sequence[tuple[str, str | Failed]]) -> None:
        await self.may_deliver.wait()
        self.delivered.put_nowait(list(done))
        if ("bad", "done:bad") in done:
            raise BUG

    def offer(self, *items: str) -> None:
        for item in items:
            self.lane.offer(item)

    async def call(self) -> Call:
        """The next run of the step."""
        async with asyncio.timeout(5):
            return await self.calls.get()

    async def done(self) -> Done:
        """The next delivery."""
        async with asyncio.timeout(5):
            return await self.delivered.get()

    async def started(self, *items: str) -> Call:
        """Offers items to an idle lane; the run that takes them."""
        self.offer(*items)
        return await self.call()


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Rig]:
    rig = Rig(**options)
    rig.lane.start()
    yield rig
    await rig.lane.close(within_s=0)


async def turns() -> None:
    """Lets everything go on that waits for nothing."""
    for _ in range(20):
        await asyncio.sleep(0)


def good(*items: str) -> Done:
    return [(item, f"done:{item}") for item in items]


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.msg["event"] for record in caplog.records if isinstance(record.msg, dict)]
