"""Balances as they are read: without locks, one committed row each."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shards.connection import Connection
from shards.statements import load_statements

_SQL = load_statements("accounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One account in minor units; `version` rises with every change."""

    currency: str
    balance: int
    held: int
    version: int

    @property
    def available(self) -> int:
        """What can be spent: balance less held."""
        return self.balance - self.held


async def read_balances(conn: Connection, *, user_id: UUID) -> list[Balance] | None:
    """All accounts of a user by currency; None when there is no such user."""
    rows = await conn.fetch(_SQL["read_balances"], user_id)
    if not rows:
        return None
    return [Balance(**dict(row)) for row in rows if row["currency"] is not None]


async def read_balance(conn: Connection, *, user_id: UUID, currency: str) -> Balance | None:
    """One account, zeros where there is none yet; None when there is no such user."""
    row = await conn.fetchrow(_SQL["read_balance"], user_id, currency)
    return Balance(**dict(row)) if row is not None else None


async def read_balance_at(
    conn: Connection, *, user_id: UUID, currency: str, at: datetime
) -> int | None:
    """The balance that the last entry with a time up to `at` left; zero before the first.

    None when `at` is in the future by this shard's clock. A transaction that is under way may still
    write an entry whose time is a moment ago: a balance of the last seconds may not be final.
    """
    (row,) = await conn.fetch(_SQL["read_balance_at"], user_id, currency, at)
    return None if row["is_future"] else row["balance"]
