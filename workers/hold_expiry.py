"""The expiry of holds in a worker: for the payers' buckets whose try-confirms it is assigned."""

import asyncio
from collections.abc import Callable, Collection

import structlog

from sagas.expiry import expire_holds
from shards.errors import ShardTransientError
from shards.shard import Shard

_log = structlog.stdlib.get_logger(__name__)

# Holds of one transaction.
_AT_ONCE = 100


class HoldExpiry:
    """Ends the expired holds of one shard."""

    def __init__(self, shard: Shard, *, buckets: Callable[[], Collection[int]]) -> None:
        self._shard = shard
        self._buckets = buckets

    async def run(self, *, every_s: float) -> None:
        """Rounds for ever; one that ended all it may is followed by the next at once."""
        while True:
            if await self.expire_once() < _AT_ONCE:
                await asyncio.sleep(every_s)

    async def expire_once(self) -> int:
        """One round: how many holds it dealt with."""
        buckets = set(self._buckets()) & self._shard.buckets
        if not buckets:
            return 0
        try:
            ended = await expire_holds(self._shard, buckets=buckets, limit=_AT_ONCE)
        except ShardTransientError as error:
            _log.warning("hold_expiry.failed", shard=self._shard.name, error=str(error))
            return 0
        if ended:
            _log.info("hold_expiry.ended", shard=self._shard.name, holds=ended)
        return ended
