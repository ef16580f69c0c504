"""Telling waiters which transfers are over, after the commit that ended them."""

from collections.abc import Sequence

import structlog

from shards.errors import ShardTransientError
from shards.notices import Ended, send_notices
from shards.shard import Shard
from shards.transfers import Transfer

_log = structlog.stdlib.get_logger(__name__)


async def notify_ended(shard: Shard, transfers: Sequence[Transfer]) -> None:
    """Sends notices of those that are over; one that is lost costs a waiter its wait, no more."""
    ended = [
        Ended(
            transfer_id=transfer.id,
            status=transfer.status,
            reason=transfer.reason,
            debited_at=transfer.debited_at,
            ended_at=transfer.ended_at,
        )
        for transfer in transfers
        if transfer.ended_at is not None
    ]
    if not ended:
        return
    try:
        async with shard.connection() as conn:
            await send_notices(conn, ended)
    except ShardTransientError as error:
        _log.warning("notice.lost", shard=shard.name, transfers=len(ended), error=str(error))
