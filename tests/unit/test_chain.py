"""The links of a chain of hashes: the audit's own code, compared with the engine's."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from audit.chain import (
    START,
    AccountRow,
    ActRow,
    EntryRow,
    Link,
    What,
    account_flaws,
    act_flaws,
    act_link,
    act_text,
    entry_flaws,
    entry_link,
    entry_text,
)
from shards.entry_hash import HashedEntry, canonical, entry_hash
from shards.operator_acts import StoredAct, act_hash

USER = UUID("01981234-5678-8007-8000-000000000001")
OTHER = UUID("01981234-5678-8003-8000-000000000003")
TRANSFER = UUID("01981234-5678-8007-8000-000000000002")
AT = datetime(2026, 1, 31, 23, 59, 59, 1, tzinfo=UTC)
TOLD_AT = "2026-01-31T23:59:59.000001Z"


def entry(seq: int, amount: int, before: Link) -> tuple[EntryRow, HashedEntry]:
    """An entry as the engine would write it, and as the audit reads it."""
    written = HashedEntry(
        user_id=USER,
        currency="EUR",
        seq=seq,
        amount=amount,
        balance_after=int(before.balance) + amount,
        kind="deposit" if seq == 1 else "transfer_out",
        transfer_id=None if seq == 1 else TRANSFER,
        counterparty_id=None if seq == 1 else OTHER,
        at=AT,
        prev_hash=before.hash,
    )
    read = EntryRow(
        user_id=str(USER),
        currency="EUR",
        seq=seq,
        amount=str(amount),
        balance_after=str(written.balance_after),
        kind=written.kind,
        transfer_id="" if seq == 1 else str(TRANSFER),
        counterparty_id="" if seq == 1 else str(OTHER),
        at=TOLD_AT,
        prev_hash=before.hash,
        hash=entry_hash(written),
    )
    return read, written


def chain() -> list[EntryRow]:
    """Four entries in order."""
    before, made = START, []
    for seq, amount in enumerate((10_000, -1_250, -1, -700), start=1):
        read, _ = entry(seq, amount, before)
        made.append(read)
        before = entry_link(read)
    return made


def walked(entries: list[EntryRow]) -> list[tuple[int, What]]:
    """What is found in a chain: the seq of each row that breaks it, and why."""
    before, found = START, []
    for one in entries:
        found += [(one.seq, flaw.what) for flaw in entry_flaws(one, before)]
        before = entry_link(one)
    return found


def test_the_string_of_an_entry_is_the_engines():
    first, written = entry(1, 10_000, START)
    second, written_second = entry(2, -1_250, entry_link(first))

    assert entry_text(first) == canonical(written)
    assert entry_text(second) == canonical(written_second)


def test_a_chain_in_order_has_no_flaw():
    assert walked(chain()) == []


CHANGES: dict[str, Any] = {
    "amount": ("-1251", [(2, What.BALANCE_AFTER), (2, What.HASH)]),
    "balance_after": (
        "8751",
        [(2, What.BALANCE_AFTER), (2, What.HASH), (3, What.BALANCE_AFTER)],
    ),
    "kind": ("transfer_return", [(2, What.HASH)]),
    "transfer_id": (str(OTHER), [(2, What.HASH)]),
    "counterparty_id": ("", [(2, What.HASH)]),
    "at": ("2026-01-31T23:59:59.000002Z", [(2, What.HASH)]),
    "prev_hash": (bytes(32), [(2, What.PREV_HASH), (2, What.HASH)]),
    "hash": (bytes(32), [(2, What.HASH), (3, What.PREV_HASH)]),
    "seq": (3, [(3, What.SEQ), (3, What.HASH), (3, What.SEQ)]),
    "user_id": (str(OTHER), [(2, What.HASH)]),
    "currency": ("USD", [(2, What.HASH)]),
}


@pytest.mark.parametrize("field", EntryRow._fields)
def test_a_change_of_any_field_is_found_where_it_is(field: str):
    value, found = CHANGES[field]
    entries = chain()
    entries[1] = entries[1]._replace(**{field: value})

    assert walked(entries) == found


def test_a_change_that_was_hashed_anew_is_found_by_the_next_entry():
    entries = chain()
    forged, _ = entry(2, -1_000, entry_link(entries[0]))
    entries[1] = forged

    assert walked(entries) == [(3, What.BALANCE_AFTER), (3, What.PREV_HASH)]


def test_entries_that_are_missing_are_counted():
    first, *_, last = chain()

    assert walked([first, last]) == [(4, What.SEQ), (4, What.BALANCE_AFTER), (4, What.PREV_HASH)]
    (seq, *_) = entry_flaws(last, entry_link(first))
    assert seq.detail == "4 follows 1: 2 missing"


def test_a_chain_without_its_first_entry_does_not_begin():
    assert walked(chain()[1:])[0] == (2, What.SEQ)


@pytest.mark.parametrize("field", ["amount", "balance_after"])
def test_what_is_no_number_equals_no_sum(field: str):
    changed: dict[str, Any] = {field: "NaN"}
    entries = chain()
    entries[1] = entries[1]._replace(**changed)

    assert (2, What.BALANCE_AFTER) in walked(entries)


ENDS: dict[str, Any] = {
    "seq": (5, What.ACCOUNT_SEQ),
    "balance": ("8048", What.ACCOUNT_BALANCE),
    "head_hash": (bytes(32), What.ACCOUNT_HASH),
}


def account_of(end: Link) -> AccountRow:
    return AccountRow(str(USER), "EUR", end.seq, end.balance, end.hash)


@pytest.mark.parametrize("field", ENDS)
def test_an_account_says_what_its_last_entry_left(field: str):
    end = entry_link(chain()[-1])
    value, what = ENDS[field]

    assert list(account_flaws(account_of(end), end)) == []
    changed = account_of(end)._replace(**{field: value})
    assert [flaw.what for flaw in account_flaws(changed, end)] == [what]


def test_an_account_without_entries_is_as_it_began():
    assert list(account_flaws(account_of(START), START)) == []
    assert list(account_flaws(account_of(entry_link(chain()[0])), START)) != []


def act(seq: int, prev_hash: bytes) -> tuple[ActRow, StoredAct]:
    """An act as the engine would write it, and as the audit reads it."""
    written = StoredAct(
        bucket=7,
        seq=seq,
        act="user.freeze",
        target_id=USER,
        done_by="Ada",
        reason="Störung, 再送",
        detail="open to frozen",
        at=AT,
    )
    read = ActRow(
        bucket=7,
        seq=seq,
        act=written.act,
        target_id=str(USER),
        done_by=written.done_by,
        reason=written.reason,
        detail=written.detail,
        at=TOLD_AT,
        prev_hash=prev_hash,
        hash=act_hash(written, prev_hash=prev_hash),
    )
    return read, written


def test_acts_in_order_have_no_flaw():
    first, _ = act(1, START.hash)
    second, _ = act(2, first.hash)

    assert list(act_flaws(first, START)) == []
    assert list(act_flaws(second, act_link(first))) == []


def test_the_string_of_an_act_has_a_line_for_each_field():
    first, _ = act(1, START.hash)

    assert len(act_text(first).splitlines()) == len(ActRow._fields)


ACT_CHANGES: dict[str, Any] = {
    "bucket": (6, [What.HASH]),
    "seq": (3, [What.SEQ, What.HASH]),
    "act": ("user.close", [What.HASH]),
    "target_id": (str(OTHER), [What.HASH]),
    "done_by": ("Eve", [What.HASH]),
    "reason": ("none", [What.HASH]),
    "detail": ("", [What.HASH]),
    "at": ("2026-01-31T23:59:59.000002Z", [What.HASH]),
    "prev_hash": (bytes(32), [What.PREV_HASH, What.HASH]),
    "hash": (bytes(32), [What.HASH]),
}


@pytest.mark.parametrize("field", ActRow._fields)
def test_a_change_of_any_field_of_an_act_is_found(field: str):
    value, found = ACT_CHANGES[field]
    first, _ = act(1, START.hash)
    second, _ = act(2, first.hash)

    changed = second._replace(**{field: value})

    assert [flaw.what for flaw in act_flaws(changed, act_link(first))] == found
