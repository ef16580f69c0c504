"""Where crash points run: a server for all, and per process a loop and databases."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from devstack.ports import free_port
from devstack.postgres import PostgresServer
from reliability.crashpoints.points import CrashPoint
from reliability.crashpoints.run import Outcome, number_ios, run_point
from reliability.crashpoints.scenarios import Scenario
from reliability.simulation.loop import VirtualLoop
from reliability.simulation.scratch import scratch_databases

# A crash of a client keeps what a server has written either way, and vacuum would bring chance.
_SETTINGS = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
_MEMORY = Path("/dev/shm")  # noqa: S108 - a fresh folder is made in it
_MEMORY_BYTES_MIN = 1024**3


@contextmanager
def scratch_server() -> Iterator[str]:
    """A PostgreSQL server of its own, on the RAM disk where there is a roomy one; says its DSN."""
    is_roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _MEMORY_BYTES_MIN
    parent = _MEMORY if is_roomy else None
    with tempfile.TemporaryDirectory(prefix="holdfast-", dir=parent) as folder:
        path = Path(folder)
        server = PostgresServer(path / "data", free_port(), path / "postgres.log", _SETTINGS)
        server.start()
        try:
            yield server.dsn("postgres")
        finally:
            server.stop()


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
