"""The book of one transaction: accounts read under lock, changed in memory, written at once.

A step locks its users, opens a book on the accounts it needs, decides item after item while the
book shows what the items before have done, and says what is to be written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from shards.connection import Connection, Row
from shards.entry_hash import FIRST_PREV_HASH, HashedEntry, entry_hash
from shards.ids import bucket_of
from shards.records import record
from shards.statements import load_statements
from shards.users import LockedUser
from shards.writes import Write

_SQL = load_statements("book")

BALANCE_LIMIT = 10**37


class EntryKind(StrEnum):
    """Kinds of entries. One of each kind per transfer at the most: its legs."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    TRANSFER_RETURN = "transfer_return"


_CONTRA = {
    EntryKind.DEPOSIT: "external",
    EntryKind.WITHDRAWAL: "external",
    EntryKind.TRANSFER_OUT: "in_transit",
    EntryKind.TRANSFER_IN: "in_transit",
    EntryKind.TRANSFER_RETURN: "in_transit",
}


class BookError(Exception):
    """The rows are not what the lock promised: a bug, and nothing was written."""


@dataclass(slots=True)
class Account:
    """One balance: (user, currency), in minor units."""

    user_id: UUID
    currency: str
    balance: int = 0
    held: int = 0
    seq: int = 0
    head_hash: bytes = FIRST_PREV_HASH
    last_at: datetime | None = None
    version: int = 0

    @classmethod
    def from_row(cls, row: Row, *, user_id: UUID, currency: str) -> "Account":
        """The account that a row has, whatever else is in it."""
        return cls(
            user_id=user_id,
            currency=currency,
            balance=row["balance"],
            held=row["held"],
            seq=row["seq"],
            head_hash=row["head_hash"],
            last_at=row["last_at"],
            version=row["version"],
        )

    @property
    def available(self) -> int:
        """What can be spent: balance less held."""
        return self.balance - self.held


@record
class Entry:
    """One ledger row to be written; `source_id` is its transfer or its movement."""

    user_id: UUID
    currency: str
    seq: int
    kind: EntryKind
    amount: int
    balance_after: int
    source_id: UUID
    counterparty_id: UUID | None
    at: datetime
    prev_hash: bytes
    hash: bytes

    @property
    def is_movement(self) -> bool:
        """Whether the source is a movement and not a transfer."""
        return _CONTRA[self.kind] == "external"


@record(kw_only=False)
class _Event:
    user_id: UUID
    sequence: int
    type: str
    data: bytes
    traceparent: str


