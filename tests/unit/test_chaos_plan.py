"""The plan of the nemesis: from its seed alone, and enough of everything."""

from itertools import pairwise

import pytest

from reliability.chaos.faults import INJECTORS
from reliability.chaos.kinds import SHAPES, FaultKind, Role
from reliability.chaos.plan import Plan, make_plan
from reliability.chaos.profiles import SMOKE, SOAK, shortened

SEEDS = range(40)


@pytest.mark.parametrize("profile", [SMOKE, SOAK], ids=lambda profile: profile.name)
def test_the_same_seed_is_the_same_plan(profile):
    assert make_plan(profile, 7) == make_plan(profile, 7)
    assert make_plan(profile, 7) != make_plan(profile, 8)


def test_a_plan_does_not_change_between_releases():
    # A seed that found something must find it again: a change here makes old seeds worthless.
    first = make_plan(SMOKE, 1).faults[0]

    assert (first.kind, first.at_s, first.target) == (FaultKind.KILL_WORKER, 3.0, 1)


def test_every_smoke_plan_has_more_than_its_minimum():
    for seed in SEEDS:
        plan = make_plan(SMOKE, seed)

        assert len(plan.faults) > SMOKE.minimums.faults
        assert len({fault.kind for fault in plan.faults}) > SMOKE.minimums.kinds
        assert len(plan.frames_at_s) >= SMOKE.minimums.frames


def test_every_soak_plan_has_every_kind_many_times():
    for seed in range(5):
        kinds = [fault.kind for fault in make_plan(SOAK, seed).faults]

        assert len(kinds) > SOAK.minimums.faults
        assert min(kinds.count(kind) for kind in FaultKind) >= 5


def test_everything_is_healed_before_the_end():
    for seed in SEEDS:
        plan = make_plan(SMOKE, seed)

        assert max(fault.until_s for fault in plan.faults) < plan.duration_s


def test_no_two_faults_of_one_shard_server_overlap():
    for seed in SEEDS:
        plan = make_plan(SOAK, seed)
        for shard in range(SOAK.shards):
            spans = _spans_of_shard(plan, shard)

            assert all(first[1] < second[0] for first, second in pairwise(spans))


def test_quiet_windows_are_left():
    faults = make_plan(SOAK, 1).faults
    starts = sorted({fault.at_s for fault in faults})
    mean_window_s = sum(SOAK.windows_s) / 2

    # A quarter of all windows, give or take what drawing them does.
    assert 0.6 < len(starts) * mean_window_s / SOAK.duration_s < 0.9


def test_a_shortened_run_asks_for_its_share():
    short = shortened(SOAK, 6)

    assert short.shortened
    assert (short.minimums.faults, short.minimums.transfers) == (30, 10_000)
    assert make_plan(short, 1).duration_s == 360


def test_every_kind_can_be_planned_and_injected():
    assert set(SHAPES) == set(INJECTORS) == set(FaultKind)


def _spans_of_shard(plan: Plan, shard: int) -> list[tuple[float, float]]:
    return sorted(
        (fault.at_s, fault.until_s)
        for fault in plan.faults
        if SHAPES[fault.kind].role is Role.SHARD
        and not SHAPES[fault.kind].of_links
        and fault.target == shard
    )
