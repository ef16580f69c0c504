"""Waiting for the end of a transfer: pushed by the shard, so that nobody polls."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

import asyncpg
import structlog

from sagas.backoff import Backoff
from shards.notices import CHANNEL, parse_notice
from shards.router import ShardMap
from shards.shard import Shard

_log = structlog.stdlib.get_logger(__name__)
_ANSWER_S = 5.0
# A server that is killed under a statement can show up as an InternalClientError (asyncpg 1069).
_AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Waiter:
    """Woken when its transfer may have ended; whoever waits reads the row then."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something may have happened."""
        self._woken.set()

    async def wait(self) -> None:
        """Returns when woken since the last call."""
        await self._woken.wait()
        self._woken.clear()


class EndedNotices:
    """Listens on every shard, with one connection each, and wakes who waits for a transfer."""

    def __init__(self, shards: ShardMap, *, backoff: Backoff) -> None:
        self._shards = shards
        self._backoff = backoff
        self._waiters: dict[UUID, set[Waiter]] = defaultdict(set)
        self._tasks: list[asyncio.Task[None]] = []
        self.closing = False

    def start(self) -> None:
        """Begins to connect, and returns without waiting for it."""
        self._tasks = [
            asyncio.create_task(self._listen_for_ever(shard)) for shard in self._shards.shards
        ]

    def release(self) -> None:
        """Wakes everybody, for a stop: nobody waits any longer."""
        self.closing = True
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.wake()

    async def close(self) -> None:
        """Stops listening."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

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

    async def _listen_for_ever(self, shard: Shard) -> None:
        attempt = 0
        while True:
            attempt += 1
            try:
                await self._listen(shard)
                attempt = 0
            except _AWAY as error:
                _log.warning("notices.away", shard=shard.name, error=repr(error))
            await asyncio.sleep(self._backoff.wait_s(max(attempt, 1)))

    async def _listen(self, shard: Shard) -> None:
        """Returns when the connection is lost."""
        conn = await asyncpg.connect(shard.dsn, timeout=_ANSWER_S, command_timeout=_ANSWER_S)
        lost = asyncio.Event()
        try:
            conn.add_termination_listener(lambda _: lost.set())
            await conn.add_listener(CHANNEL, self._on_notice)
            # What ended while nobody listened was not told.
            self._wake_shard(shard)
            await lost.wait()
        finally:
            conn.terminate()

    def _on_notice(self, _conn: object, _pid: int, _channel: str, payload: object) -> None:
        for transfer_id in parse_notice(str(payload)):
            for waiter in self._waiters.get(transfer_id, ()):
                waiter.wake()

    def _wake_shard(self, shard: Shard) -> None:
        for transfer_id, waiters in self._waiters.items():
            if self._shards.of_id(transfer_id) is shard:
                for waiter in waiters:
                    waiter.wake()
