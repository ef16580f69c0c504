"""Seeds of the simulation, and those that failed once."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from reliability.simulation.endings import too_rare
from reliability.simulation.many import known_regressions, run_seeds
from reliability.simulation.run import PAYMENTS, Result
from tests.integration.simulated import violations

ROOT = Path(__file__).parents[2]
SEEDS = range(1, 51)
SHARE = 5
# What the engine logs of faults that are meant would bury what a run has to say.
pytestmark = pytest.mark.usefixtures("quiet_logs")


@pytest.fixture(scope="module")
def run_share(scratch_dsn: str) -> Callable[[int], list[Result]]:
    """Runs the seeds from one on, once for all tests that look at them."""
    return cache(
        lambda first: run_seeds(scratch_dsn, range(first, first + SHARE), payments=PAYMENTS)
    )


@pytest.mark.parametrize("first", SEEDS[::SHARE], ids=lambda first: f"{first}-{first + SHARE - 1}")
def test_no_seed_loses_doubles_or_strands_a_cent(
    run_share: Callable[[int], list[Result]], first: int
) -> None:
    assert violations(run_share(first)) == []


def test_the_seeds_reach_every_ending_often_enough(
    run_share: Callable[[int], list[Result]],
) -> None:
    endings: Counter[str] = Counter()
    for first in SEEDS[::SHARE]:
        for result in run_share(first):
            endings += result.endings

    assert too_rare(endings, seeds=len(SEEDS)) == []


def test_seeds_that_failed_once_do_not_fail_again(scratch_dsn: str) -> None:
    seeds = known_regressions()

    assert violations(run_seeds(scratch_dsn, seeds, payments=PAYMENTS)) == []
    assert seeds, "regressions.txt names none"


def test_a_seed_is_the_same_schedule_and_the_same_rows_each_time(scratch_dsn: str) -> None:
    """Also after other seeds, and in a process in which Python's hashes are others."""
    *_, here = run_seeds(scratch_dsn, [2, 3, 4], payments=PAYMENTS)
    program = (
        "from config.logging import configure_logging;"
        " from reliability.simulation.many import run_seeds;"
        " configure_logging(level='critical', format_='console');"
        f" (there,) = run_seeds({scratch_dsn!r}, [4], payments={PAYMENTS});"
        " print(there.fingerprint)"
    )

    there = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "4711"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert there.stdout.splitlines()[-1] == here.fingerprint
    assert len(here.schedule) > 500
