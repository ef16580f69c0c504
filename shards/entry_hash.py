"""The hash chain of entries: what is hashed, so that anyone can check it.

An entry's hash is the SHA-256 of one string of UTF-8 text, its fields joined by `|`:

    holdfast.entry.v1|user_id|currency|seq|amount|balance_after|kind|transfer_id|counterparty_id|at|prev_hash

Ids are lower-case UUIDs or empty; amounts are signed integers of minor units; `at` is UTC as
`2026-01-31T23:59:59.000001Z` with six digits; hashes are lower-case hex. No field can contain `|`.
The first entry of an account has 64 zeros as `prev_hash`.
"""

import hashlib
from datetime import UTC, datetime
from uuid import UUID

from shards.records import record

FIRST_PREV_HASH = bytes(32)


@record
class HashedEntry:
    """The fields of an entry that its hash covers; `amount` is signed minor units."""

    user_id: UUID
    currency: str
    seq: int
    amount: int
    balance_after: int
    kind: str
    transfer_id: UUID | None
    counterparty_id: UUID | None
    at: datetime
    prev_hash: bytes


def canonical(entry: HashedEntry) -> str:
    """The string whose SHA-256 is the entry's hash."""
    return "|".join(
        (
            "holdfast.entry.v1",
            str(entry.user_id),
            entry.currency,
            str(entry.seq),
            str(entry.amount),
            str(entry.balance_after),
            entry.kind,
            str(entry.transfer_id or ""),
            str(entry.counterparty_id or ""),
            entry.at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z",
            entry.prev_hash.hex(),
        )
    )


def entry_hash(entry: HashedEntry) -> bytes:
    """SHA-256 of the canonical string: 32 bytes."""
    return hashlib.sha256(canonical(entry).encode()).digest()
