"""How long a lane rests, by the clock: plain arithmetic."""

from dataclasses import replace
from itertools import pairwise

import pytest

from sagas.backoff import Backoff
from sagas.lane_options import LaneOptions, crowding, share_of_steps

OPTIONS = LaneOptions(
    capacity=10,
    batch_max=10,
    linger_s=0.03,
    attempts=None,
    backoff=Backoff(first_s=0.05, cap_s=2.0, jitter=lambda: 0.0),
)


def starts(
    *, runs: int, ran_s: float, began: float = 100.0, options: LaneOptions = OPTIONS
) -> list[float]:
    """When each run begins of a lane that has always something to do, and has run long ago."""
    began_at, again = [], 0.0
    for _ in range(runs):
        began_at.append(began)
        again = options.runs_again_at(again, began=began, ran_s=ran_s)
        began = max(again, began + ran_s)
    return began_at


def test_what_comes_now_and_then_waits_for_nothing():
    """A transfer of one shard: try-confirm, confirm and settle, one after another."""
    assert starts(runs=3, ran_s=0.002) == pytest.approx([100.0, 100.002, 100.004])


@pytest.mark.parametrize(
    ("ran_s", "every_s"),
    [(0.3, 1.2), (0.03, 0.12), (0.015, 0.0375), (0.003, 0.0039)],
    ids=["longer", "busy", "half as long", "a tenth"],
)
def test_a_lane_with_always_something_to_do_rests_by_the_square_of_a_short_run(
    ran_s: float, every_s: float
):
    began = starts(runs=101, ran_s=ran_s, options=replace(OPTIONS, linger_s=10.0))

    assert (began[-1] - began[80]) / 20 == pytest.approx(every_s)


def test_it_never_rests_for_longer_than_it_may():
    began = starts(runs=10, ran_s=0.05)

    assert [b - a for a, b in pairwise(began[2:])] == pytest.approx([0.08] * 7)


def test_what_was_not_used_is_saved_up_to_a_bound():
    after_an_hour = OPTIONS.runs_again_at(100.0, began=3_700.0, ran_s=0.01)
    after_a_second = OPTIONS.runs_again_at(100.0, began=101.0, ran_s=0.01)

    assert after_an_hour - 3_700.0 == pytest.approx(after_a_second - 101.0)
    assert after_an_hour == pytest.approx(3_700.0 - OPTIONS.saved_s + 0.02)


@pytest.mark.parametrize(
    ("lanes", "share", "crowd"),
    [(1, 1.0, 1.0), (4, 1.0, 1.0), (8, 1.0, 2.0), (4, 0.5, 2.0), (8, 0.25, 8.0), (4, 0.0, 1.0)],
)
def test_the_more_lanes_and_workers_the_longer_each_gathers(lanes: int, share: float, crowd: float):
    assert crowding(lanes=lanes, share=share) == crowd


@pytest.mark.parametrize(
    ("of_shard", "of_all", "share"),
    [(1.0, 1.0, 1.0), (0.5, 0.5, 0.5), (1.0, 0.25, 0.75), (0.0, 0.5, 1 / 6), (0.0, 0.0, 0.0)],
    ids=["alone", "half of each", "a shard", "no bucket of it", "no bucket"],
)
def test_a_settle_comes_to_whoever_has_confirmed(of_shard: float, of_all: float, share: float):
    assert share_of_steps(of_shard=of_shard, of_all=of_all) == pytest.approx(share)


@pytest.mark.parametrize(
    ("planned", "ran_s", "after_s"),
    [(0.0, 0.003, -0.0404), (100.0, 0.003, 0.0096), (100.0, 0.5, 0.5 + 0.06)],
    ids=["saved", "rests", "lingers"],
)
def test_in_a_crowd_it_saves_rests_and_lingers_for_longer(
    planned: float, ran_s: float, after_s: float
):
    crowded = replace(OPTIONS, crowd=lambda: 2.0)

    again = crowded.runs_again_at(planned, began=100.0, ran_s=ran_s)

    assert again - 100.0 == pytest.approx(after_s)
