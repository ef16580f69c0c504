"""Rebuilding of accounts: balance and head from entries, held and spent from what is reserved.

Safe while the system runs: a user whose account differs is locked as every step locks it, read
again after that, and only then written. Safe to repeat: what is right is left alone, and unlocked.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from shards.connection import Connection, Row
from shards.ids import bucket_of
from shards.shard import Shard
from shards.statements import load_statements
from shards.users import lock_users

_SQL = load_statements("rebuild")

_BEFORE_ALL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class AccountState:
    """What an account row says that other rows imply."""

    balance: int
    held: int
    seq: int
    head_hash: bytes
    last_at: datetime | None
    spent: int
    spent_day: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An account that is not what its entries, transfers, holds and withdrawals make it.

    `stored` is None where the row is missing.
    """

    user_id: UUID
    currency: str
    stored: AccountState | None
    rebuilt: AccountState

    @property
    def writable(self) -> bool:
        """False when the entries or transfers are broken themselves: no legal account follows."""
        return 0 <= self.rebuilt.held <= self.rebuilt.balance


async def rebuild_shard(
    shard: Shard, *, write: bool, batch: int
) -> AsyncIterator[Sequence[Difference]]:
    """Compares all accounts of a shard, and with `write` puts them right.

    Args:
        shard: whose users are gone through, in the order of their ids.
        write: False changes nothing and locks nobody.
        batch: users of one transaction.

    Yields:
        What differed in each batch, after its commit. Differences that are not `writable` stay.

    Raises:
        ShardTransientError: run it again; the batches before are done.
    """
    after = _BEFORE_ALL
    while ids := await _users_after(shard, after, limit=batch):
        async with shard.transaction({bucket_of(id_) for id_ in ids}) as conn:
            differences = await find_differences(conn, user_ids=ids)
            if write and differences:
                differences = await _rebuild(conn, [found.user_id for found in differences])
        yield differences
        after = ids[-1]


async def _rebuild(conn: Connection, user_ids: Sequence[UUID]) -> list[Difference]:
    await lock_users(conn, user_ids, wait=True)
    differences = await find_differences(conn, user_ids=user_ids)
    await _write_accounts(conn, [found for found in differences if found.writable])
    return differences


async def find_differences(conn: Connection, *, user_ids: Sequence[UUID]) -> list[Difference]:
    """The accounts of these users that differ, all as of one moment."""
    rows = await conn.fetch(_SQL["find_differences"], list(user_ids))
    return [
        Difference(
            user_id=row["user_id"],
            currency=row["currency"],
            stored=_state(row, "stored_") if row["stored_balance"] is not None else None,
            rebuilt=_state(row, ""),
        )
        for row in rows
    ]


async def _write_accounts(conn: Connection, differences: Sequence[Difference]) -> None:
    if not differences:
        return
    rebuilt = [found.rebuilt for found in differences]
    await conn.execute(
        _SQL["write_accounts"],
        [found.user_id for found in differences],
        [found.currency for found in differences],
        [bucket_of(found.user_id) for found in differences],
        [state.balance for state in rebuilt],
        [state.held for state in rebuilt],
        [state.seq for state in rebuilt],
        [state.head_hash for state in rebuilt],
        [state.last_at for state in rebuilt],
        [state.spent for state in rebuilt],
        [state.spent_day for state in rebuilt],
    )


async def _users_after(shard: Shard, after: UUID, *, limit: int) -> list[UUID]:
    async with shard.connection() as conn:
        return [row["id"] for row in await conn.fetch(_SQL["read_users_after"], after, limit)]


def _state(row: Row, prefix: str) -> AccountState:
    return AccountState(
        balance=row[f"{prefix}balance"],
        held=row[f"{prefix}held"],
        seq=row[f"{prefix}seq"],
        head_hash=row[f"{prefix}head_hash"],
        last_at=row[f"{prefix}last_at"],
        spent=row[f"{prefix}spent"],
        spent_day=row[f"{prefix}spent_day"],
    )
