"""Who pays whom in the benchmark: the distributions that are claimed, from seeds."""

from collections import Counter
from itertools import pairwise
from statistics import mean, pstdev

import pytest

from bench.cases import Workload
from bench.load.workloads import REFUSED_SHARE, ZIPF_EXPONENT, arrivals, pairs, refusals

USERS = 1_000
SHARD_OF = [user % 4 for user in range(USERS)]
DRAWS = 40_000


def drawn(workload: Workload, *, seed: int = 1, draws: int = DRAWS) -> list[tuple[int, int]]:
    make = pairs(workload, shard_of=SHARD_OF, seed=seed)
    return [make() for _ in range(draws)]


@pytest.mark.parametrize("workload", Workload)
def test_a_seed_repeats_and_another_differs(workload: Workload):
    assert drawn(workload, draws=100) == drawn(workload, draws=100)
    assert drawn(workload, draws=100) != drawn(workload, seed=2, draws=100)


@pytest.mark.parametrize("workload", Workload)
def test_nobody_pays_himself(workload: Workload):
    assert all(payer != payee for payer, payee in drawn(workload))


def test_random_pairs_are_even():
    payers = Counter(payer for payer, _ in drawn(Workload.RANDOM))
    payees = Counter(payee for _, payee in drawn(Workload.RANDOM))

    for counts in (payers, payees):
        assert len(counts) == USERS
        # A Poisson count of mean 40 is within six standard deviations.
        assert max(counts.values()) < 80


def test_one_payee_has_all_credits():
    found = drawn(Workload.HOT_PAYEE)

    assert {payee for _, payee in found} == {0}
    assert len({payer for payer, _ in found}) == USERS - 1


def test_one_payer_has_all_debits():
    found = drawn(Workload.HOT_PAYER)

    assert {payer for payer, _ in found} == {0}
    assert len({payee for _, payee in found}) == USERS - 1


def test_zipf_ranks_come_as_often_as_the_law_says():
    counts = Counter(payer for payer, _ in drawn(Workload.ZIPF))
    total = sum((rank + 1) ** -ZIPF_EXPONENT for rank in range(USERS))

    for rank, (_, count) in enumerate(counts.most_common(5)):
        # Who pays is not the payee: the first ranks lose a little by that.
        expected = (rank + 1) ** -ZIPF_EXPONENT / total
        assert count / DRAWS == pytest.approx(expected, rel=0.2)


def test_popular_users_are_on_all_shards():
    counts = Counter(payer for payer, _ in drawn(Workload.ZIPF))

    assert {SHARD_OF[user] for user, _ in counts.most_common(40)} == {0, 1, 2, 3}


def test_same_shard_pairs_are_on_one_shard_and_use_all_of_them():
    found = drawn(Workload.SAME_SHARD)

    assert all(SHARD_OF[payer] == SHARD_OF[payee] for payer, payee in found)
    assert {SHARD_OF[payer] for payer, _ in found} == {0, 1, 2, 3}


def test_cross_shard_pairs_are_never_on_one_shard():
    found = drawn(Workload.CROSS_SHARD)

    assert all(SHARD_OF[payer] != SHARD_OF[payee] for payer, payee in found)


def test_cross_shard_pairs_need_two_shards():
    with pytest.raises(ValueError, match="no such pairs"):
        pairs(Workload.CROSS_SHARD, shard_of=[0] * 10, seed=1)


def test_one_in_a_hundred_is_refused_in_its_workload_and_none_in_others():
    refused = refusals(Workload.REFUSED, seed=1)
    never = refusals(Workload.RANDOM, seed=1)

    assert mean(refused() for _ in range(DRAWS)) == pytest.approx(REFUSED_SHARE, rel=0.2)
    assert not any(never() for _ in range(1_000))


def test_arrivals_are_a_poisson_process_of_the_rate():
    times = arrivals(200.0, seconds=100.0, seed=1)
    gaps = [later - earlier for earlier, later in pairwise(times)]

    assert times == sorted(times)
    assert times == arrivals(200.0, seconds=100.0, seed=1)
    assert 0 < times[0] < times[-1] < 100.0
    assert len(times) == pytest.approx(20_000, rel=0.03)
    # Of exponential gaps the deviation is the mean: arrivals are not evenly spaced.
    assert pstdev(gaps) == pytest.approx(mean(gaps), rel=0.05)
