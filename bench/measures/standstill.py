"""Whether the machine itself stood still, as one does that is suspended."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.errors import StandstillError

_TICK_S = 0.25
# A busy machine lets a tick wait for some tenths of a second.
_LATE_MAX_S = 3.0


@asynccontextmanager
async def no_standstill() -> AsyncIterator[None]:
    """The block runs on a machine that goes on all the time.

    Raises:
        StandstillError: it did not, when the block has ended otherwise in order.
    """
    late: list[float] = [0.0]
    task = asyncio.create_task(_tick(late))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
    if max(late) > _LATE_MAX_S:
        raise StandstillError(max(late))


async def _tick(late: list[float]) -> None:
    while True:
        due = time.monotonic() + _TICK_S
        await asyncio.sleep(_TICK_S)
        late.append(time.monotonic() - due)
