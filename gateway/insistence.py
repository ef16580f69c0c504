"""Acts of operators on one user: run again while others are at its rows.

They run outside of lanes, and whoever freezes a user may find its rows locked at any moment, since
that user is so busy.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from sagas.backoff import Backoff
from shards.errors import ShardBusyError

_T = TypeVar("_T")
_ATTEMPTS: Final = 8


async def insist(act: Callable[[], Awaitable[_T]], backoff: Backoff) -> _T:
    """What `act` returns, which is run again after each `ShardBusyError`, eight times in all.

    Args:
        act: changes nothing when it raises that.
        backoff: how long to wait before each other attempt.

    Raises:
        Exception: what `act` raised in its last attempt.
    """
    for attempt in range(1, _ATTEMPTS):
        try:
            return await act()
        except ShardBusyError:
            await asyncio.sleep(backoff.wait_s(attempt))
    return await act()
