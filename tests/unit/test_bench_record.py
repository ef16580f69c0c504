"""Which runs of the benchmark count."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bench.cases import Case, Mode, Shape
from bench.load.plan import LoadResult
from bench.measures.growth import Grown, Series
from bench.measures.processes import Role
from bench.measures.shards import Totals
from bench.measures.window import Sample
from bench.record import Measured, figures

_AT = datetime(2026, 1, 1, tzinfo=UTC)
_LOAD = LoadResult(
    answers={"202": 10_000},
    refused=0,
    failed=0,
    unfinished=0,
    problem=None,
    latency_ms={"p50": 10.0},
    answer_ms={"p50": 5.0},
    due=10_000,
)


def sample(*, at: float, cpu: float, count: int, backlog: int) -> Sample:
    return Sample(
        at=at,
        busy_s=5 * cpu,
        cpu=dict.fromkeys(Role, cpu),
        totals=Totals(now=_AT + timedelta(seconds=at), wal_bytes=count * 1_000, commits=count),
        messages=2 * count,
        backlog=backlog,
        memory={"gateway": 50.0},
        counted=Counter(),
    )


@pytest.fixture
def measured() -> Measured:
    return Measured(
        case=Case(name="post-256", shape=Shape(clients=256)),
        begin=sample(at=0, cpu=1.0, count=0, backlog=100),
        end=sample(at=10, cpu=3.0, count=10_000, backlog=110),
        ended=Counter(completed=10_000),
        load=_LOAD,
        foreign_before=0.0,
        left=0,
        items_per_batch={"try": 10.0},
        grown=None,
    )


def test_figures_are_those_of_the_window_per_completed_transfer(measured: Measured):
    found = figures(measured)

    assert found["completed_per_s"] == 1_000
    assert found["cpu_ms_per_transfer"]["gateway"] == pytest.approx(0.2)
    assert found["per_transfer"] == {"commits": 1, "messages": 2, "wal_bytes": 1_000}
    assert found["memory_mib"] == {"gateway": [50.0, 50.0]}
    assert measured.problem is None
    assert not found["is_loaded"]


def test_what_was_refused_or_returned_is_not_completed(measured: Measured):
    ended = Counter(completed=9_000, rejected=90, refunded=1)

    found = replace(measured, ended=ended)

    assert figures(found)["completed_per_s"] == 900
    assert figures(found)["refused"] == 90
    assert found.problem == "1 transfers were cancelled or refunded"


@pytest.mark.parametrize(("backlog", "is_steady"), [(612, True), (613, False), (0, True)])
def test_a_run_whose_backlog_grows_does_not_count(
    measured: Measured, backlog: int, is_steady: bool
):
    end = replace(measured.end, backlog=backlog)

    found = replace(measured, end=end)

    assert found.is_steady is is_steady
    assert (found.problem is None) is is_steady


@pytest.mark.parametrize(("due", "is_steady"), [(10_500, True), (10_501, False)])
def test_an_open_loop_that_is_slower_than_its_arrivals_does_not_count(
    measured: Measured, due: int, is_steady: bool
):
    """What waits in the clients is not in the backlog."""
    case = Case(name="open-half", shape=Shape(mode=Mode.OPEN, rate=1_000.0))
    load = replace(_LOAD, due=due)

    found = replace(measured, case=case, load=load)

    assert found.is_steady is is_steady
    assert (found.problem is None) is is_steady
    # A closed loop is due whenever a client is free.
    assert replace(measured, load=load).is_steady


@pytest.mark.parametrize(
    "change",
    [{"load": replace(_LOAD, failed=1)}, {"load": replace(_LOAD, unfinished=1)}, {"left": 1}],
)
def test_a_run_with_failures_does_not_count(measured: Measured, change: dict):
    assert replace(measured, **change).problem


def test_a_run_on_a_loaded_machine_says_so(measured: Measured):
    assert replace(measured, foreign_before=0.5).is_loaded
    busy = replace(measured.end, busy_s=measured.end.busy_s + 5.0)
    assert replace(measured, end=busy).is_loaded
    assert not replace(measured, foreign_before=0.1).is_loaded


def test_growth_of_memory_or_backlog_fails_a_long_run(measured: Measured):
    steady = Grown(memory_percent={"gateway": 1.9}, backlog=90)
    leaking = replace(steady, memory_percent={"gateway": 2.0})
    lagging = replace(steady, backlog=110)

    assert replace(measured, grown=steady).problem is None
    assert replace(measured, grown=leaking).problem == "the memory of gateway grew by 2.0 %"
    assert replace(measured, grown=lagging).problem == "the backlog grew by 110"


def test_growth_is_looked_for_at_the_end_only():
    series = Series(
        memory={"gateway": [(float(t), 50.0 + max(0, 100 - t)) for t in range(0, 600, 5)]},
        backlog=[(float(t), 20.0) for t in range(0, 600, 5)],
    )

    found = series.grown(since=100, until=600)

    assert found == Grown(memory_percent={"gateway": 0.0}, backlog=0.0)
