"""Expiry of holds: what nobody captured in time goes back to what is available.

It needs no message of its own: the row knows its expiry, and whoever looks after its bucket looks
for it.
"""

from collections.abc import Collection, Sequence

from sagas.outcomes import SKIPPED
from sagas.steps.end_hold import EndedBy, EndHold, end_holds
from shards.holds import DueHold, find_due_holds
from shards.shard import Shard


async def find_expired(
    shard: Shard, *, buckets: Collection[int], limit: int, after: DueHold | None
) -> list[DueHold]:
    """Holds of one shard that have expired by its clock and are open still, the oldest first.

    Args:
        shard: of the payers.
        buckets: payers' buckets to look in.
        limit: holds at the most; where so many are found there may be more.
        after: the last one that was found before, for those that come after it; None to begin.

    Raises:
        ShardTransientError: look again.
    """
    async with shard.connection() as conn:
        return await find_due_holds(conn, buckets=buckets, limit=limit, after=after)


async def expire_holds(shard: Shard, due: Sequence[DueHold]) -> int:
    """Ends these holds, in one transaction, as many as it can now.

    Doing it twice, or on two workers, ends each hold once. One whose payer others have locked is
    left to a later call.

    Args:
        shard: of the payers.
        due: what `find_expired` found there.

    Returns:
        How many were dealt with.

    Raises:
        ShardTransientError: they may be ended; find and end again.
    """
    if not due:
        return 0
    requests = [
        EndHold(hold_id=hold.id, payer_id=hold.payer_id, ended_by=EndedBy.EXPIRY) for hold in due
    ]
    outcomes = await end_holds(shard, requests, wait=False)
    return sum(outcome is not SKIPPED for outcome in outcomes)
