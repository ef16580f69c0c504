"""What a lane is given: the step it runs, and how it gathers and retries; and what it counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sagas.backoff import Backoff
from sagas.outcomes import Skipped

ItemT_contra = TypeVar("ItemT_contra", contravariant=True)
OutcomeT_co = TypeVar("OutcomeT_co", covariant=True)


_REST = 3.0
# So many lanes that rest so long after each run keep one processor busy together.
_LANES_AT_ONCE = 1 + _REST


def crowding(*, lanes: int, share: float = 1.0) -> float:
    """By how much longer lanes rest and gather because of others: 1.0 for four, or less, alone.

    The more shards there are, the less comes to each in the same time, and the same is so when
    workers share a shard: a fixed rest would make batches smaller, and everything dearer.

    Args:
        lanes: of this process, one per shard.
        share: of what a shard has to do that comes to this process; nothing counts as all.
    """
    return max(1.0, lanes / _LANES_AT_ONCE) / (share or 1.0)


def share_of_steps(*, of_shard: float, of_all: float) -> float:
    """How much of a shard's three steps comes to the lane of one worker, from 0.0 to 1.0.

    Try-confirms and confirms come with the shard's buckets; a settle follows from the confirm, so
    it comes to whoever reads the payee's bucket, which may be any.

    Args:
        of_shard: the part of the shard's buckets that the worker reads.
        of_all: the part of all buckets that it reads.
    """
    return (2 * of_shard + of_all) / 3


class RunStep(Protocol[ItemT_contra, OutcomeT_co]):
    """A step bound to its shard: one outcome per item, in order; safe to run again."""

    async def __call__(
        self, items: Sequence[ItemT_contra], /, *, wait: bool
    ) -> Sequence[OutcomeT_co | Skipped]:
        """Runs the items as one transaction."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneOptions:
    """How a lane gathers and retries.

    Attributes:
        capacity: items from offer to delivery; over it the lane is full.
        batch_max: items of one transaction.
        linger_s: the longest that a lane rests between two batches, for the next to gather.
        rest: after a run that took `busy_s` or longer, it rests so many times as long as it ran:
            what comes to a lane that has rested runs at once, and on a busy machine, where runs
            take long, batches grow.
        busy_s: a run that took so long shows a busy machine. After a shorter one, the rest is
            shorter by its square, since there is time to spare: small batches cost more of it, and
            wait for less.
        saved_s: so much rest can be taken in advance, so that what comes now and then, step after
            step, waits for nothing.
        crowd: by how much all of these are longer, because of other lanes; see `crowding`.
        attempts: runs that an item gets which does not wait for its shard; None means no bound.
        is_patient: whether an item waits for a shard that is away, however long.
        backoff: the wait between two runs.
    """

    capacity: int
    batch_max: int
    linger_s: float
    attempts: int | None
    backoff: Backoff
    is_patient: Callable[[Any], bool] = lambda _item: False
    rest: float = _REST
    busy_s: float = 0.03
    saved_s: float = 0.025
    crowd: Callable[[], float] = lambda: 1.0

    def runs_again_at(self, planned: float, *, began: float, ran_s: float) -> float:
        """When a lane may run again that was to run at `planned`, and ran at `began`, in seconds.

        Every run costs its time and its rest; what was not used since `planned` is saved, up to
        `saved_s` (a leaky bucket, as the generic cell rate algorithm of ITU-T I.371 has it).
        """
        crowd = self.crowd()
        rest = self.rest * min(1.0, crowd * ran_s / self.busy_s)
        due = max(planned, began - crowd * self.saved_s) + crowd * (1 + rest) * ran_s
        return min(due, began + ran_s + crowd * self.linger_s)


@dataclass(slots=True)
class LaneCounts:
    """What a lane has done since it was made; nothing decides by it.

    Attributes:
        batches: transactions that came to outcomes.
        items: of those transactions; an item that was skipped, or split off, counts each time.
        skipped: items that were left for later, since others had their user's row.
        transient_errors: runs that a shard that was away ended.
        running_s: time spent in runs, however they ended.
    """

    batches: int = 0
    items: int = 0
    skipped: int = 0
    transient_errors: int = 0
    running_s: float = 0.0
