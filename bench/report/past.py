"""The history: one line per run, and what became slower by more than the noise."""

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.report.lines import LineError
from bench.report.results import Results
from bench.report.targets import TARGETS, judge

EARLIER_MIN, EARLIER_MAX = 3, 7
NOISE_MIN = 0.05
NOISE_TIMES = 3

RULE = (
    f"A figure is called slower when it is worse than the median of the last {EARLIER_MAX}"
    f" earlier runs by more than the noise: {NOISE_TIMES} times the median change from one of them"
    f" to the next, and {NOISE_MIN:.0%} at the least. Compared are runs of the same command on the"
    f" same machine that nobody else loaded, {EARLIER_MIN} of them at the least."
)

_IS_MORE_BETTER = {target.name: target.at_least for target in TARGETS}


class PastRun(BaseModel):
    """A run in the history; `figures` has only what was measured and counts."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    run: str
    at: datetime
    commit: str
    command: str
    machine: str
    is_loaded: bool
    floor_per_s: float | None
    floor_hot_per_s: float | None
    figures: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]]
    failed: list[str]


def past_run(results: Results) -> PastRun:
    """What the history keeps of a run."""
    judged = list(judge(results, of_long=False))
    return PastRun(
        run=results.run,
        at=results.at,
        commit=results.commit,
        command=results.command,
        machine=results.machine.name,
        is_loaded=results.is_loaded,
        floor_per_s=_rounded(results.floor("random")),
        floor_hot_per_s=_rounded(results.floor("hot")),
        figures={
            target.name: round(max(found.value, 0.0), 4)
            for target, found, _ in judged
            if found.value is not None
        },
        failed=[group.name for group in results.groups if group.failure is not None],
    )


def read_history(path: Path) -> list[PastRun]:
    """All runs, oldest first; raises LineError for a line that is not as it should be."""
    if not path.is_file():
        return []
    runs = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            runs.append(PastRun.model_validate_json(text))
        except ValidationError as error:
            raise LineError(f"{path.name}:{number}: {error}") from error
    return sorted(runs, key=lambda run: run.at)


def remember(path: Path, new: PastRun) -> list[PastRun]:
    """Puts a run into the history, in the place of what was there of it; all runs, oldest first."""
    runs = [run for run in read_history(path) if run.run != new.run]
    runs = sorted([*runs, new], key=lambda run: run.at)
    lines = [json.dumps(run.model_dump(mode="json")) + "\n" for run in runs]
    path.write_text("".join(lines), encoding="utf-8")
    return runs


def compared(runs: Sequence[PastRun], new: PastRun) -> list[PastRun]:
    """The earlier runs that a run can be compared with, oldest first."""
    alike = [
        run
        for run in runs
        if run.at < new.at
        and not run.is_loaded
        and (run.machine, run.command) == (new.machine, new.command)
    ]
    return alike[-EARLIER_MAX:]


def slower(runs: Sequence[PastRun], new: PastRun) -> dict[str, str]:
    """What is worse than before by more than the noise, by the name of its target.

    Args:
        runs: the history; `new` may be in it.
        new: the run that is judged; a loaded one is not, and nothing is said of it.
    """
    if new.is_loaded:
        return {}
    found = {}
    earlier = compared(runs, new)
    for name, value in new.figures.items():
        before = [run.figures[name] for run in earlier if name in run.figures]
        told = _slower(before, value, is_more_better=_IS_MORE_BETTER.get(name, True))
        if told is not None:
            found[name] = told
    return found


def _slower(before: Sequence[float], value: float, *, is_more_better: bool) -> str | None:
    if len(before) < EARLIER_MIN or not all(before):
        return None
    usual = median(before)
    steps = [abs(b - a) / a for a, b in pairwise(before)]
    noise = max(NOISE_MIN, NOISE_TIMES * median(steps))
    worse = (usual - value if is_more_better else value - usual) / usual
    if worse <= noise:
        return None
    return f"{value:.3g} after {usual:.3g}: {worse:.0%} worse, the noise is {noise:.0%}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
