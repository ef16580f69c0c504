"""Many seeds, two at a time, each process with databases of its own."""

import asyncio
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from config.logging import configure_logging
from reliability.simulation.loop import VirtualLoop
from reliability.simulation.run import DRAIN_S, Result, run_seed
from reliability.simulation.scratch import BUCKETS, scratch_databases
from reliability.simulation.wires import Database

_SIDE_BY_SIDE = 2
_REGRESSIONS = Path(__file__).with_name("regressions.txt")


def known_regressions() -> list[int]:
    """Seeds that failed once, before what they found was mended."""
    lines = _REGRESSIONS.read_text().splitlines()
    return [int(line.split()[0]) for line in lines if line and not line.startswith("#")]


def run_seeds(
    dsn: str, seeds: Sequence[int], *, payments: int, drain_s: float = DRAIN_S
) -> list[Result]:
    """Runs seeds one after another in databases of their own, which are dropped afterwards."""

    async def run() -> list[Result]:
        async with scratch_databases(dsn, prefix=f"simulated_{os.getpid()}") as databases:
            return [
                await run_seed(
                    databases,
                    seed=seed,
                    buckets=BUCKETS,
                    payments=payments,
                    drain_s=drain_s,
                )
                for seed in seeds
            ]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(run())


def run_side_by_side(dsn: str, seeds: Sequence[int], *, payments: int) -> Iterator[Result]:
    """The results of seeds in their order, as they come in.

    Args:
        dsn: of a server that is thrown away afterwards, with the databases that are left on it.
        seeds: each runs in one of two processes.
        payments: of each seed.
    """
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(_SIDE_BY_SIDE, initializer=_open, initargs=(dsn,)) as pool:
        yield from pool.imap(partial(_run_one, payments=payments), seeds)


@dataclass(frozen=True, slots=True)
class _Own:
    """What a process keeps from one seed to the next; who lets go of `opened` has it closed."""

    runner: asyncio.Runner
    opened: AbstractAsyncContextManager[list[Database]]
    databases: list[Database]


_own: list[_Own] = []


def _open(dsn: str) -> None:
    # What the engine logs of faults that are meant would bury what a run has to say.
    configure_logging(level="critical", format_="console")
    runner = asyncio.Runner(loop_factory=VirtualLoop)
    opened = scratch_databases(dsn, prefix=f"simulated_{os.getpid()}")
    _own.append(_Own(runner, opened, runner.run(opened.__aenter__())))


def _run_one(seed: int, *, payments: int) -> Result:
    (own,) = _own
    return own.runner.run(run_seed(own.databases, seed=seed, buckets=BUCKETS, payments=payments))
