"""Chains of hashes, link by link: what must be true of a row, given the one before it.

Pure, and written from what is published of hashes (docs/http-api.md), not with the engine's code.
Values come as the text that a hash covers; only sums are computed with numbers.

Each row is judged by the one before it as that one is stored. So one that was changed is named, the
next one too where it stands on what was changed, and not all that follow.
"""

from collections.abc import Iterator
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple


class What(StrEnum):
    """What is wrong with a row."""

    HASH = "hash"
    PREV_HASH = "prev_hash"
    SEQ = "seq"
    BALANCE_AFTER = "balance_after"
    ACCOUNT_MISSING = "account_missing"
    ACCOUNT_SEQ = "account_seq"
    ACCOUNT_BALANCE = "account_balance"
    ACCOUNT_HASH = "account_hash"


class Flaw(NamedTuple):
    """One thing that is wrong with a row, and what was found instead."""

    what: What
    detail: str


# Tuples, made of hundreds of thousands of rows in a few seconds.
class Link(NamedTuple):
    """What a row leaves to the next one of its chain."""

    seq: int
    balance: str
    hash: bytes


class EntryRow(NamedTuple):
    """An entry; amounts are minor units."""

    user_id: str
    currency: str
    seq: int
    amount: str
    balance_after: str
    kind: str
    transfer_id: str
    counterparty_id: str
    at: str
    prev_hash: bytes
    hash: bytes


class AccountRow(NamedTuple):
    """What an account says of its last entry."""

    user_id: str
    currency: str
    seq: int
    balance: str
    head_hash: bytes


class ActRow(NamedTuple):
    """An act of an operator."""

    bucket: int
    seq: int
    act: str
    target_id: str
    done_by: str
    reason: str
    detail: str
    at: str
    prev_hash: bytes
    hash: bytes


# Before the first row of a chain.
START = Link(0, "0", bytes(32))


def entry_text(entry: EntryRow) -> str:
    """The string whose SHA-256 is the entry's hash."""
    return (
        f"holdfast.entry.v1|{entry.user_id}|{entry.currency}|{entry.seq}|{entry.amount}"
        f"|{entry.balance_after}|{entry.kind}|{entry.transfer_id}|{entry.counterparty_id}"
        f"|{entry.at}|{entry.prev_hash.hex()}"
    )


def act_text(act: ActRow) -> str:
    """The string whose SHA-256 is the act's hash."""
    return (
        f"holdfast.act.v1\n{act.bucket}\n{act.seq}\n{act.act}\n{act.target_id}\n{act.done_by}"
        f"\n{act.reason}\n{act.detail}\n{act.at}\n{act.prev_hash.hex()}"
    )


def entry_link(entry: EntryRow) -> Link:
    """What the next entry of the account stands on."""
    return Link(entry.seq, entry.balance_after, entry.hash)


def act_link(act: ActRow) -> Link:
    """What the next act of the bucket stands on; acts have no balance."""
    return Link(act.seq, START.balance, act.hash)


def entry_flaws(entry: EntryRow, before: Link) -> Iterator[Flaw]:
    """What is wrong with an entry; `before` is what the one before it left, or START."""
    yield from _seq_flaws(entry.seq, before)
    if _minor(before.balance, entry.amount) != _minor(entry.balance_after):
        yield Flaw(
            What.BALANCE_AFTER,
            f"{entry.balance_after} is not {before.balance}, which was before, and {entry.amount}",
        )
    yield from _hash_flaws(entry.prev_hash, entry.hash, before, text=entry_text(entry))


def act_flaws(act: ActRow, before: Link) -> Iterator[Flaw]:
    """What is wrong with an act; `before` is what the one before it left, or START."""
    yield from _seq_flaws(act.seq, before)
    yield from _hash_flaws(act.prev_hash, act.hash, before, text=act_text(act))


def account_flaws(account: AccountRow, end: Link) -> Iterator[Flaw]:
    """What an account says otherwise than its last entry; START if it has none."""
    if account.seq != end.seq:
        yield Flaw(What.ACCOUNT_SEQ, f"seq {account.seq}, its last entry has {end.seq}")
    if _minor(account.balance) != _minor(end.balance):
        yield Flaw(
            What.ACCOUNT_BALANCE, f"balance {account.balance}, its last entry left {end.balance}"
        )
    if account.head_hash != end.hash:
        yield Flaw(
            What.ACCOUNT_HASH,
            f"hash {account.head_hash.hex()}, its last entry has {end.hash.hex()}",
        )


def missing_account(end: Link) -> Flaw:
    """Entries whose account is not there."""
    return Flaw(What.ACCOUNT_MISSING, f"no account, its last entry has seq {end.seq}")


def _seq_flaws(seq: int, before: Link) -> Iterator[Flaw]:
    expected = before.seq + 1
    if seq > expected:
        yield Flaw(What.SEQ, f"{seq} follows {before.seq}: {seq - expected} missing")
    elif seq < expected:
        yield Flaw(What.SEQ, f"{seq} follows {before.seq}")


def _hash_flaws(prev_hash: bytes, hash_: bytes, before: Link, *, text: str) -> Iterator[Flaw]:
    if prev_hash != before.hash:
        yield Flaw(What.PREV_HASH, f"{prev_hash.hex()}, the hash before it is {before.hash.hex()}")
    computed = sha256(text.encode()).digest()
    if computed != hash_:
        yield Flaw(What.HASH, f"{hash_.hex()}, computed {computed.hex()}")


def _minor(*amounts: str) -> int | str:
    """The sum; what cannot be added up (NaN) is what it is, and equals no sum."""
    try:
        return sum(map(int, amounts))
    except ValueError:
        return " ".join(amounts)
