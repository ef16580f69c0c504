"""What an audit found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# Kept of each check and shard: a broken chain would otherwise fill the memory with what follows.
BREACHES_MAX = 100

# The shard of a breach that no single one has, such as a bucket that is on two of them.
ALL_SHARDS = "*"


@dataclass(frozen=True, slots=True)
class AuditedShard:
    """A shard to read: its name, the address of its database, and the buckets it should own."""

    name: str
    dsn: str
    buckets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Breach:
    """Rows that break an invariant: `ids` finds them on `shard`, `detail` says what is wrong."""

    shard: str
    ids: tuple[str, ...]
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One invariant, and how it fared.

    Attributes:
        says: what must be true, in one sentence.
        rows: rows examined on all shards.
        breaches: at most BREACHES_MAX of each shard.
        more: whether some shard has further ones.
    """

    name: str
    says: str
    rows: int
    breaches: tuple[Breach, ...]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """All shards' money of one currency, in minor units.

    Attributes:
        in_wallets: sum of all balances, with what is held.
        held: the part of it that is reserved.
        in_transit: debited and, as far as was known when looked at, not credited yet.
    """

    currency: str
    deposited: int
    withdrawn: int
    in_wallets: int
    held: int
    in_transit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTransfer:
    """A transfer that is not over."""

    shard: str
    id: str
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Unaudited:
    """A shard that could not be read to the end, and why."""

    shard: str
    detail: str


class Outcome(StrEnum):
    """The result of an audit. A breach that was found stands, also where a shard was away."""

    OK = "ok"
    BREACH = "breach"
    NOT_AUDITED = "not audited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of one audit.

    Attributes:
        quiet: nothing changed while it ran, so that `totals` are of one moment and were compared.
        transfers: how many there are per status.
        open_dead_letters: they are work for a person, not a breach.
    """

    checks: tuple[Check, ...]
    totals: tuple[Totals, ...]
    quiet: bool
    transfers: Mapping[str, int]
    oldest_open: OpenTransfer | None
    open_dead_letters: int
    unaudited: tuple[Unaudited, ...]

    @property
    def outcome(self) -> Outcome:
        """All is well, something is broken, or it could not be told."""
        if any(check.breaches for check in self.checks):
            return Outcome.BREACH
        return Outcome.NOT_AUDITED if self.unaudited else Outcome.OK

    @property
    def ok(self) -> bool:
        """Whether every shard was read and every invariant holds."""
        return self.outcome is Outcome.OK
