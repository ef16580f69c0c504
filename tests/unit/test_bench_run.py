"""What a run of the benchmark knows of itself: its best rate and its floor."""

from dataclasses import replace
from io import StringIO
from typing import Any, cast

import pytest

from bench.cases import Mode
from bench.commands import full
from bench.errors import LoadError
from bench.matrix import long
from bench.run import Run
from devstack.progress import Progress


def case_line(rate: float, *, mode: Mode = Mode.POST, problem: str | None = None) -> dict[str, Any]:
    return {
        "case": f"{mode}-{rate}",
        "shape": {"mode": mode},
        "completed_per_s": rate,
        "problem": problem,
    }


@pytest.fixture
def run() -> Run:
    return Run(
        name="20260101T000000Z",
        command="python -m bench full",
        servers=cast("Any", None),
        settings={},
        progress=Progress("bench", StringIO()),
        write=lambda _: None,
        about={},
    )


def test_the_best_rate_is_of_closed_loops_that_count(run: Run):
    assert run.best_rate == 0

    run.lines = [
        case_line(900),
        case_line(1_000),
        case_line(1_500, problem="the audit failed"),
        case_line(2_000, mode=Mode.BATCH),
    ]

    assert run.best_rate == 1_000
    assert run.with_rate(long(seconds=60)).shape.rate == 500


def test_a_share_of_nothing_is_refused(run: Run):
    run.lines = [case_line(900, problem="the audit failed")]

    with pytest.raises(ValueError, match="none has counted"):
        run.with_rate(long(seconds=60))


def test_a_case_with_a_rate_of_its_own_keeps_it(run: Run):
    case = long(seconds=60)
    own = replace(case, shape=replace(case.shape, rate=20.0), share_of_best=None)

    assert run.with_rate(own) == own


def test_the_floor_is_the_mean_of_random_pairs_before_and_after(run: Run):
    assert run.floor is None

    run.lines = [
        {"case": "floor-random-before", "transfers_per_s": 4_000},
        {"case": "floor-hot-before", "transfers_per_s": 1_000},
        {"case": "floor-random-after", "transfers_per_s": 5_000},
    ]

    assert run.floor == 4_500


class Recorded:
    """Notes what is measured; the first case has no figures the first time."""

    def __init__(self) -> None:
        self.progress = Progress("bench", StringIO())
        self.measured: list[str] = []

    def measure_floor(self, when: str, *, hot: bool, seconds: int) -> None:
        assert seconds > 0
        self.measured.append(f"{'hot' if hot else 'random'}-{when}")

    def measure_case(self, case) -> None:
        self.measured.append(case.name)
        if len(self.measured) == 3:
            raise LoadError("the load client said nothing")


def test_floors_are_around_the_cases_and_a_case_without_figures_is_run_again():
    recorded = Recorded()

    full(cast("Run", recorded))

    assert recorded.measured[:2] == ["random-before", "hot-before"]
    assert recorded.measured[2:5] == ["post-64", "post-64", "post-256"]
    assert recorded.measured[-2:] == ["random-after", "hot-after"]
