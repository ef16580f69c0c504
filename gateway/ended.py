"""Waiting for the end of a transfer: pushed by the shard, so that nobody polls."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from shards.notices import ENDED_CHANNEL, Ended, parse_notice
from shards.router import ShardMap
from shards.shard import Shard


class Waiter:
    """Woken when its transfer has ended, or may have."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._ended: Ended | None = None

    def wake(self, ended: Ended | None) -> None:
        """It has ended so, or, for None, something may have happened."""
        self._ended = ended or self._ended
        self._woken.set()

    async def wait(self) -> Ended | None:
        """How it ended; None when the row has to be read to know. Waits until woken."""
        await self._woken.wait()
        self._woken.clear()
        return self._ended


class EndedNotices:
    """Wakes who waits for a transfer; an `Audience` of what the shards tell."""

    channel = ENDED_CHANNEL

    def __init__(self, shards: ShardMap) -> None:
        self._shards = shards
        self._waiters: dict[UUID, set[Waiter]] = defaultdict(set)
        self.closing = False

    def release(self) -> None:
        """Wakes everybody, for a stop: nobody waits any longer."""
        self.closing = True
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.wake(None)

    @contextlib.contextmanager
    def waiter(self, transfer_id: UUID) -> Iterator[Waiter]:
        """A waiter for one transfer. Read the row after entering: what ended before is not told."""
        waiter = Waiter()
        self._waiters[transfer_id].add(waiter)
        try:
            yield waiter
        finally:
            self._waiters[transfer_id].discard(waiter)
            if not self._waiters[transfer_id]:
                del self._waiters[transfer_id]

    def begin(self, shard: Shard) -> None:
        """What ended while nobody listened was not told: whoever waits looks for itself."""
        for transfer_id, waiters in self._waiters.items():
            if self._shards.of_id(transfer_id) is shard:
                for waiter in waiters:
                    waiter.wake(None)

    def hear(self, _shard: Shard, payload: str) -> None:
        """Transfers have ended."""
        if not self._waiters:
            return
        for ended in parse_notice(payload):
            for waiter in self._waiters.get(ended.transfer_id, ()):
                waiter.wake(ended)

    def end(self, _shard: Shard) -> None:
        """Whoever waits goes on waiting, to its deadline at the latest."""
