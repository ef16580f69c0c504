"""What is measured: one case is a shape of the system and a load on it."""

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """How the load comes."""

    POST = "post"
    """Clients that send the next transfer when the last one is accepted."""
    WAIT = "wait"
    """Clients that send the next transfer when the last one is over, by `Prefer: wait`."""
    OPEN = "open"
    """Arrivals at a fixed rate, whatever the system does."""
    BATCH = "batch"
    """Clients that send batches of one payer."""


# Transfers under way per client before clients hold back; a batch is many at once.
_OPEN_PER_CLIENT = {Mode.BATCH: 16}
_OPEN_PER_CLIENT_DEFAULT = 4
_STEADY_S = 0.5
_STEADY_MIN = 32


class Workload(StrEnum):
    """Who pays whom."""

    RANDOM = "random"
    HOT_PAYEE = "hot-payee"
    HOT_PAYER = "hot-payer"
    ZIPF = "zipf"
    REFUSED = "refused"
    SAME_SHARD = "same-shard"
    CROSS_SHARD = "cross-shard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The system and the load of a case.

    Attributes:
        mode: how the load comes.
        clients: connections that the load has.
        rate: arrivals per second of an open loop; None for the others.
        workload: who pays whom.
        shards: databases, all on one server.
        workers: worker processes.
        buckets: hash slots, and so partitions of a topic.
        entries: entries in the ledger before the load.
        users: users, each with an account.
    """

    mode: Mode = Mode.POST
    clients: int = 256
    rate: float | None = None
    workload: Workload = Workload.RANDOM
    shards: int = 4
    workers: int = 1
    buckets: int = 32
    entries: int = 10_000
    users: int = 10_000

    @property
    def open_max(self) -> int:
        """Transfers sent and not over at which the clients of a closed loop hold back."""
        return self.clients * _OPEN_PER_CLIENT.get(self.mode, _OPEN_PER_CLIENT_DEFAULT)

    @property
    def growth_max(self) -> int:
        """By how much the backlog may differ between two moments of a system that keeps up.

        Half of what a closed loop may have under way, half a second of arrivals of an open loop.
        """
        if self.rate is None:
            return self.open_max // 2
        return max(round(self.rate * _STEADY_S), _STEADY_MIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A shape that is measured for so long.

    Attributes:
        name: its name in results; runs that are repeated have the same one.
        shape: what runs.
        seconds: of the window that counts.
        warmup_s: of load before it.
        seed: of the load.
        round: which of several alternating runs it is; None where there is one.
        share_of_best: the rate of an open loop as a share of the best closed loop of the same run.
        growth_s: growth of memory and backlog is looked for in so much of the window's end.
    """

    name: str
    shape: Shape
    seconds: float = 30.0
    warmup_s: float = 5.0
    seed: int = 1
    round: int | None = None
    share_of_best: float | None = None
    growth_s: float | None = None
