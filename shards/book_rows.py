"""What a book is made of: accounts as they change, and the rows that they leave behind."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from shards.connection import Row
from shards.entry_hash import FIRST_PREV_HASH
from shards.records import record


class EntryKind(StrEnum):
    """Kinds of entries. One of each kind per transfer at the most: its legs."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    TRANSFER_RETURN = "transfer_return"

    @property
    def is_movement(self) -> bool:
        """Whether the source is a movement and not a transfer."""
        return CONTRA_OF[self] == "external"


CONTRA_OF = {
    EntryKind.DEPOSIT: "external",
    EntryKind.WITHDRAWAL: "external",
    EntryKind.TRANSFER_OUT: "in_transit",
    EntryKind.TRANSFER_IN: "in_transit",
    EntryKind.TRANSFER_RETURN: "in_transit",
}


class BookError(Exception):
    """The rows are not what the lock promised: a bug, and nothing was written."""


@dataclass(slots=True)
class Account:
    """One balance: (user, currency), in minor units.

    Attributes:
        daily_limit: what may be spent in a UTC day; None is no limit.
        spent: what was spent on `spent_day`, the last day on which anything was.
    """

    user_id: UUID
    currency: str
    balance: int = 0
    held: int = 0
    seq: int = 0
    head_hash: bytes = FIRST_PREV_HASH
    last_at: datetime | None = None
    version: int = 0
    daily_limit: int | None = None
    spent: int = 0
    spent_day: date | None = None

    @classmethod
    def from_row(cls, row: Row, *, user_id: UUID, currency: str) -> "Account":
        """The account that a row has, whatever else is in it."""
        return cls(
            user_id=user_id,
            currency=currency,
            balance=row["balance"],
            held=row["held"],
            seq=row["seq"],
            head_hash=row["head_hash"],
            last_at=row["last_at"],
            version=row["version"],
            daily_limit=row["daily_limit"],
            spent=row["spent"],
            spent_day=row["spent_day"],
        )

    @property
    def available(self) -> int:
        """What can be spent: balance less held."""
        return self.balance - self.held

    def may_spend(self, amount: int, *, on: date) -> bool:
        """Whether the limit of a day, which is not before `spent_day`, leaves so much."""
        if self.daily_limit is None:
            return True
        spent = self.spent if self.spent_day == on else 0
        return spent + amount <= self.daily_limit


@record
class Entry:
    """One ledger row to be written; `source_id` is its transfer or its movement."""

    user_id: UUID
    currency: str
    seq: int
    kind: EntryKind
    amount: int
    balance_after: int
    source_id: UUID
    counterparty_id: UUID | None
    at: datetime
    prev_hash: bytes
    hash: bytes


@record(kw_only=False)
class Event:
    """One public event of a user to be written, with its number; `data` is JSON."""

    user_id: UUID
    sequence: int
    type: str
    data: bytes
    traceparent: str
