"""The attack as a process of its own, and the certainty that it ran from begin to end."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from reliability.slow_clients.attack import ATTACKING

_OPEN_S = 20.0


class NoAttackError(Exception):
    """What was measured is not what slow clients cost: they were not all there, or not for long."""


@asynccontextmanager
async def attacked(gateway: str, connections: int) -> AsyncIterator[Process]:
    """So many slow connections are open inside.

    Raises:
        NoAttackError: they could not be opened, or the attack ended before the block did.
    """
    url = urlsplit(gateway)
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "reliability.slow_clients.attack"),
        *(str(url.hostname), str(url.port), str(connections)),
        stdout=PIPE,
    )
    try:
        await _until_attacking(process, connections)
        yield process
        if process.returncode is not None:
            raise NoAttackError(
                f"the attack ended with exit code {process.returncode} while it was measured;"
                " what it said is above"
            )
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _until_attacking(process: Process, connections: int) -> None:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_OPEN_S):
            said = await process.stdout.readline()
    except TimeoutError as error:
        raise NoAttackError(
            f"{connections} connections were not open at once within {_OPEN_S:g} s; raise"
            " `ulimit -n` if it is below that, or ask for fewer (`--connections`)"
        ) from error
    if said != ATTACKING:
        raise NoAttackError(f"the attack did not begin (it said {said!r}); why is above")
