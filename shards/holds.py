"""Holds, on the payer's shard: money that is reserved now and captured, in parts or whole, later.

What may be done with a hold is decided in `sagas`; here a change is only ever made of an open hold
of which as much is captured as it was decided on.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from shards.connection import Connection, Row
from shards.ids import bucket_of
from shards.records import record
from shards.statements import load_statements
from shards.writes import Write

_SQL = load_statements("holds")


class HoldStatus(StrEnum):
    """Where a hold is in its life. Rejected: refused under its key, and never open."""

    OPEN = "open"
    CAPTURED = "captured"
    VOIDED = "voided"
    EXPIRED = "expired"
    REJECTED = "rejected"


# One that was refused never was a hold to anybody.
LISTED_HOLDS: Final = tuple(status for status in HoldStatus if status is not HoldStatus.REJECTED)


@record
class Hold:
    """An authorisation: one payer, one payee; `amount` and `captured` are minor units.

    Attributes:
        captures: how many there were, the returned ones too.
    """

    id: UUID
    payer_id: UUID
    payee_id: UUID | None
    currency: str
    amount: int
    captured: int
    captures: int
    status: HoldStatus
    reason: str | None
    caller: str
    idempotency_key: str
    fingerprint: bytes
    metadata: str | None
    traceparent: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None

    @property
    def remaining(self) -> int:
        """What can still be captured, and is held: nothing once it is over."""
        return self.amount - self.captured if self.status is HoldStatus.OPEN else 0

    def after_capture(self, amount: int) -> "Hold":
        """This hold, open as before, with so much less left of it."""
        return replace(self, captured=self.captured + amount, captures=self.captures + 1)

    def after_end(self, status: HoldStatus, *, at: datetime) -> "Hold":
        """This hold when it is over; of all else only a capture changes anything."""
        return replace(self, status=status, ended_at=at)


class DueHold(NamedTuple):
    """An open hold whose expiry has passed."""

    id: UUID
    payer_id: UUID
    expires_at: datetime


class StaleHoldError(Exception):
    """A hold was not as it was decided on, under its payer's lock: a bug."""


async def read_holds(conn: Connection, ids: Collection[UUID]) -> dict[UUID, Hold]:
    """The holds among `ids` that exist. Decide on them only under the payers' locks."""
    rows = await conn.fetch(_SQL["read_holds"], list(ids))
    return {row["id"]: hold_from_row(row) for row in rows}


async def count_open_holds(
    conn: Connection, payer_ids: Collection[UUID], *, count_max: int
) -> dict[UUID, int]:
    """How many holds of each payer are open, counted so far and no further."""
    rows = await conn.fetch(_SQL["count_open_holds"], list(payer_ids), count_max)
    return {row["payer_id"]: row["open"] for row in rows}


async def find_due_holds(
    conn: Connection, *, buckets: Collection[int], limit: int, after: DueHold | None
) -> list[DueHold]:
    """Open holds whose expiry has passed by this shard's clock, those that expired first.

    Args:
        conn: outside a transaction.
        buckets: the payers' buckets to look in.
        limit: holds at the most.
        after: only those that come after this one, by expiry and id; None for all.
    """
    place = (None, None) if after is None else (after.expires_at, after.id)
    rows = await conn.fetch(_SQL["find_due_holds"], sorted(buckets), limit, *place)
    return [DueHold(row["id"], row["payer_id"], row["expires_at"]) for row in rows]


def insert_holds(holds: Sequence[Hold]) -> list[Write]:
    """New holds to write, nothing of them captured; a key that is taken fails the statement."""
    if not holds:
        return []
    columns = (
        [h.id for h in holds],
        [bucket_of(h.id) for h in holds],
        [h.payer_id for h in holds],
        [h.payee_id for h in holds],
        [h.currency for h in holds],
        [h.amount for h in holds],
        [h.status.value for h in holds],
        [h.reason for h in holds],
        [h.caller for h in holds],
        [h.idempotency_key for h in holds],
        [h.fingerprint for h in holds],
        [h.metadata for h in holds],
        [h.traceparent for h in holds],
        [h.created_at for h in holds],
        [h.expires_at for h in holds],
        [h.ended_at for h in holds],
    )
    return [
        Write(
            name="insert_holds",
            sql=_SQL["insert_holds"],
            parameters=columns,
            wrong=lambda written: RuntimeError(f"{written} of {len(holds)} holds"),
        )
    ]


def change_holds(changes: Sequence[tuple[Hold, Hold]]) -> list[Write]:
    """Captures and ends to write, each a compare-and-set.

    One that is not as it was raises `StaleHoldError`.

    Args:
        changes: each hold as it was read, and as it is to be.
    """
    if not changes:
        return []
    columns = (
        [after.id for _, after in changes],
        [before.status.value for before, _ in changes],
        [before.captured for before, _ in changes],
        [after.status.value for _, after in changes],
        [after.captured for _, after in changes],
        [after.captures for _, after in changes],
        [after.ended_at for _, after in changes],
    )
    return [
        Write(
            name="change_holds",
            sql=_SQL["change_holds"],
            parameters=columns,
            wrong=lambda written: StaleHoldError(
                f"{written} of {len(changes)} were as decided on:"
                f" {[str(after.id) for _, after in changes]}"
            ),
        )
    ]


def hold_from_row(row: Row) -> Hold:
    """A hold from all columns of its row."""
    return Hold(
        id=row["id"],
        payer_id=row["payer_id"],
        payee_id=row["payee_id"],
        currency=row["currency"],
        amount=row["amount"],
        captured=row["captured"],
        captures=row["capture_count"],
        status=HoldStatus(row["status"]),
        reason=row["reason"],
        caller=row["caller"],
        idempotency_key=row["idempotency_key"],
        fingerprint=row["fingerprint"],
        metadata=row["metadata"],
        traceparent=row["traceparent"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        ended_at=row["ended_at"],
    )
