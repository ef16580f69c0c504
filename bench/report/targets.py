"""The targets, and whether a run meets them: computed from its lines, never typed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bench.report.lines import CaseLine
from bench.report.results import Group, Results

# An open loop at another rate than half of the best one says nothing of that target.
_HALF = 0.5
_HALF_TOLERANCE = 0.05
_MEMORY_PERCENT_MAX = 2.0


class Verdict(StrEnum):
    """What became of a target."""

    STRETCH = "met, and the stretch goal"
    MET = "met"
    SHORT = "short"
    FAILED = "failed"
    """The case was run and does not count."""
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A figure that a target is about, or why there is none.

    Attributes:
        value: the figure; None when there is none.
        cases: where it is from.
        failure: why a case that was run does not count.
    """

    value: float | None = None
    cases: str = ""
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is to be reached.

    Attributes:
        name: for the history.
        says: what is measured.
        limit: the figure that meets it.
        stretch: a better one, if there is one.
        at_least: whether more is better.
        unit: after the figure.
        find: the figure of a run.
        of_long: whether only the long run can tell.
    """

    name: str
    says: str
    limit: float
    find: Callable[[Results], Found]
    stretch: float | None = None
    at_least: bool = True
    unit: str = ""
    of_long: bool = False

    def verdict(self, found: Found) -> Verdict:
        """Whether the figure reaches it."""
        if found.failure is not None:
            return Verdict.FAILED
        if found.value is None:
            return Verdict.NOT_MEASURED
        if self.stretch is not None and self._reaches(found.value, self.stretch):
            return Verdict.STRETCH
        return Verdict.MET if self._reaches(found.value, self.limit) else Verdict.SHORT

    def _reaches(self, value: float, limit: float) -> bool:
        return value >= limit if self.at_least else value <= limit


def _of(*groups: Group | None, value: Callable[[], float | None]) -> Found:
    """A figure from cases, each of which must be there and count."""
    names = ", ".join(group.name for group in groups if group is not None)
    if not groups or any(group is None for group in groups):
        return Found(cases=names)
    failures = [f"{g.name}: {g.failure}" for g in groups if g is not None and g.failure is not None]
    if failures:
        return Found(cases=names, failure="; ".join(failures))
    return Found(value=value(), cases=names)


def _best(mode: str) -> Callable[[Results], Found]:
    def find(results: Results) -> Found:
        best = results.best(mode)
        if best is not None:
            return _of(best, value=lambda: results.ratio(best))
        return _of(*results.by_clients(mode), value=lambda: None)

    return find


def _workload(name: str) -> Callable[[Results], Found]:
    """A workload's rate as a share of random pairs, at the same clients."""

    def find(results: Results) -> Found:
        return _share(*results.pair({"workload": name}, {}))

    return find


def _growth(field: str, *, grown: int, small: int) -> Callable[[Results], Found]:
    def find(results: Results) -> Found:
        return _share(*results.pair({field: grown}, {field: small}))

    return find


def _share(group: Group | None, of: Group | None) -> Found:
    return _of(
        group,
        of,
        value=lambda: group.per_s / of.per_s if group and of and group.per_s and of.per_s else None,
    )


def _latency(
    percentile: str, choose: Callable[[Results], Group | None]
) -> Callable[[Results], Found]:
    def of_run(run: CaseLine) -> float | None:
        return None if run.latency_ms is None else float(getattr(run.latency_ms, percentile))

    def find(results: Results) -> Found:
        group = choose(results)
        return _of(group, value=lambda: group.median_of(of_run) if group else None)

    return find


def _at_20(results: Results) -> Group | None:
    return next((group for group in results.open_loops() if group.shape.rate == 20), None)


def _at_half(results: Results) -> Group | None:
    best = results.best("post")
    if best is None or best.per_s is None:
        return None
    for group in results.open_loops():
        if abs((group.shape.rate or 0.0) / best.per_s - _HALF) <= _HALF_TOLERANCE:
            return group
    return None


def _cpu(results: Results) -> Found:
    best = results.best("post")
    return _of(
        best,
        value=lambda: best.median_of(lambda run: run.cpu_outside_load_ms) if best else None,
    )


def _memory(results: Results) -> Found:
    """The process whose private memory grew most, where a run was long enough to tell."""
    long = [
        group
        for group in results.groups
        if any(run.memory_growth_percent is not None for run in group.runs)
    ]

    def most(run: CaseLine) -> float | None:
        grown = run.memory_growth_percent
        return max(grown.values(), default=None) if grown else None

    return _of(*long, value=lambda: long[0].median_of(most) if long else None)


def _target(name: str, says: str, limit: float, find: Callable[[Results], Found]) -> Target:
    return Target(name=name, says=says, limit=limit, find=find)


def _at_most(name: str, says: str, limit: float, find: Callable[[Results], Found]) -> Target:
    return Target(name=name, says=says, limit=limit, find=find, at_least=False, unit=" ms")


TARGETS = (
    Target(
        name="post",
        says="one POST per transfer, at the best number of clients, to the floor",
        limit=0.50,
        stretch=0.70,
        find=_best("post"),
    ),
    _target("wait", "the same with `Prefer: wait`, to the floor", 0.40, _best("wait")),
    Target(
        name="batch",
        says="batches of 100, to the floor",
        limit=1.0,
        stretch=2.0,
        find=_best("batch"),
    ),
    _target("hot_payee", "one hot payee, to random pairs", 0.9, _workload("hot-payee")),
    _target("hot_payer", "one hot payer, to random pairs", 0.7, _workload("hot-payer")),
    _at_most("p50_at_20", "POST to completed at 20/s, p50", 15, _latency("p50", _at_20)),
    _at_most("p99_at_20", "POST to completed at 20/s, p99", 40, _latency("p99", _at_20)),
    _at_most("p50_at_half", "at half of the best rate, p50", 40, _latency("p50", _at_half)),
    _at_most("p99_at_half", "at half of the best rate, p99", 120, _latency("p99", _at_half)),
    Target(
        name="cpu_ms",
        says="processor time outside the load client, per transfer, at the best of POST",
        limit=0.50,
        stretch=0.30,
        at_least=False,
        unit=" ms",
        find=_cpu,
    ),
    _target(
        "entries",
        "1 million entries, to 10 thousand",
        0.95,
        _growth("entries", grown=1_000_000, small=10_000),
    ),
    _target(
        "shards", "8 shards, to 1 on the same server", 0.85, _growth("shards", grown=8, small=1)
    ),
    _target("workers", "2 workers, to 1", 1.0, _growth("workers", grown=2, small=1)),
    Target(
        name="memory",
        says="private memory of a process over the last 25 of 30 minutes, the most grown",
        limit=_MEMORY_PERCENT_MAX,
        at_least=False,
        unit=" %",
        find=_memory,
        of_long=True,
    ),
)


def judge(results: Results, *, of_long: bool) -> Iterator[tuple[Target, Found, Verdict]]:
    """The targets with what a run says of them: those of the long run, or all others."""
    for target in TARGETS:
        if target.of_long is not of_long:
            continue
        found = target.find(results)
        yield target, found, target.verdict(found)
