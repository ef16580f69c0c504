"""Work in a thread that is waited for, come what may."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def to_the_end(work: Callable[[], T]) -> T:
    """Does it in a thread; who is cancelled meanwhile goes when it is done, and not before.

    A process that is being started would otherwise appear after everything was ended.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        raise
