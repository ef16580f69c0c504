"""The book of one transaction: what is held is there, and entries add up."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shards.book import Book
from shards.book_rows import Account, BookError, Entry, EntryKind
from shards.entry_hash import FIRST_PREV_HASH, HashedEntry, entry_hash
from shards.users import LockedUser, UserStatus

USER = UUID(int=1)
SOURCE = UUID(int=2)
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
INCOMING = (EntryKind.DEPOSIT, EntryKind.TRANSFER_IN, EntryKind.TRANSFER_RETURN)

COMMAND = st.tuples(st.sampled_from(["hold", "release", *EntryKind]), st.integers(1, 20))


def new_book(*accounts: Account, now: datetime = NOW) -> Book:
    users = {USER: LockedUser(USER, UserStatus.OPEN, 5)}
    return Book(now=now, users=users, accounts={(a.user_id, a.currency): a for a in accounts})


def post(book: Book, kind: EntryKind, amount: int, currency: str = "EUR") -> Entry:
    return book.post(kind, user_id=USER, currency=currency, amount=amount, source_id=SOURCE)


def run(book: Book, command: str, amount: int) -> Entry | None:
    """Runs a command of positive `amount`."""
    match command:
        case "hold":
            book.hold(USER, "EUR", amount)
        case "release":
            book.release(USER, "EUR", amount)
        case _:
            kind = EntryKind(command)
            return post(book, kind, amount if kind in INCOMING else -amount)
    return None


def after(command: str, amount: int, balance: int, held: int) -> tuple[int, int]:
    """(balance, held) as the command would leave them."""
    if command in ("hold", "release"):
        return balance, held + (amount if command == "hold" else -amount)
    return balance + (amount if command in INCOMING else -amount), held


@given(st.lists(COMMAND, max_size=30))
def test_a_book_is_legal_after_every_command_or_refuses_it(commands: list[tuple[str, int]]):
    book, balance, held, entries = new_book(), 0, 0, []
    for command, amount in commands:
        new_balance, new_held = after(command, amount, balance, held)
        if not 0 <= new_held <= new_balance:
            with pytest.raises(BookError):
                run(deepcopy(book), command, amount)
            continue
        balance, held = new_balance, new_held
        entries.append(run(book, command, amount))

    account = book.account(USER, "EUR")
    assert (account.balance, account.held) == (balance, held)
    check_chain(account, [entry for entry in entries if entry is not None])


def check_chain(account: Account, entries: list[Entry]) -> None:
    """The account is what its entries make it, each hashed over the one before."""
    assert account.balance == sum(entry.amount for entry in entries)
    assert account.seq == len(entries)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    heads = [FIRST_PREV_HASH, *(entry.hash for entry in entries)]
    assert [entry.prev_hash for entry in entries] == heads[:-1]
    assert account.head_hash == heads[-1]
    for before, entry in pairwise([None, *entries]):
        assert entry is not None
        assert entry.balance_after == (before.balance_after if before else 0) + entry.amount
        assert entry.hash == hash_of(entry)


def hash_of(entry: Entry) -> bytes:
    return entry_hash(
        HashedEntry(
            user_id=entry.user_id,
            currency=entry.currency,
            seq=entry.seq,
            amount=entry.amount,
            balance_after=entry.balance_after,
            kind=entry.kind,
            transfer_id=None if entry.kind.is_movement else entry.source_id,
            counterparty_id=entry.counterparty_id,
            at=entry.at,
            prev_hash=entry.prev_hash,
        )
    )


def test_an_account_nobody_has_touched_is_empty():
    account = new_book().account(USER, "EUR")

    assert (account.balance, account.held, account.available, account.seq) == (0, 0, 0, 0)


def test_what_is_held_cannot_be_spent():
    book = new_book(Account(USER, "EUR", balance=100, held=60))

    assert book.account(USER, "EUR").available == 40
    with pytest.raises(BookError, match="balance 59, held 60"):
        post(book, EntryKind.WITHDRAWAL, -41)


def test_currencies_do_not_mix():
    book = new_book(Account(USER, "EUR", balance=100))

    post(book, EntryKind.DEPOSIT, 7, "USD")

    assert book.account(USER, "EUR").balance == 100
    assert book.account(USER, "USD").balance == 7


def test_an_entry_is_never_older_than_the_one_before():
    later = NOW + timedelta(seconds=3)
    book = new_book(Account(USER, "EUR", last_at=later))

    assert post(book, EntryKind.DEPOSIT, 1).at == later
    assert post(book, EntryKind.DEPOSIT, 1, "USD").at == NOW


def test_events_of_a_user_are_numbered_without_a_gap():
    book = new_book()

    for type_ in ("a", "b"):
        book.tell(type_, user_id=USER, data={"n": 1}, traceparent="")

    told = [(event.sequence, event.type, event.data) for event in book._events]
    assert told == [(6, "a", b'{"n":1}'), (7, "b", b'{"n":1}')]


@pytest.mark.parametrize("kind", EntryKind)
def test_only_deposits_and_withdrawals_are_movements(kind: EntryKind):
    book = new_book(Account(USER, "EUR", balance=10))

    entry = post(book, kind, 1 if kind in INCOMING else -1)

    assert entry.kind.is_movement == (kind in (EntryKind.DEPOSIT, EntryKind.WITHDRAWAL))
