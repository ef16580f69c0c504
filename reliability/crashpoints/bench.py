"""Where crash points run: a loop and databases of one process."""

import asyncio
from contextlib import AsyncExitStack

from reliability.crashpoints.points import CrashPoint
from reliability.crashpoints.run import Outcome, number_ios, run_point
from reliability.crashpoints.scenario import Scenario
from reliability.simulation.loop import VirtualLoop
from reliability.simulation.scratch import scratch_databases


class Bench:
    """Runs one thing after another; close it."""

    def __init__(self, server_dsn: str, *, prefix: str) -> None:
        self._runner = asyncio.Runner(loop_factory=VirtualLoop)
        self._stack = AsyncExitStack()
        self._databases = self._runner.run(
            self._stack.enter_async_context(scratch_databases(server_dsn, prefix=prefix))
        )

    def number(self, scenario: Scenario) -> Outcome:
        """As `number_ios`."""
        return self._runner.run(number_ios(self._databases, scenario))

    def run(self, point: CrashPoint) -> Outcome:
        """As `run_point`."""
        return self._runner.run(run_point(self._databases, point))

    def close(self) -> None:
        """Drops its databases."""
        self._runner.run(self._stack.aclose())
        self._runner.close()
