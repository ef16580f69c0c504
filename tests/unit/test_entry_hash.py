"""The published string of an entry, and its hash."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from shards.entry_hash import FIRST_PREV_HASH, HashedEntry, canonical, entry_hash

GOLDEN = HashedEntry(
    user_id=UUID("01981234-5678-8007-8000-000000000001"),
    currency="EUR",
    seq=2,
    amount=-1250,
    balance_after=8750,
    kind="transfer_out",
    transfer_id=UUID("01981234-5678-8007-8000-000000000002"),
    counterparty_id=UUID("01981234-5678-8003-8000-000000000003"),
    at=datetime(2026, 1, 31, 23, 59, 59, 1, tzinfo=UTC),
    prev_hash=bytes(range(32)),
)
GOLDEN_STRING = (
    "holdfast.entry.v1|01981234-5678-8007-8000-000000000001|EUR|2|-1250|8750|transfer_out"
    "|01981234-5678-8007-8000-000000000002|01981234-5678-8003-8000-000000000003"
    "|2026-01-31T23:59:59.000001Z"
    "|000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
)
CHANGES: dict[str, Any] = {
    "user_id": UUID(int=1),
    "currency": "USD",
    "seq": 3,
    "amount": 1250,
    "balance_after": 8751,
    "kind": "transfer_return",
    "transfer_id": None,
    "counterparty_id": None,
    "at": GOLDEN.at + timedelta(microseconds=1),
    "prev_hash": FIRST_PREV_HASH,
}


def test_the_string_is_the_published_one():
    assert canonical(GOLDEN) == GOLDEN_STRING


def test_the_hash_is_the_one_that_anyone_computes():
    assert entry_hash(GOLDEN).hex() == (
        "94cee11e8b925fef72eb18cd9743957b0d8da2207c02f329927cdaa383345dc6"
    )


def test_a_deposit_at_the_head_of_a_chain_has_empty_ids_and_64_zeros():
    first = replace(
        GOLDEN, seq=1, transfer_id=None, counterparty_id=None, prev_hash=FIRST_PREV_HASH
    )

    assert canonical(first).endswith(f"|transfer_out|||2026-01-31T23:59:59.000001Z|{'0' * 64}")


def test_time_is_told_in_utc_wherever_it_was_read():
    elsewhere = GOLDEN.at.astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert canonical(replace(GOLDEN, at=elsewhere)) == GOLDEN_STRING


def test_amounts_beyond_64_bits_are_told_whole():
    assert f"|{10**36 + 1}|" in canonical(replace(GOLDEN, amount=10**36 + 1))


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_is_in_the_hash(field: str):
    changed = replace(GOLDEN, **{field: CHANGES[field]})

    assert entry_hash(changed) != entry_hash(GOLDEN)


def test_no_field_is_left_out_of_the_test_above():
    assert CHANGES.keys() == set(HashedEntry.__dataclass_fields__)
