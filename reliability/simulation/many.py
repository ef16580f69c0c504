"""Many seeds, two at a time, each process with databases of its own."""

import asyncio
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.logging import configure_logging
from reliability.simulation.loop import VirtualLoop
from reliability.simulation.run import DRAIN_S, Result, run_seed
from reliability.simulation.scratch import BUCKETS, scratch_databases

_SIDE_BY_SIDE = 2
_SHARE = 5
_REGRESSIONS = Path(__file__).with_name("regressions.txt")


@dataclass(frozen=True, slots=True)
class _Share:
    dsn: str
    seeds: Sequence[int]
    transfers: int


def known_regressions() -> list[int]:
    """Seeds that failed once, before what they found was mended."""
    lines = _REGRESSIONS.read_text().splitlines()
    return [int(line.split()[0]) for line in lines if line and not line.startswith("#")]


def run_seeds(
    dsn: str, seeds: Sequence[int], *, transfers: int, drain_s: float = DRAIN_S
) -> list[Result]:
    """Runs seeds one after another in databases of their own, which are dropped afterwards."""

    async def run() -> list[Result]:
        async with scratch_databases(dsn, prefix=f"simulated_{os.getpid()}") as databases:
            return [
                await run_seed(
                    databases,
                    seed=seed,
                    buckets=BUCKETS,
                    transfers=transfers,
                    drain_s=drain_s,
                )
                for seed in seeds
            ]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(run())


def run_side_by_side(dsn: str, seeds: Sequence[int], *, transfers: int) -> Iterator[Result]:
    """The results of seeds in their order, as they come in."""
    shares = [_Share(dsn, seeds[i : i + _SHARE], transfers) for i in range(0, len(seeds), _SHARE)]
    with multiprocessing.get_context("spawn").Pool(_SIDE_BY_SIDE) as pool:
        for results in pool.imap(_run_share, shares):
            yield from results


def _run_share(share: _Share) -> list[Result]:
    # What the engine logs of faults that are meant would bury what a run has to say.
    configure_logging(level="critical", format_="console")
    return run_seeds(share.dsn, share.seeds, transfers=share.transfers)
