"""Pages of a wallet's entries and transfers, newest first, by position and never by offset."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shards.connection import Connection
from shards.holds import Hold, hold_from_row
from shards.statements import load_statements
from shards.transfers import Transfer, transfer_from_row
from shards.verdicts import Verdict, verdict_from_row

_SQL = load_statements("lists")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedEntry:
    """One ledger row as it is read; amounts are signed minor units."""

    seq: int
    currency: str
    amount: int
    balance_after: int
    kind: str
    transfer_id: UUID | None
    counterparty_id: UUID | None
    at: datetime
    hash: bytes
    prev_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """What of a wallet's entries; None is no filter. `after` is (at, currency, seq)."""

    currency: str | None
    kind: str | None
    since: datetime | None
    until: datetime | None
    after: tuple[datetime, str, int] | None


async def list_entries(
    conn: Connection, *, user_id: UUID, wanted: EntryFilter, limit: int
) -> list[ListedEntry]:
    """The newest entries that fit, in the order (at, currency, seq), descending."""
    at, currency, seq = wanted.after or (None, None, None)
    rows = await conn.fetch(
        _SQL["list_entries"],
        user_id,
        wanted.currency,
        wanted.kind,
        wanted.since,
        wanted.until,
        at,
        currency,
        seq,
        limit,
    )
    return [ListedEntry(**dict(row)) for row in rows]


async def list_sent(
    conn: Connection,
    *,
    payer_id: UUID,
    status: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Transfer]:
    """The newest transfers of a payer, rejected ones too, by (created_at, id), descending."""
    created_at, id_ = after or (None, None)
    rows = await conn.fetch(_SQL["list_sent"], payer_id, status, created_at, id_, limit)
    return [transfer_from_row(row) for row in rows]


async def list_holds(
    conn: Connection,
    *,
    payer_id: UUID,
    status: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Hold]:
    """The newest holds of a payer that were not refused, by (created_at, id), descending."""
    created_at, id_ = after or (None, None)
    rows = await conn.fetch(_SQL["list_holds"], payer_id, status, created_at, id_, limit)
    return [hold_from_row(row) for row in rows]


async def list_received(
    conn: Connection,
    *,
    payee_id: UUID,
    verdict: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Verdict]:
    """The newest verdicts on transfers to a payee, by (created_at, transfer_id), descending."""
    created_at, id_ = after or (None, None)
    rows = await conn.fetch(_SQL["list_received"], payee_id, verdict, created_at, id_, limit)
    return [verdict_from_row(row) for row in rows]
