"""The expiry of holds in a worker: for the payers' buckets whose try-confirms it is assigned."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from uuid import UUID

import structlog

from sagas.expiry import expire_holds, find_expired
from shards.errors import ShardTransientError
from shards.holds import DueHold
from shards.shard import Shard

_log = structlog.stdlib.get_logger(__name__)

# Holds of one transaction.
_AT_ONCE = 100


class HoldExpiry:
    """Ends the expired holds of one shard.

    Args:
        shard: of the payers.
        buckets: of those, the ones to look in; asked for each look.
        leave_out_s: how long a hold that met a bug is left out.
    """

    def __init__(
        self, shard: Shard, *, buckets: Callable[[], Collection[int]], leave_out_s: float
    ) -> None:
        self._shard = shard
        self._buckets = buckets
        self._leave_out_s = leave_out_s
        self._left_out: dict[UUID, float] = {}

    async def run(self, *, every_s: float) -> None:
        """Rounds for ever, with a pause after each."""
        while True:
            await self.expire_once()
            await asyncio.sleep(every_s)

    async def expire_once(self) -> int:
        """One round through all that is due: how many holds it dealt with.

        What others have locked, and what meets a bug, is passed over and holds up no other hold.
        """
        now = asyncio.get_running_loop().time()
        self._left_out = {id_: until for id_, until in self._left_out.items() if until > now}
        ended = 0
        after: DueHold | None = None
        try:
            while due := await self._find(after):
                ended += await self._expire([one for one in due if one.id not in self._left_out])
                if len(due) < _AT_ONCE:
                    break
                after = due[-1]
        except ShardTransientError as error:
            _log.warning("hold_expiry.failed", shard=self._shard.name, error=str(error))
        if ended:
            _log.info("hold_expiry.ended", shard=self._shard.name, holds=ended)
        return ended

    async def _find(self, after: DueHold | None) -> list[DueHold]:
        buckets = set(self._buckets()) & self._shard.buckets
        if not buckets:
            return []
        return await find_expired(self._shard, buckets=buckets, limit=_AT_ONCE, after=after)

    async def _expire(self, due: Sequence[DueHold]) -> int:
        """How many it dealt with; as in a lane, what fails together runs again one by one."""
        try:
            return await expire_holds(self._shard, due)
        except ShardTransientError:
            raise
        except Exception as error:  # noqa: BLE001 - the one boundary: a bug stops its hold only
            if len(due) > 1:
                return sum([await self._expire([hold]) for hold in due])
            self._leave_out(due[0], error)
            return 0

    def _leave_out(self, hold: DueHold, error: Exception) -> None:
        """Nothing is written of it: after a restart it is tried, and logged, at once."""
        self._left_out[hold.id] = asyncio.get_running_loop().time() + self._leave_out_s
        _log.error(
            "hold_expiry.bug",
            shard=self._shard.name,
            hold_id=str(hold.id),
            user=str(hold.payer_id),
            exc_info=error,
        )
