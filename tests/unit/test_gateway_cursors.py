import base64
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cursors import (
    EntryPosition,
    ListScope,
    TransferPosition,
    _seal,
    decode_act_cursor,
    decode_entry_cursor,
    decode_transfer_cursor,
    encode_act_cursor,
    encode_entry_cursor,
    encode_transfer_cursor,
)
from shards.operator_acts import ActPosition

OWNER = UUID(int=7)
SCOPE = ListScope("entries", OWNER, ("EUR", None))
ENTRY = EntryPosition(datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC), "EUR", 42)
TRANSFER = TransferPosition(datetime(2026, 1, 31, tzinfo=UTC), UUID(int=2**128 - 1))

TIMES = st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(TIMES, st.from_regex(r"[A-Z0-9]{3,10}", fullmatch=True), st.integers(1, 2**63 - 1))
def test_an_entry_cursor_reads_back(at: datetime, currency: str, seq: int) -> None:
    position = EntryPosition(at, currency, seq)

    assert decode_entry_cursor(SCOPE, encode_entry_cursor(SCOPE, position)) == position


@given(TIMES, st.uuids())
def test_a_transfer_cursor_reads_back(created_at: datetime, id_: UUID) -> None:
    position = TransferPosition(created_at, id_)

    assert decode_transfer_cursor(SCOPE, encode_transfer_cursor(SCOPE, position)) == position


@given(TIMES, st.integers(0, 4095), st.integers(1, 2**63 - 1))
def test_an_act_cursor_reads_back(at: datetime, bucket: int, seq: int) -> None:
    position, scope = ActPosition(at, bucket, seq), ListScope("trail", None, (None,))

    assert decode_act_cursor(scope, encode_act_cursor(scope, position)) == position


def test_a_cursor_can_stand_in_a_query_as_it_is() -> None:
    cursor = encode_transfer_cursor(SCOPE, TRANSFER)

    assert cursor.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "scope",
    [
        ListScope("transfers", OWNER, ("EUR", None)),
        ListScope("entries", UUID(int=8), ("EUR", None)),
        ListScope("entries", OWNER, ("USD", None)),
        ListScope("entries", OWNER, (None, "EUR")),
        ListScope("entries", OWNER, ("EUR",)),
        ListScope("entries", OWNER, ("EUR", "None")),
    ],
)
def test_a_cursor_is_good_for_its_own_list_only(scope: ListScope) -> None:
    assert decode_entry_cursor(scope, encode_entry_cursor(SCOPE, ENTRY)) is None


CURSOR = encode_entry_cursor(SCOPE, ENTRY)


@pytest.mark.parametrize(
    "cursor",
    [
        "", "a", "AAAA", "!", "é", "null", CURSOR[:-1], CURSOR[1:], CURSOR + "A", CURSOR + "=",
        CURSOR + "\n", f" {CURSOR}", CURSOR.swapcase(), "A" * 8000,
        base64.urlsafe_b64encode(b"x" * 40).decode(),
    ],
    ids=lambda cursor: ascii(cursor[:12]),
)  # fmt: skip
def test_a_damaged_cursor_is_refused(cursor: str) -> None:
    assert decode_entry_cursor(SCOPE, cursor) is None
    assert decode_transfer_cursor(SCOPE, cursor) is None
    assert decode_act_cursor(SCOPE, cursor) is None


def test_every_changed_character_is_noticed() -> None:
    for index, character in enumerate(CURSOR):
        other = "A" if character != "A" else "B"

        assert decode_entry_cursor(SCOPE, CURSOR[:index] + other + CURSOR[index + 1 :]) is None


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"\x7f" + b"\xff" * 7 + bytes(8) + b"EUR",
        b"\x80" + bytes(15) + b"EUR",
        bytes(16),
        bytes(16) + b"E\0R",
        bytes(16) + b"\xff\xff\xff",
        bytes(16) + b"X" * 11,
    ],
)
def test_a_cursor_that_was_made_up_is_checked_like_input(packed: bytes) -> None:
    assert decode_entry_cursor(SCOPE, _seal(SCOPE, packed)) is None


def test_a_transfer_cursor_outside_time_is_refused() -> None:
    assert decode_transfer_cursor(SCOPE, _seal(SCOPE, b"\x7f" + b"\xff" * 23)) is None
