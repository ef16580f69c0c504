"""What a fault needs: the stack, its own dice, and when it may act."""

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from reliability.chaos.profiles import Profile
from reliability.chaos.stack import Link, ProgramNode, Stack


class Gate:
    """Faults act or nothing does: while a frame is frozen, no fault begins or is healed."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._acting = 0
        self._frozen = False

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[None]:
        """While something is done to a process or a link."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._frozen)
            self._acting += 1
        try:
            yield
        finally:
            async with self._changed:
                self._acting -= 1
                self._changed.notify_all()

    @asynccontextmanager
    async def still(self, *, within_s: float) -> AsyncIterator[None]:
        """While nobody acts; waits for a moment without holding up those who do.

        Raises:
            TimeoutError: there was no such moment.
        """
        async with asyncio.timeout(within_s), self._changed:
            await self._changed.wait_for(lambda: not (self._acting or self._frozen))
            self._frozen = True
        try:
            yield
        finally:
            async with self._changed:
                self._frozen = False
                self._changed.notify_all()


class CameToNothing(Exception):  # noqa: N818 - nothing failed, there was nothing to do it to
    """A fault cannot be injected now, and could at another time."""


class NotReadyError(Exception):
    """A process that a fault has started, or started again, could not be used in time."""


@dataclass(slots=True)
class Note:
    """What a fault says of itself; `injected` becomes False when it came to nothing."""

    target: str
    detail: str = ""
    injected: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Where a fault is injected.

    Attributes:
        target: number of the process, broker or shard, as planned.
        rng: the fault's own dice, from its seed in the plan.
        hot_users: ids of users whose rows are worth locking.
    """

    stack: Stack
    profile: Profile
    gate: Gate
    target: int
    rng: random.Random
    hot_users: Sequence[str]

    def client(self, number: int) -> ProgramNode:
        """A gateway or a worker, gateways first."""
        return (*self.stack.gateways, *self.stack.workers)[number]

    def links_of(self, client: str) -> list[Link]:
        """All ways from this process to a server."""
        return [link for link in self.stack.links if link.client == client]


@asynccontextmanager
async def meanwhile(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Runs it beside the block and cancels it at the end; what it raised by itself is raised."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.result()
