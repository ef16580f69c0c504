"""Allowances of one process: what is taken, when there is more, and how many are kept."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.allowances import LocalAllowances, Rate, Taken, nearer


@dataclass
class Clock:
    """Seconds; the library reads them in whole ones."""

    now: float = 1_000_000.5


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("throttled.utils.now_sec", lambda: int(made.now))
    monkeypatch.setattr("throttled.utils.now_mono_f", lambda: made.now)
    return made


def rate(requests: int = 2, *, burst: int = 5, per_s: int = 1) -> Rate:
    return Rate(name="user", whose="this user", requests=requests, per_s=per_s, burst=burst)


def login(per_min: int = 20) -> Rate:
    return rate(per_min, burst=per_min, per_s=60)


async def taken(allowances: LocalAllowances, *, times: int, key: str = "k") -> list[Taken]:
    return [await allowances.take(key) for _ in range(times)]


async def test_a_burst_is_had_at_once_and_then_no_more(clock: Clock):
    allowances = LocalAllowances(rate(2, burst=5), keys_max=10)

    answers = await taken(allowances, times=7)

    assert [answer.remaining for answer in answers] == [4, 3, 2, 1, 0, 0, 0]
    assert [answer.is_refused for answer in answers] == [False] * 5 + [True] * 2
    assert [answer.reset_s for answer in answers] == [1, 1, 2, 2, 3, 3, 3]
    assert [answer.retry_s for answer in answers] == [0] * 5 + [1] * 2


async def test_it_fills_by_its_rate_up_to_its_burst(clock: Clock):
    allowances = LocalAllowances(rate(2, burst=5), keys_max=10)
    await taken(allowances, times=5)

    clock.now += 1
    second = await taken(allowances, times=3)
    clock.now += 60
    later = await taken(allowances, times=6)

    assert [answer.is_refused for answer in second] == [False, False, True]
    assert [answer.is_refused for answer in later] == [False] * 5 + [True]


async def test_keys_are_counted_apart(clock: Clock):
    allowances = LocalAllowances(rate(1, burst=1), keys_max=10)
    await taken(allowances, times=2, key="a")

    assert not (await allowances.take("b")).is_refused
    assert (await allowances.take("a")).is_refused


@settings(deadline=None)
@given(per_min=st.integers(1, 600), part=st.floats(0, 0.999))
async def test_who_waits_as_long_as_told_is_not_refused_and_sooner_is(per_min, part):
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock(1_000_000 + part)
        patch.setattr("throttled.utils.now_sec", lambda: int(clock.now))
        patch.setattr("throttled.utils.now_mono_f", lambda: clock.now)
        allowances = LocalAllowances(login(per_min), keys_max=10)
        refused = (await taken(allowances, times=per_min + 1))[-1]

        clock.now += refused.retry_s - 1
        sooner = await allowances.take("k")
        clock.now += 1
        then = await allowances.take("k")

        assert refused.retry_s >= 1
        assert sooner.is_refused
        assert not then.is_refused


@settings(deadline=None)
@given(per_min=st.integers(1, 120), waits=st.lists(st.integers(0, 20), max_size=60))
async def test_no_part_of_a_second_is_lost(per_min, waits):
    """However requests are spread, what was let through is what the rate says, to the request."""
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock(1_000_000)
        patch.setattr("throttled.utils.now_sec", lambda: int(clock.now))
        patch.setattr("throttled.utils.now_mono_f", lambda: clock.now)
        allowances = LocalAllowances(login(per_min), keys_max=10)
        tokens = per_min * 60
        for wait in waits:
            clock.now += wait
            tokens = min(per_min * 60, tokens + wait * per_min)
            answer = await allowances.take("k")
            assert answer.is_refused == (tokens < 60)
            tokens -= 0 if answer.is_refused else 60
            assert answer.remaining == tokens // 60
            assert answer.reset_s == -(-(per_min * 60 - tokens) // per_min)


async def test_a_clock_that_is_set_back_refuses_nobody_for_long(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    allowances = LocalAllowances(rate(2, burst=4), keys_max=10)
    await taken(allowances, times=5)

    monkeypatch.setattr("throttled.utils.now_sec", lambda: int(clock.now) - 3600)
    clock.now += 4

    assert not (await allowances.take("k")).is_refused


async def test_there_are_never_more_than_so_many(clock: Clock):
    allowances = LocalAllowances(rate(), keys_max=100)

    for number in range(1_000):
        await allowances.take(f"k{number}")
        clock.now += 0.01

    backend = allowances._store._backend
    assert len(backend.get_client()) == 100
    assert len(backend.expire_info) == 100


async def test_the_one_that_was_asked_for_longest_ago_makes_room(clock: Clock):
    allowances = LocalAllowances(rate(1, burst=1), keys_max=10)
    await allowances.take("spent")

    for number in range(9):
        await allowances.take(f"k{number}")
    assert (await allowances.take("spent")).is_refused
    for number in range(9):
        await allowances.take(f"k{number + 9}")
    kept = await allowances.take("spent")
    for number in range(10):
        await allowances.take(f"k{number + 18}")
    dropped = await allowances.take("spent")

    assert kept.is_refused
    assert not dropped.is_refused


def left(remaining: int, *, retry_s: int = 0) -> Taken:
    return Taken(rate=rate(), remaining=remaining, reset_s=1, retry_s=retry_s)


def test_nearer_to_its_end_is_what_refuses_and_else_what_has_less():
    assert nearer(left(5), left(3)) == left(3)
    assert nearer(left(3), left(5)) == left(3)
    assert nearer(left(0), left(0, retry_s=1)) == left(0, retry_s=1)
    assert nearer(left(0, retry_s=1), left(0)) == left(0, retry_s=1)
