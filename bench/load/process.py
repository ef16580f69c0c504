"""The load client as a child: started with its plan, heard, ended."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson

from bench.errors import LoadError
from bench.load.plan import LoadPlan, LoadResult

_START_S = 60.0
_END_S = 30.0
_STOP_S = 5.0


class LoadProcess:
    """A load client that runs; made by `running_load`.

    Args:
        process: the child, whose first line has not been read.
    """

    def __init__(self, process: Process, plan: LoadPlan) -> None:
        self._process = process
        self._plan = plan

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def started_at(self) -> float:
        """When its first request goes out, of the monotonic clock.

        Raises:
            LoadError: it ended instead.
        """
        return float(orjson.loads(await self._line(_START_S))["start"])

    async def result(self) -> LoadResult:
        """What its clients saw, once all is over.

        Raises:
            LoadError: it ended without.
        """
        plan = self._plan
        longest_s = plan.warmup_s + plan.seconds + plan.after_s + plan.drain_s + _END_S
        return LoadResult.from_line(await self._line(longest_s))

    async def _line(self, timeout_s: float) -> bytes:
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(timeout_s):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise LoadError(f"the load client said nothing for {timeout_s:.0f} s") from None
        if not line:
            raise LoadError("the load client ended before its time")
        return line


@asynccontextmanager
async def running_load(plan: LoadPlan) -> AsyncIterator[LoadProcess]:
    """Starts a load client; it is gone at the end of the block, come what may."""
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "bench.load"), stdin=PIPE, stdout=PIPE, start_new_session=True
    )
    try:
        await _tell(process, plan)
        yield LoadProcess(process, plan)
    finally:
        await _end(process)


async def _tell(process: Process, plan: LoadPlan) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(plan.to_line())
        await process.stdin.drain()
    except ConnectionError:
        raise LoadError("the load client ended before it had read its plan") from None


async def _end(process: Process) -> None:
    """It ends with its input; one that does not is killed."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
