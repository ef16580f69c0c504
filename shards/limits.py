"""Spending limits: how much of an account may be spent in a UTC day."""

from dataclasses import dataclass
from uuid import UUID

from shards.connection import Connection
from shards.entry_hash import FIRST_PREV_HASH
from shards.ids import bucket_of
from shards.statements import load_statements

_SQL = load_statements("limits")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The limit of an account in minor units, None for none; and what it has spent today."""

    daily: int | None
    spent: int


async def read_limit(conn: Connection, *, user_id: UUID, currency: str) -> Limit:
    """The limit of an account, which there need not be, and its spending on this UTC day."""
    row = await conn.fetchrow(_SQL["read_limit"], user_id, currency)
    if row is None:
        return Limit(daily=None, spent=0)
    return Limit(daily=row["daily_limit"], spent=row["spent"] if row["is_today"] else 0)


async def write_limit(conn: Connection, *, user_id: UUID, currency: str, daily: int | None) -> None:
    """Sets or takes away the limit of a user who is locked; opens the account if there is none."""
    await conn.execute(
        _SQL["write_limit"], user_id, currency, bucket_of(user_id), FIRST_PREV_HASH, daily
    )
