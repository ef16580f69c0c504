"""What answers show of transfers and holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from client.errors import Problem
from client.fields import Fields
from client.models import Shown
from client.problems import read_problem


class TransferStatus(StrEnum):
    """Where a transfer is in its life."""

    HELD = "held"
    DEBITED = "debited"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    REJECTED = "rejected"

    @property
    def is_over(self) -> bool:
        """Whether it never changes again."""
        return self not in (TransferStatus.HELD, TransferStatus.DEBITED)


class HoldStatus(StrEnum):
    """Where a hold is in its life."""

    OPEN = "open"
    CAPTURED = "captured"
    VOIDED = "voided"
    EXPIRED = "expired"


class Direction(StrEnum):
    """Whether a wallet pays or is paid."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusAt:
    """When a transfer came into a status."""

    status: TransferStatus
    at: datetime

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Raises `ShapeError`."""
        return cls(status=fields.one_of("status", TransferStatus), at=fields.time("at"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Shown):
    """A transfer as its payer, its payee and operators see it.

    Attributes:
        payee_id: None when it was rejected because there is no such payee.
        reason: why it ended as it did; None for what is under way or completed.
        hold_id: of the hold that it was captured of, if it was.
        refund_of: the transfer that it gives back, if it is a refund.
        amount_refunded: what has come back of it, by the transfers in `refunds`.
    """

    id: str
    payer_id: str
    payee_id: str | None
    currency: str
    amount: str
    status: TransferStatus
    reason: str | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    metadata: Mapping[str, str]
    timeline: Sequence[StatusAt]
    hold_id: str | None
    refund_of: str | None
    amount_refunded: str
    refunds: Sequence[str]

    @property
    def is_over(self) -> bool:
        """Whether it never changes again, but for refunds of it."""
        return self.status.is_over

    @property
    def took(self) -> timedelta:
        """From its first status to its last, by the clocks of its shard."""
        return self.timeline[-1].at - self.timeline[0].at if self.timeline else timedelta()

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Raises `ShapeError`."""
        return cls(
            id=fields.text("id"),
            payer_id=fields.text("payer_id"),
            payee_id=fields.text_or_none("payee_id"),
            currency=fields.text("currency"),
            amount=fields.amount("amount"),
            status=fields.one_of("status", TransferStatus),
            reason=fields.text_or_none("reason"),
            created_at=fields.time("created_at"),
            updated_at=fields.time("updated_at"),
            expires_at=fields.time("expires_at"),
            metadata=fields.words("metadata"),
            timeline=fields.list("timeline", StatusAt.read),
            hold_id=fields.text_or_none("hold_id"),
            refund_of=fields.text_or_none("refund_of"),
            amount_refunded=fields.amount("amount_refunded"),
            refunds=fields.texts("refunds"),
            answer=fields.answer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTransfer(Shown):
    """A transfer in a list; `whole` is what only the payer's list has, None for one that came in.

    Of a transfer that came in the list tells what the verdict says: `completed` or `refunded`.
    """

    direction: Direction
    id: str
    payer_id: str
    payee_id: str | None
    currency: str
    amount: str
    status: TransferStatus
    created_at: datetime
    whole: Transfer | None

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Raises `ShapeError`."""
        direction = fields.one_of("direction", Direction)
        return cls(
            direction=direction,
            id=fields.text("id"),
            payer_id=fields.text("payer_id"),
            payee_id=fields.text_or_none("payee_id"),
            currency=fields.text("currency"),
            amount=fields.amount("amount"),
            status=fields.one_of("status", TransferStatus),
            created_at=fields.time("created_at"),
            whole=Transfer.read(fields) if direction is Direction.OUT else None,
            answer=fields.answer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Shown):
    """A hold; `remaining` is what can still be captured."""

    id: str
    payer_id: str
    payee_id: str | None
    currency: str
    amount: str
    captured: str
    remaining: str
    status: HoldStatus
    expires_at: datetime
    created_at: datetime
    metadata: Mapping[str, str]

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Raises `ShapeError`."""
        return cls(
            id=fields.text("id"),
            payer_id=fields.text("payer_id"),
            payee_id=fields.text_or_none("payee_id"),
            currency=fields.text("currency"),
            amount=fields.amount("amount"),
            captured=fields.amount("captured"),
            remaining=fields.amount("remaining"),
            status=fields.one_of("status", HoldStatus),
            expires_at=fields.time("expires_at"),
            created_at=fields.time("created_at"),
            metadata=fields.words("metadata"),
            answer=fields.answer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult(Shown):
    """What became of one item of a batch: `transfer` or `problem`, as `status` says.

    Of an item with 429 or 503 nothing is known yet: send the same batch again, later.
    """

    key: str | None
    status: int
    transfer: Transfer | None
    problem: Problem | None

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Raises `ShapeError`."""
        is_problem = fields.has("problem")
        return cls(
            key=fields.text_or_none("key"),
            status=fields.integer("status"),
            transfer=None if is_problem else Transfer.read(fields.inner("transfer")),
            problem=read_problem(fields.inner("problem")) if is_problem else None,
            answer=fields.answer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Shown):
    """What became of each item of a batch, in the order in which they were sent."""

    results: Sequence[BatchResult]

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Raises `ShapeError`."""
        return cls(results=fields.list("results", BatchResult.read), answer=fields.answer)
