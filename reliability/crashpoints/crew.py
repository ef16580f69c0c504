"""Processes that run points side by side, each with a bench of its own."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from config.logging import configure_logging
from reliability.crashpoints.bench import Bench
from reliability.crashpoints.points import CrashPoint
from reliability.crashpoints.run import Outcome

_PROCESSES = 2
_CHUNK = 5
# Of this process; the pool has no other place for what its tasks share.
_benches: list[Bench] = []


def run_all(server_dsn: str, points: Sequence[CrashPoint]) -> Iterator[tuple[CrashPoint, Outcome]]:
    """Runs points, and says what came of each, in order."""
    with ProcessPoolExecutor(
        _PROCESSES,
        # A fork would share its parent's loop.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_open,
        initargs=(server_dsn,),
    ) as pool:
        yield from zip(points, pool.map(_run, points, chunksize=_CHUNK), strict=True)


def quiet_logs() -> None:
    """The engine says much of what befalls it: here that is what is meant to happen."""
    configure_logging(level="critical", format_="console")


def _open(server_dsn: str) -> None:
    quiet_logs()
    _benches.append(Bench(server_dsn, prefix=f"crash{os.getpid()}"))


def _run(point: CrashPoint) -> Outcome:
    return _benches[0].run(point)
