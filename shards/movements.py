"""Movements: deposits and withdrawals, one user and one entry each."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shards.connection import Connection
from shards.ids import bucket_of
from shards.records import record
from shards.statements import load_statements
from shards.writes import Write

_SQL = load_statements("movements")


class MovementKind(StrEnum):
    """In from, or out to, the world outside."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"


@record
class Movement:
    """A deposit or a withdrawal, done or rejected; amounts are minor units."""

    id: UUID
    user_id: UUID
    kind: MovementKind
    currency: str
    amount: int
    status: str
    reason: str | None
    caller: str
    idempotency_key: str
    fingerprint: bytes
    metadata: str | None
    balance_before: int | None
    balance_after: int | None
    hash: bytes | None
    created_at: datetime


async def read_movements(conn: Connection, ids: Collection[UUID]) -> dict[UUID, Movement]:
    """The movements among `ids` that exist."""
    rows = await conn.fetch(_SQL["read_movements"], list(ids))
    return {row["id"]: Movement(**{**dict(row), "kind": MovementKind(row["kind"])}) for row in rows}


def insert_movements(movements: Sequence[Movement]) -> list[Write]:
    """New movements to write; a key that is taken fails the statement and so the transaction."""
    if not movements:
        return []
    columns = (
        [m.id for m in movements],
        [bucket_of(m.id) for m in movements],
        [m.user_id for m in movements],
        [m.kind.value for m in movements],
        [m.currency for m in movements],
        [m.amount for m in movements],
        [m.status for m in movements],
        [m.reason for m in movements],
        [m.caller for m in movements],
        [m.idempotency_key for m in movements],
        [m.fingerprint for m in movements],
        [m.metadata for m in movements],
        [m.balance_before for m in movements],
        [m.balance_after for m in movements],
        [m.hash for m in movements],
        [m.created_at for m in movements],
    )
    return [
        Write(
            name="insert_movements",
            sql=_SQL["insert_movements"],
            parameters=columns,
            wrong=lambda written: RuntimeError(f"{written} of {len(movements)} movements"),
        )
    ]
