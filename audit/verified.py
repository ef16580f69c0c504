"""What a verification of the chains found."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from audit.chain import Flaw, What
from audit.report import BREACHES_MAX, Outcome, Unaudited


class Kind(StrEnum):
    """What a row is."""

    ENTRY = "entry"
    ACCOUNT = "account"
    ACT = "act"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowId:
    """Where a row is: entries and accounts have a user and a currency, acts have a bucket."""

    kind: Kind
    user_id: str | None = None
    currency: str | None = None
    bucket: int | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRow:
    """A row that breaks a chain."""

    shard: str
    row: RowId
    what: What
    detail: str


class Told(Protocol):
    """Who wants to know how far it is."""

    def __call__(self, shard: str, rows: int, total: int) -> None:
        """So many rows of a shard were read, of about so many."""
        ...


@dataclass(slots=True)
class ShardTally:
    """What was read of one shard, and what was found; only its task writes here.

    Attributes:
        broken: the first BREACHES_MAX.
        found: how many there are in all.
        finished: whether it was read to the end.
    """

    shard: str
    told: Told
    total: int = 0
    entries: int = 0
    accounts: int = 0
    acts: int = 0
    broken: list[BrokenRow] = field(default_factory=list)
    found: int = 0
    finished: bool = False

    def expect(self, total: int) -> None:
        """About so many rows will be read."""
        self.total = max(total, 0)
        self.tell()

    def tell(self) -> None:
        """Says how far it is."""
        self.told(self.shard, self.entries + self.acts, self.total)

    def note(self, flaws: Iterable[Flaw], row: Callable[[], RowId]) -> None:
        """Counts what is wrong with a row, and keeps it if there is room."""
        for flaw in flaws:
            self.found += 1
            if len(self.broken) < BREACHES_MAX:
                self.broken.append(
                    BrokenRow(shard=self.shard, row=row(), what=flaw.what, detail=flaw.detail)
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The result of one verification.

    Attributes:
        shards: what was read, of each shard that answered at all, in the order of the map.
        lost: shards that did not answer, or not to the end, and why.
    """

    shards: tuple[ShardTally, ...]
    lost: tuple[Unaudited, ...]

    @property
    def outcome(self) -> Outcome:
        """All is well, something is broken, or it could not be told; what was found stands."""
        if any(tally.found for tally in self.shards):
            return Outcome.BREACH
        return Outcome.NOT_AUDITED if self.lost else Outcome.OK
