"""The one way to wait for something in a test."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
async def eventually(
    check: Callable[[], Awaitable[T]], *, within_s: float = ..., every_s: float = ...
) -> T: ...


@overload
async def eventually(
    check: Callable[[], T], *, within_s: float = ..., every_s: float = ...
) -> T: ...


async def eventually(
    check: Callable[[], Any], *, within_s: float = 10.0, every_s: float = 0.02
) -> Any:
    """Calls `check` until it returns something true (or None, without an AssertionError).

    Returns what `check` returned. When the time is over, raises the last AssertionError of
    `check`, or one that shows its last value.
    """
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        try:
            found = check()
            value = await found if inspect.isawaitable(found) else found
        except AssertionError:
            if asyncio.get_running_loop().time() >= deadline:
                raise
        else:
            if value or value is None:
                return value
            if asyncio.get_running_loop().time() >= deadline:
                raise AssertionError(f"still {value!r} after {within_s} s")
        await asyncio.sleep(every_s)
