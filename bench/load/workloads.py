"""Who pays whom: seeded, and the same for a seed on every machine."""

import random
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate

from bench.cases import Workload

ZIPF_EXPONENT = 1.1
REFUSED_SHARE = 0.01
Pair = tuple[int, int]


def pairs(workload: Workload, *, shard_of: Sequence[int], seed: int) -> Callable[[], Pair]:
    """Makes the next pair of payer and payee, as indexes of users; never twice the same user.

    Args:
        workload: who pays whom.
        shard_of: the shard of each user.
        seed: of the choice.

    Raises:
        ValueError: there are no such pairs, such as cross-shard pairs on one shard.
    """
    rng = random.Random(seed)
    users = len(shard_of)
    if users < 2:
        raise ValueError("a transfer needs two users")
    pick = _uniform(rng, range(users))
    match workload:
        case Workload.RANDOM | Workload.REFUSED:
            return _apart(pick, pick)
        case Workload.HOT_PAYEE:
            return _apart(pick, lambda: 0)
        case Workload.HOT_PAYER:
            return _apart(lambda: 0, pick)
        case Workload.ZIPF:
            zipf = zipf_ranks(rng, users)
            # Who is popular has nothing to do with the order of users, nor with the shard.
            order = list(range(users))
            rng.shuffle(order)
            return _apart(lambda: order[zipf()], lambda: order[zipf()])
        case Workload.SAME_SHARD | Workload.CROSS_SHARD:
            return _by_shard(rng, pick, shard_of, is_same=workload is Workload.SAME_SHARD)


def zipf_ranks(rng: random.Random, users: int) -> Callable[[], int]:
    """Makes the next rank, from 0, by inverse CDF: rank r has a weight of (r + 1) ** -1.1."""
    cumulative = list(accumulate((rank + 1) ** -ZIPF_EXPONENT for rank in range(users)))
    total = cumulative[-1]
    return lambda: bisect_left(cumulative, rng.random() * total)


def refusals(workload: Workload, *, seed: int) -> Callable[[], bool]:
    """Says of the next transfer whether it asks for more than anybody has."""
    if workload is not Workload.REFUSED:
        return lambda: False
    rng = random.Random(seed)
    return lambda: rng.random() < REFUSED_SHARE


def arrivals(rate: float, *, seconds: float, seed: int) -> list[float]:
    """Times of arrival from 0: a Poisson process of this rate."""
    rng = random.Random(seed)
    times: list[float] = []
    at = rng.expovariate(rate)
    while at < seconds:
        times.append(at)
        at += rng.expovariate(rate)
    return times


def _uniform(rng: random.Random, among: Sequence[int]) -> Callable[[], int]:
    count = len(among)
    return lambda: among[int(rng.random() * count)]


def _apart(payer: Callable[[], int], payee: Callable[[], int]) -> Callable[[], Pair]:
    def next_pair() -> Pair:
        while True:
            pair = payer(), payee()
            if pair[0] != pair[1]:
                return pair

    return next_pair


def _by_shard(
    rng: random.Random, payer: Callable[[], int], shard_of: Sequence[int], *, is_same: bool
) -> Callable[[], Pair]:
    among = {
        shard: [user for user, home in enumerate(shard_of) if (home == shard) is is_same]
        for shard in set(shard_of)
    }
    if min(map(len, among.values())) < 2:
        raise ValueError("no such pairs: more users, or another number of shards")
    payees = {shard: _uniform(rng, users) for shard, users in among.items()}

    def next_pair() -> Pair:
        while True:
            user = payer()
            other = payees[shard_of[user]]()
            if user != other:
                return user, other

    return next_pair
