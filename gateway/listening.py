"""What shards tell by themselves: one connection to each, listening for all who want to know."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import asyncpg
import structlog

from sagas.backoff import Backoff
from shards.router import ShardMap
from shards.shard import Shard

_log = structlog.stdlib.get_logger(__name__)
_ANSWER_S = 5.0
# A server that is killed under a statement can show up as an InternalClientError (asyncpg 1069).
_AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Audience(Protocol):
    """Who wants to know what is told on a channel."""

    @property
    def channel(self) -> str:
        """Its name."""
        ...

    def begin(self, shard: Shard) -> None:
        """From now on all is heard; what was told before was not."""
        ...

    def hear(self, shard: Shard, payload: str) -> None:
        """Something was told."""
        ...

    def end(self, shard: Shard) -> None:
        """Nothing is heard any more, until it begins again."""
        ...


class Listening:
    """Listens on every shard for as long as it runs, and connects again after every loss."""

    def __init__(
        self, shards: ShardMap, audiences: Sequence[Audience], *, backoff: Backoff
    ) -> None:
        self._shards = shards
        self._audiences = audiences
        self._backoff = backoff
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to connect, and returns without waiting for it."""
        self._tasks = [
            asyncio.create_task(self._listen_for_ever(shard)) for shard in self._shards.shards
        ]

    async def close(self) -> None:
        """Stops listening."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

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
            for audience in self._audiences:
                await conn.add_listener(audience.channel, _heard_by(audience, shard))
            for audience in self._audiences:
                audience.begin(shard)
            await lost.wait()
        finally:
            for audience in self._audiences:
                audience.end(shard)
            conn.terminate()


def _heard_by(audience: Audience, shard: Shard) -> Callable[[object, int, str, object], None]:
    def heard(_conn: object, _pid: int, _channel: str, payload: object) -> None:
        audience.hear(shard, str(payload))

    return heard
