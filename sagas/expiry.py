"""Expiry of holds: what nobody captured in time goes back to what is available.

It needs no message: the row knows its expiry, and whoever looks after its bucket looks for it.
"""

from collections.abc import Collection

from sagas.outcomes import SKIPPED
from sagas.steps.end_hold import EndedBy, EndHold, end_holds
from shards.holds import find_due_holds
from shards.shard import Shard


async def expire_holds(shard: Shard, *, buckets: Collection[int], limit: int) -> int:
    """Ends holds of one shard that have expired by its clock, as many as it can now.

    Doing it twice, or on two workers, ends each hold once. One whose payer others have locked is
    left to the next call.

    Args:
        shard: of the payers.
        buckets: payers' buckets to look in.
        limit: holds at the most.

    Returns:
        How many were dealt with.

    Raises:
        ShardTransientError: some may be ended; the next call looks again.
    """
    async with shard.connection() as conn:
        due = await find_due_holds(conn, buckets=buckets, limit=limit)
    if not due:
        return 0
    requests = [
        EndHold(hold_id=hold_id, payer_id=payer_id, ended_by=EndedBy.EXPIRY)
        for hold_id, payer_id in due
    ]
    outcomes = await end_holds(shard, requests, wait=False)
    return sum(outcome is not SKIPPED for outcome in outcomes)
