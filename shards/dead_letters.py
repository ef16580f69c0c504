"""Dead letters: messages set aside for a person, with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import orjson

from shards.connection import Connection
from shards.statements import load_statements

_SQL = load_statements("dead_letters")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One message as it came, and why it was set aside.

    Attributes:
        bucket: the partition it came from; that bucket's shard keeps it.
        position: its offset in the partition.
        reason: a short constant, such as `forged`; `detail` is for the person who reads it.
    """

    id: UUID
    bucket: int
    topic: str
    partition: int
    position: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, str]]
    reason: str
    detail: str
    transfer_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDeadLetter:
    """A dead letter as the list shows it."""

    id: UUID
    topic: str
    partition: int
    position: int
    value: bytes | None
    reason: str
    detail: str
    transfer_id: UUID | None
    status: str
    created_at: datetime


async def insert_dead_letters(conn: Connection, letters: Sequence[DeadLetter]) -> None:
    """Keeps dead letters; one that was kept before (the same message again) is left as it is."""
    await conn.execute(
        _SQL["insert_dead_letters"],
        [d.id for d in letters],
        [d.bucket for d in letters],
        [d.topic for d in letters],
        [d.partition for d in letters],
        [d.position for d in letters],
        [d.key for d in letters],
        [d.value for d in letters],
        [sha256(d.value or b"").digest() for d in letters],
        [orjson.dumps(list(d.headers)).decode() for d in letters],
        [d.reason for d in letters],
        [d.detail for d in letters],
        [d.transfer_id for d in letters],
    )


async def list_dead_letters(conn: Connection, *, limit: int) -> list[StoredDeadLetter]:
    """The newest open dead letters of this shard."""
    rows = await conn.fetch(_SQL["list_dead_letters"], limit)
    return [StoredDeadLetter(**dict(row)) for row in rows]
