"""The matrix of the benchmark: a cross around the base case, within its time."""

from collections import Counter
from dataclasses import asdict

from bench.cases import Mode, Workload
from bench.matrix import BASE, full, long, quick

# Everything of a case that is not load: a clone, a start, a drain, an audit, an end.
_AROUND_A_CASE_S = 18
_FLOORS_S = 4 * 30


def test_each_case_is_the_base_but_for_one_thing_and_its_mode():
    for case in full():
        base = asdict(BASE)
        changed = {name for name, value in asdict(case.shape).items() if value != base[name]}
        assert len(changed - {"mode", "rate"}) <= 1, case.name


def test_everything_that_is_stated_is_in_it():
    shapes = [case.shape for case in full()]

    assert {s.clients for s in shapes if s.mode is Mode.POST} == {64, 256, 512}
    assert {s.clients for s in shapes if s.mode is Mode.WAIT} == {64, 256, 512}
    assert {s.workload for s in shapes} == set(Workload)
    assert {s.shards for s in shapes} == {1, 4, 8}
    assert {s.workers for s in shapes} == {1, 2, 4}
    assert {s.buckets for s in shapes} == {8, 32, 128}
    assert {s.entries for s in shapes} == {10_000, 1_000_000, 5_000_000}
    assert Mode.BATCH in {s.mode for s in shapes}


def test_rates_that_depend_on_the_best_come_after_closed_loops():
    names = [case.name for case in full()]

    for case in full():
        if case.share_of_best is not None:
            assert names.index("post-512") < names.index(case.name)


def test_comparisons_alternate():
    rounds = [(case.name, case.round) for case in full() if case.round is not None]

    assert Counter(name for name, _ in rounds) == Counter(
        dict.fromkeys(("shards-1", "shards-8", "workers-1", "workers-2"), 3)
        | {"entries-10k": 3, "entries-1m": 3}
    )
    assert rounds[:4] == [("shards-1", 1), ("shards-8", 1), ("shards-1", 2), ("shards-8", 2)]


def test_it_fits_into_45_minutes():
    seconds = sum(case.warmup_s + case.seconds + _AROUND_A_CASE_S for case in full())

    assert seconds + _FLOORS_S < 45 * 60


def test_the_quick_one_has_posts_waits_and_batches():
    assert [case.name for case in quick()] == ["post-256", "wait-256", "batch-100"]


def test_the_long_one_looks_at_its_last_25_minutes():
    assert long(seconds=1_800).growth_s == 1_500
