"""Telling waiters which transfers are over, after the commit that ended them."""

from collections.abc import Sequence

import structlog

from sagas.states import TERMINAL, Status
from shards.errors import ShardTransientError
from shards.notices import send_notices
from shards.shard import Shard
from shards.transfers import Transfer

_log = structlog.stdlib.get_logger(__name__)


async def notify_ended(shard: Shard, transfers: Sequence[Transfer]) -> None:
    """Sends notices of those that are over; one that is lost costs a waiter its wait, no more."""
    ended = [t.id for t in transfers if Status(t.status) in TERMINAL]
    if not ended:
        return
    try:
        async with shard.connection() as conn:
            await send_notices(conn, ended)
    except ShardTransientError as error:
        _log.warning("notice.lost", shard=shard.name, transfers=len(ended), error=str(error))
