"""What the commands of `python -m bench` run, in order."""

from collections.abc import Callable

from bench import matrix
from bench.cases import Case
from bench.errors import MeasureError
from bench.run import Run

FLOOR_S = 20
_QUICK_FLOOR_S = 5
LONG_S = 1_800.0
Play = Callable[[Run], None]


def one(case: Case) -> Play:
    """A single case."""

    def play(run: Run) -> None:
        run.measure_case(case)

    return play


def full(run: Run) -> None:
    """The whole matrix between two measurements of each floor."""
    _floors(run, "before")
    cases = matrix.full()
    for number, case in enumerate(cases, start=1):
        run.progress.say(f"case {number} of {len(cases)}")
        _measured(run, case)
    _floors(run, "after")


def quick(run: Run) -> None:
    """The base case, waiting and batches between two short floors."""
    run.measure_floor("before", hot=False, seconds=_QUICK_FLOOR_S)
    for case in matrix.quick():
        run.measure_case(case)
    run.measure_floor("after", hot=False, seconds=_QUICK_FLOOR_S)


def long(seconds: float) -> Play:
    """Half the best rate, which a short run finds out first."""

    def play(run: Run) -> None:
        run.measure_case(matrix.best_rate_probe())
        run.measure_case(matrix.long(seconds=seconds))

    return play


def _measured(run: Run, case: Case) -> None:
    """Half an hour must not be lost because the machine was suspended for a while."""
    try:
        run.measure_case(case)
    except MeasureError as error:
        run.progress.say(f"{case.name} has no figures, once more: {error}")
        run.measure_case(case)


def _floors(run: Run, when: str) -> None:
    for hot in (False, True):
        run.measure_floor(when, hot=hot, seconds=FLOOR_S)
