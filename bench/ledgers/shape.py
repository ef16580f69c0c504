"""What a ledger is asked to be: everything that its rows depend on."""

from dataclasses import dataclass
from datetime import UTC, datetime

CURRENCY = "EUR"
OPENING_MINOR = 10**15
"""What each user has deposited: more than it can ever pay, in its past or in a case."""
AMOUNT_MAX_MINOR = 1_000

BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
DEPOSITS_S = 3_600
"""Users come and deposit in the first hour; transfers follow, one after another."""
TRANSFER_MS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerShape:
    """A ledger: shards and buckets of its system, users, entries, and the seed of the rest.

    Each user has one deposit, and all other entries are of completed transfers between users who
    are drawn at random, two for each.

    Raises:
        ValueError: such a ledger cannot be.
    """

    shards: int
    buckets: int
    users: int
    entries: int
    seed: int

    def __post_init__(self) -> None:
        if not 1 <= self.shards <= self.buckets:
            raise ValueError(f"{self.shards} shards cannot share {self.buckets} buckets")
        if self.users < 2 or self.entries < self.users or (self.entries - self.users) % 2:
            raise ValueError(
                f"{self.entries} entries are not one for each of {self.users} users, two at least,"
                " and two for each transfer"
            )

    @property
    def transfers(self) -> int:
        """Completed transfers in it."""
        return (self.entries - self.users) // 2

    def buckets_of(self, shard: int) -> tuple[int, ...]:
        """The buckets of a shard: they are dealt out in turn."""
        return tuple(range(shard, self.buckets, self.shards))

    def shard_of(self, bucket: int) -> int:
        """The shard of a bucket."""
        return bucket % self.shards
