"""Back-pressure: what is under way on each shard, watched so that no request has to ask."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from uuid import UUID

import structlog

from shards.errors import ShardTransientError
from shards.router import ShardMap
from shards.shard import Shard
from shards.transfers import InFlight, read_in_flight

_log = structlog.stdlib.get_logger(__name__)

# What was seen last counts for so long while a shard does not answer; then nothing is known, and
# a shard that is away refuses for itself.
_KEPT_S = 60.0
# A count of many rows takes a while: a shard spends no more than a tenth of its time on it.
_REST_FOR_EACH_S = 9.0


class TooMuchInFlightError(Exception):
    """The payer's shard has too much under way; it stands only for a new key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlightLimits:
    """When a shard takes no new transfers.

    Attributes:
        oldest_held: no transfer may wait longer for its try-confirm.
        open_max: no more transfers may be under way.
    """

    oldest_held: timedelta
    open_max: int

    def is_over(self, seen: InFlight) -> bool:
        """Whether this is too much."""
        return seen.oldest_held > self.oldest_held or seen.open >= self.open_max


class Watched(Enum):
    """What one look at a shard told."""

    FINE = auto()
    TOO_MUCH = auto()
    AWAY = auto()


class InFlightWatch:
    """Looks at every shard every few seconds, from the background."""

    def __init__(
        self,
        shards: ShardMap,
        *,
        limits: InFlightLimits,
        every_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shards = shards
        self._limits = limits
        self._every_s = every_s
        self._clock = clock
        self._over_at: dict[str, float] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to look."""
        self._tasks = [asyncio.create_task(self._run(shard)) for shard in self._shards.shards]

    async def close(self) -> None:
        """Stops looking."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def obstacle(self, payer_id: UUID) -> TooMuchInFlightError | None:
        """What stands against a new transfer of this payer."""
        if not self._over_at or not self._shards.knows(payer_id):
            return None
        seen_at = self._over_at.get(self._shards.of_id(payer_id).name)
        if seen_at is None or self._clock() - seen_at > _KEPT_S:
            return None
        return TooMuchInFlightError(payer_id)

    async def watch_once(self, shard: Shard) -> Watched:
        """One look; a shard that does not answer leaves what was seen last."""
        try:
            async with shard.connection() as conn:
                seen = await read_in_flight(conn, count_max=self._limits.open_max)
        except ShardTransientError:
            return Watched.AWAY
        was_over = shard.name in self._over_at
        is_over = self._limits.is_over(seen)
        if is_over:
            self._over_at[shard.name] = self._clock()
        else:
            self._over_at.pop(shard.name, None)
        if is_over != was_over:
            _log.warning(
                "in_flight.too_much" if is_over else "in_flight.fine_again",
                shard=shard.name,
                oldest_held_s=round(seen.oldest_held.total_seconds(), 1),
                open=seen.open,
            )
        return Watched.TOO_MUCH if is_over else Watched.FINE

    async def _run(self, shard: Shard) -> None:
        while True:
            since = self._clock()
            try:
                await self.watch_once(shard)
            except Exception:  # noqa: BLE001 - the last line of a task
                # A gateway that stopped looking would refuse, or accept, for ever.
                _log.exception("in_flight.failed", shard=shard.name)
            took_s = self._clock() - since
            await asyncio.sleep(max(self._every_s, took_s * _REST_FOR_EACH_S))
