"""The matrix as data: a cross around one base case, not a product, and what is repeated."""

from collections.abc import Iterator
from dataclasses import replace

from bench.cases import Case, Mode, Shape, Workload

BASE = Shape()
_WAIT_CLIENTS = (64, 256, 512)
_ENTRIES_NAMES = {10_000: "10k", 1_000_000: "1m", 5_000_000: "5m"}
# Comparisons: each side so often and so long, one after the other in turn.
_ROUNDS = 3
_ROUND_S = 15.0
# Of 30 minutes, the last 25.
_LONG_GROWTH_SHARE = 25 / 30


def full() -> list[Case]:
    """`make bench`. What depends on the best rate comes after the cases that show it."""
    return [
        *(_clients(Mode.POST, clients) for clients in _WAIT_CLIENTS),
        *(_clients(Mode.WAIT, clients) for clients in _WAIT_CLIENTS),
        *open_loops(),
        *(_workload(workload) for workload in Workload if workload is not Workload.RANDOM),
        batches(),
        *alternating(_shards(1), _shards(8)),
        *alternating(_workers(1), _workers(2)),
        _workers(4),
        *alternating(_entries(10_000), _entries(1_000_000)),
        _entries(5_000_000),
        *(_buckets(count) for count in (8, 128)),
    ]


def quick() -> list[Case]:
    """`make bench-quick`: the base case, waiting, batches."""
    cases = _clients(Mode.POST, 256), _clients(Mode.WAIT, 256), batches()
    return [replace(case, seconds=10.0, warmup_s=3.0) for case in cases]


def open_loops() -> Iterator[Case]:
    """Arrivals at a fixed rate: slow, and at shares of the best rate of this run."""
    shape = replace(BASE, mode=Mode.OPEN)
    yield Case(name="open-20", shape=replace(shape, rate=20.0))
    yield Case(name="open-half", shape=shape, share_of_best=0.5)
    yield Case(name="open-90", shape=shape, share_of_best=0.9)


def batches() -> Case:
    """Batches of one payer."""
    return Case(name="batch-100", shape=replace(BASE, mode=Mode.BATCH))


def best_rate_probe() -> Case:
    """The base case, just long enough to know a rate."""
    return replace(_clients(Mode.POST, 256), seconds=15.0)


def long(*, seconds: float) -> Case:
    """`make bench-long`: half the best rate; what grows after the first minutes is a leak."""
    return Case(
        name="long-half",
        shape=replace(BASE, mode=Mode.OPEN),
        seconds=seconds,
        share_of_best=0.5,
        growth_s=seconds * _LONG_GROWTH_SHARE,
    )


def alternating(*cases: Case) -> Iterator[Case]:
    """The same cases again and again in turn, shorter, each round with a seed of its own."""
    for number in range(1, _ROUNDS + 1):
        for case in cases:
            yield replace(case, seconds=_ROUND_S, seed=number, round=number)


def _clients(mode: Mode, clients: int) -> Case:
    return Case(name=f"{mode}-{clients}", shape=replace(BASE, mode=mode, clients=clients))


def _workload(workload: Workload) -> Case:
    return Case(name=workload.value, shape=replace(BASE, workload=workload))


def _shards(count: int) -> Case:
    return Case(name=f"shards-{count}", shape=replace(BASE, shards=count))


def _workers(count: int) -> Case:
    return Case(name=f"workers-{count}", shape=replace(BASE, workers=count))


def _entries(count: int) -> Case:
    return Case(name=f"entries-{_ENTRIES_NAMES[count]}", shape=replace(BASE, entries=count))


def _buckets(count: int) -> Case:
    return Case(name=f"buckets-{count}", shape=replace(BASE, buckets=count))
