"""The book of one transaction: accounts read under lock, changed in memory, written at once.

A step locks its users, opens a book on the accounts it needs, decides item after item while the
book shows what the items before have done, and says what is to be written.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from uuid import UUID

import orjson

from shards.book_rows import Account, BookError, Entry, EntryKind, Event
from shards.book_writes import account_writes, entry_writes, event_writes
from shards.connection import Connection
from shards.entry_hash import HashedEntry, entry_hash
from shards.statements import load_statements
from shards.users import LockedUser
from shards.writes import Write

_SQL = load_statements("book")

BALANCE_LIMIT = 10**37


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
        self._events: list[Event] = []

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

    def time_of_spending(self, user_id: UUID, currency: str) -> datetime:
        """Now, but not before the account's last entry, nor a day before the last one it spent on.

        What is spent counts on the day of its row, and a clock that is set back must not begin a
        day anew whose count is gone.
        """
        account = self.account(user_id, currency)
        at = self.now if account.last_at is None else max(self.now, account.last_at)
        day = account.spent_day
        return at if day is None or day <= at.date() else datetime.combine(day, time.min, UTC)

    def spend(self, user_id: UUID, currency: str, amount: int, *, on: date) -> None:
        """Counts `amount` as spent on the day of `time_of_spending`."""
        account = self._touch(user_id, currency)
        if account.spent_day != on:
            account.spent_day, account.spent = on, 0
        account.spent += amount

    def unspend(self, user_id: UUID, currency: str, amount: int, *, on: date) -> None:
        """Gives `amount` back to the day on which it was spent; to one that is over, nothing.

        A process of the release before counts nothing: so there may be less than is given back.
        """
        account = self._touch(user_id, currency)
        if account.spent_day == on:
            account.spent = max(account.spent - amount, 0)

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
            transfer_id=None if kind.is_movement else source_id,
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
        self._events.append(Event(user_id, sequence, type_, orjson.dumps(data), traceparent))

    def writes(self) -> list[Write]:
        """What there is to write of accounts, entries, events and the users' sequences.

        A row count that is off raises `BookError`.
        """
        return [
            *account_writes(self._changed.values()),
            *entry_writes(self._entries),
            *event_writes(self._events, at=self.now),
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


def _check(account: Account) -> None:
    if not 0 <= account.held <= account.balance:
        raise BookError(
            f"account {account.user_id} {account.currency} would have balance {account.balance},"
            f" held {account.held}"
        )
