"""Waits between two attempts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagas.backoff import Backoff


def backoff(*, jitter: float = 0.0) -> Backoff:
    return Backoff(first_s=0.5, cap_s=20.0, jitter=lambda: jitter)


@pytest.mark.parametrize(
    ("attempt", "wait_s"), [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 20.0), (10**9, 20.0)]
)
def test_a_wait_doubles_up_to_the_cap(attempt: int, wait_s: float):
    assert backoff().wait_s(attempt) == wait_s


def test_jitter_is_asked_anew_for_each_wait():
    jitters = iter([0.0, 1.0])
    spread = Backoff(first_s=8.0, cap_s=20.0, jitter=lambda: next(jitters))

    assert [spread.wait_s(1), spread.wait_s(1)] == [8.0, 4.0]


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_jitter_takes_up_to_half_away_and_adds_nothing(attempt: int, jitter: float):
    whole = backoff().wait_s(attempt)

    assert whole / 2 <= backoff(jitter=jitter).wait_s(attempt) <= whole
