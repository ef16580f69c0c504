"""Reads the ledger of all shards, each in one snapshot, with the checker's own SQL."""

import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import asyncpg

from audit.reader import ShardReader, UnreadableError, open_reader
from audit.report import AuditedShard
from audit.statements import load_blocks
from reliability.checker.history import AccountKey, Key
from reliability.history import Kind

SQL = load_blocks("ledger", package="reliability.checker")

_TRANSFERS = frozenset({Kind.TRANSFER, Kind.CAPTURE, Kind.REFUND})
_CONNECT_S = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """The system as its databases describe it."""

    shards: tuple[AuditedShard, ...]
    buckets: int


class LedgerRow(NamedTuple):
    """What a request with a key left: a transfer, a capture, a refund, a hold or a movement.

    Attributes:
        kind: as `reliability.history.Kind` has it.
        user: of the wallet; its key is that of `caller`.
        part_of: the hold of a capture, the transfer of a refund.
        captured: of a hold; else 0.
        day: of UTC, when it was made.
    """

    id: str
    kind: str
    user: str
    payee: str | None
    currency: str
    amount: int
    caller: str
    key: str
    status: str
    reason: str | None
    part_of: str | None
    captured: int
    day: date
    shard: str

    @property
    def key_of(self) -> Key:
        """The key that made it."""
        return Key(self.user, self.caller, self.key)

    @property
    def is_transfer(self) -> bool:
        """Whether it is a transfer, whatever it was asked for as."""
        return self.kind in _TRANSFERS


class AccountRow(NamedTuple):
    """One balance."""

    balance: int
    held: int
    seq: int
    version: int
    spent: int
    daily: int | None


class Ledger:
    """The rows of all shards. What requests left is kept by key and by id."""

    def __init__(self, readers: Sequence[ShardReader]) -> None:
        self.readers = tuple(readers)
        self.by_key: dict[Key, list[LedgerRow]] = defaultdict(list)
        self.by_id: dict[str, LedgerRow] = {}
        self.users: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.accounts: dict[AccountKey, AccountRow] = {}

    @property
    def rows(self) -> Iterator[LedgerRow]:
        """All that requests left."""
        for rows in self.by_key.values():
            yield from rows

    def shard_of(self, user: str) -> str:
        """Where a user is; `?` where nobody has it."""
        return self.users[user][0][0] if user in self.users else "?"


async def find_place(dsns: Mapping[str, str]) -> Place:
    """Asks each database which shard it is and what it owns.

    Raises:
        UnreadableError: one does not answer, or is another shard than it is named.
    """
    shards, sizes = [], set()
    for name, dsn in dsns.items():
        try:
            conn = await asyncpg.connect(dsn, timeout=_CONNECT_S)
            try:
                row = await conn.fetchrow(SQL["read_place"])
            finally:
                await conn.close()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise UnreadableError(name, f"{type(error).__name__}: {error}") from error
        if row is None or row["shard"] != name:
            raise UnreadableError(name, f"its address leads to {row and row['shard']!r}")
        shards.append(AuditedShard(name, dsn, tuple(row["owned"])))
        sizes.add(row["buckets"])
    if len(sizes) != 1:
        raise UnreadableError("*", f"shards disagree on the number of buckets: {sorted(sizes)}")
    return Place(tuple(shards), sizes.pop())


@asynccontextmanager
async def snapshots(shards: Sequence[AuditedShard]) -> AsyncIterator[list[ShardReader]]:
    """A snapshot of each shard, ended with the block.

    Raises:
        UnreadableError: one does not answer.
    """
    readers: list[ShardReader] = []
    try:
        for shard in shards:
            readers.append(await open_reader(shard))  # noqa: PERF401 - closed if the next fails
        yield readers
    finally:
        for reader in readers:
            await reader.close()


async def read_ledger(readers: Sequence[ShardReader]) -> Ledger:
    """Reads users, accounts and what requests left, of all shards, into memory.

    Raises:
        UnreadableError: a shard stopped to answer.
    """
    ledger = Ledger(readers)
    for reader in readers:
        await _read_shard(reader, ledger)
    return ledger


async def _read_shard(reader: ShardReader, ledger: Ledger) -> None:
    shard = reader.shard.name
    async for chunk in reader.chunks(SQL["stream_users"]):
        for row in chunk:
            ledger.users[row["id"]].append((shard, row["email"]))
    async for chunk in reader.chunks(SQL["stream_accounts"]):
        for row in chunk:
            ledger.accounts[row["user_id"], row["currency"]] = AccountRow(
                balance=_int(row["balance"]),
                held=_int(row["held"]),
                seq=row["seq"],
                version=row["version"],
                spent=_int(row["spent"]),
                daily=None if row["daily_limit"] is None else _int(row["daily_limit"]),
            )
    async for chunk in reader.chunks(SQL["stream_rows"]):
        for values in chunk:
            made = _ledger_row(tuple(values), shard)
            ledger.by_key[made.key_of].append(made)
            ledger.by_id[made.id] = made


def _ledger_row(values: tuple[Any, ...], shard: str) -> LedgerRow:
    id_, kind, user, payee, currency, amount, caller, key, status, reason = values[:10]
    part_of, captured, day = values[10:]
    # The same few strings in a hundred thousand rows are kept once.
    return LedgerRow(
        id=id_,
        kind=sys.intern(kind),
        user=sys.intern(user),
        payee=payee and sys.intern(payee),
        currency=sys.intern(currency),
        amount=_int(amount),
        caller=sys.intern(caller),
        key=key,
        status=sys.intern(status),
        reason=reason and sys.intern(reason),
        part_of=part_of,
        captured=0 if captured is None else _int(captured),
        day=day,
        shard=shard,
    )


def _int(text: str) -> int:
    """An amount; NaN, which the audit reports, counts as nothing."""
    return 0 if text == "NaN" else int(text)
