"""What answers show of the ledger and of the trail: entries and acts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from client.fields import Fields
from client.models import EntryKind, Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Shown):
    """A row of the ledger: `amount` is signed, `hash` covers it and the entry before it."""

    seq: int
    currency: str
    amount: str
    balance_before: str
    balance_after: str
    kind: EntryKind
    transfer_id: str | None
    counterparty: str | None
    at: datetime
    hash: str
    prev_hash: str

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Raises `ShapeError`."""
        return cls(
            seq=fields.integer("seq"),
            currency=fields.text("currency"),
            amount=fields.amount("amount"),
            balance_before=fields.amount("balance_before"),
            balance_after=fields.amount("balance_after"),
            kind=fields.one_of("kind", EntryKind),
            transfer_id=fields.text_or_none("transfer_id"),
            counterparty=fields.text_or_none("counterparty"),
            at=fields.time("at"),
            hash=fields.text("hash"),
            prev_hash=fields.text("prev_hash"),
            answer=fields.answer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Act(Shown):
    """What an operator did, with who and why; `act` is a verb such as `user.freeze`."""

    act: str
    target_id: str
    done_by: str
    reason: str
    detail: str
    at: datetime
    bucket: int
    seq: int
    hash: str
    prev_hash: str

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Raises `ShapeError`."""
        return cls(
            act=fields.text("act"),
            target_id=fields.text("target_id"),
            done_by=fields.text("done_by"),
            reason=fields.text("reason"),
            detail=fields.text("detail"),
            at=fields.time("at"),
            bucket=fields.integer("bucket"),
            seq=fields.integer("seq"),
            hash=fields.text("hash"),
            prev_hash=fields.text("prev_hash"),
            answer=fields.answer,
        )
