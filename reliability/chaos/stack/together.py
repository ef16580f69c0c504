"""Several things at once."""

import sys
from asyncio import TaskGroup
from collections.abc import Coroutine, Iterable

import psutil

from devstack.errors import DevstackError


async def all_of(works: Iterable[Coroutine[None, None, object]]) -> None:
    """Does them at once; the first error ends the others and is raised as itself."""
    try:
        async with TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except BaseExceptionGroup as errors:
        first: BaseException = errors.exceptions[0]
    else:
        return
    raise first


async def quietly(ending: Coroutine[None, None, None]) -> None:
    """What cannot be ended must not keep the rest from being ended."""
    try:
        await ending
    except (OSError, DevstackError, psutil.Error) as error:
        sys.stderr.write(f"could not be ended: {error!r}\n")