class Book:
    """Accounts of locked users, and what a transaction does to them.

    Not safe to keep beyond its transaction.
    """

    def __init__(
        self,
        *,
        now: datetime,
        users: Mapping[UUID, LockedUser],
        accounts: Mapping[tuple[UUID, str], Account],
    ) -> None:
        self.now = now
        self._sequences = {user.id: user.event_sequence for user in users.values()}
        self._accounts = dict(accounts)
        self._changed: dict[tuple[UUID, str], Account] = {}
        self._entries: list[Entry] = []
        self._events: list[_Event] = []

    def account(self, user_id: UUID, currency: str) -> Account:
        """The account as this transaction has it so far; zeros where there is none yet."""
        key = (user_id, currency)
        if key not in self._accounts:
            self._accounts[key] = Account(user_id, currency)
        return self._accounts[key]

    def hold(self, user_id: UUID, currency: str, amount: int) -> None:
        """Reserves `amount` of what is available; the caller has checked that it is there."""
        account = self._touch(user_id, currency)
        account.held += amount
        _check(account)

    def release(self, user_id: UUID, currency: str, amount: int) -> None:
        """Lets go of a reservation."""
        account = self._touch(user_id, currency)
        account.held -= amount
        _check(account)

    def not_before(self, user_id: UUID, currency: str, time: datetime) -> None:
        """Keeps the entry that is posted next from being older than what it is about."""
        account = self.account(user_id, currency)
        account.last_at = time if account.last_at is None else max(account.last_at, time)

    def post(
        self,
        kind: EntryKind,
        *,
        user_id: UUID,
        currency: str,
        amount: int,
        source_id: UUID,
        counterparty_id: UUID | None = None,
    ) -> Entry:
        """Adds an entry of signed `amount` to the account's chain and moves its balance.

        Args:
            kind: which leg; the sign of `amount` must fit it.
            user_id: a locked user.
            currency: upper-case code.
            amount: signed minor units, not zero.
            source_id: the movement of a deposit or withdrawal, else the transfer.
            counterparty_id: the other user of a transfer.
        """
        account = self._touch(user_id, currency)
        # Under the lock time may still stand still or step back; an account's entries may not.
        at = self.now if account.last_at is None else max(self.now, account.last_at)
        hashed = HashedEntry(
            user_id=user_id,
            currency=currency,
            seq=account.seq + 1,
            amount=amount,
            balance_after=account.balance + amount,
            kind=kind,
            transfer_id=None if _CONTRA[kind] == "external" else source_id,
            counterparty_id=counterparty_id,
            at=at,
            prev_hash=account.head_hash,
        )
        entry = Entry(
            user_id=user_id,
            currency=currency,
            seq=hashed.seq,
            kind=kind,
            amount=amount,
            balance_after=hashed.balance_after,
            source_id=source_id,
            counterparty_id=counterparty_id,
            at=at,
            prev_hash=account.head_hash,
            hash=entry_hash(hashed),
        )
        account.balance = entry.balance_after
        account.seq = entry.seq
        account.head_hash = entry.hash
        account.last_at = at
        _check(account)
        self._entries.append(entry)
        return entry

    def tell(self, type_: str, *, user_id: UUID, data: object, traceparent: str) -> None:
        """Writes a public event of a locked user, with the next number of its sequence."""
        sequence = self._sequences[user_id] + 1
        self._sequences[user_id] = sequence
        self._events.append(_Event(user_id, sequence, type_, orjson.dumps(data), traceparent))

    def writes(self) -> list[Write]:
        """What there is to write of accounts, entries, events and the users' sequences.

        A row count that is off raises `BookError`.
        """
        return [*self._account_writes(), *self._entry_writes(), *self._event_writes()]

    def _account_writes(self) -> list[Write]:
        known = [account for account in self._changed.values() if account.version]
        new = [account for account in self._changed.values() if not account.version]
        writes = []
        if known:
            writes.append(_write("update_accounts", _SQL["update_accounts"], _columns(known)))
        if new:
            columns = (*_columns(new), [bucket_of(account.user_id) for account in new])
            writes.append(_write("insert_accounts", _SQL["insert_accounts"], columns))
        return writes

    def _entry_writes(self) -> list[Write]:
        entries = self._entries
        if not entries:
            return []
        columns = (
            [e.user_id for e in entries],
            [e.currency for e in entries],
            [e.seq for e in entries],
            [bucket_of(e.user_id) for e in entries],
            [e.kind.value for e in entries],
            [_CONTRA[e.kind] for e in entries],
            [e.amount for e in entries],
            [e.balance_after for e in entries],
            [None if e.is_movement else e.source_id for e in entries],
            [e.source_id if e.is_movement else None for e in entries],
            [e.counterparty_id for e in entries],
            [e.at for e in entries],
            [e.prev_hash for e in entries],
            [e.hash for e in entries],
        )
        return [_write("insert_entries", _SQL["insert_entries"], columns)]

    def _event_writes(self) -> list[Write]:
        events = self._events
        if not events:
            return []
        told = {event.user_id: event.sequence for event in events}
        columns = (
            [bucket_of(e.user_id) for e in events],
            [e.user_id for e in events],
            [e.sequence for e in events],
            [e.type for e in events],
            [e.data.decode() for e in events],
            [e.traceparent for e in events],
            self.now,
        )
        return [
            _write(
                "write_sequences",
                _SQL["write_sequences"],
                (list(told), list(told.values())),
            ),
            _write("insert_events", _SQL["insert_events"], columns),
        ]

    def _touch(self, user_id: UUID, currency: str) -> Account:
        account = self.account(user_id, currency)
        self._changed[user_id, currency] = account
        return account


async def open_book(conn: Connection, users: Mapping[UUID, LockedUser]) -> Book:
    """A book without accounts; `shards.opening` opens those that have any.

    Args:
        conn: inside the transaction that holds the locks.
        users: what `lock_users` returned, or users that the transaction has made.
    """
    return Book(now=await conn.fetchval(_SQL["read_clock"]), users=users, accounts={})


def _columns(accounts: Sequence[Account]) -> tuple[list[Any], ...]:
    return (
        [a.user_id for a in accounts],
        [a.currency for a in accounts],
        [a.balance for a in accounts],
        [a.held for a in accounts],
        [a.seq for a in accounts],
        [a.head_hash for a in accounts],
        [a.last_at for a in accounts],
        [a.version + 1 for a in accounts],
    )


def _write(block: str, sql: str, parameters: tuple[Any, ...]) -> Write:
    rows = len(parameters[0])
    return Write(
        name=block,
        sql=sql,
        parameters=parameters,
        wrong=lambda written: BookError(f"{block}: {written} rows, not {rows}"),
    )


def _check(account: Account) -> None:
    if not 0 <= account.held <= account.balance:
        raise BookError(
            f"account {account.user_id} {account.currency} would have balance {account.balance},"
            f" held {account.held}"
        )
