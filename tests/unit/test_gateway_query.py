from datetime import UTC, datetime
from uuid import UUID

import pytest
from multidict import MultiDict

from gateway.cursors import (
    EntryPosition,
    TransferPosition,
    encode_act_cursor,
    encode_entry_cursor,
    encode_transfer_cursor,
)
from gateway.parameters import Direction
from gateway.problems import Problem
from gateway.query import (
    EntriesQuery,
    TransfersQuery,
    parse_entries_query,
    parse_no_query,
    parse_trail_query,
    parse_transfers_query,
)
from shards.operator_acts import ActPosition

WALLET = UUID(int=7)


def _entries(*pairs: tuple[str, str]) -> EntriesQuery:
    return parse_entries_query(MultiDict(pairs), wallet_id=WALLET)


def _transfers(*pairs: tuple[str, str]) -> TransfersQuery:
    return parse_transfers_query(MultiDict(pairs), wallet_id=WALLET)


def test_without_parameters_everything_is_asked_for_ten_at_a_time() -> None:
    entries, transfers = _entries(), _transfers()

    assert (entries.currency, entries.kind, entries.since, entries.until) == (None,) * 4
    assert (transfers.direction, transfers.status) == (None, None)
    assert (entries.limit, transfers.limit) == (10, 10)
    assert (entries.after, transfers.after) == (None, None)


def test_filters_are_read() -> None:
    entries = _entries(
        ("currency", "eur"),
        ("kind", "transfer_out"),
        ("since", "2026-01-01T00:00:00Z"),
        ("until", "2026-02-01T00:00:00+01:00"),
        ("limit", "100"),
    )
    transfers = _transfers(("direction", "in"), ("status", "held"), ("limit", "1"))

    assert (entries.currency, entries.kind, entries.limit) == ("EUR", "transfer_out", 100)
    assert entries.since == datetime(2026, 1, 1, tzinfo=UTC)
    assert entries.until == datetime(2026, 1, 31, 23, tzinfo=UTC)
    assert (transfers.direction, transfers.status) == (Direction.IN, "held")


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        *(("limit", value, "invalid_value") for value in (
            "", "0", "-1", "101", "1000", "01", "1.0", "1e1", "+5", " 5", "5 ", "５", "1_0", "ten",
            "9" * 7000,
        )),
        ("currency", "", "unknown_currency"),
        ("currency", "€UR", "unknown_currency"),
        ("kind", "", "invalid_value"),
        ("kind", "DEPOSIT", "invalid_value"),
        ("kind", "refund", "invalid_value"),
        ("since", "", "invalid_value"),
        ("since", "yesterday", "invalid_value"),
        ("until", "2026-01-01T00:00:00", "invalid_value"),
        ("until", "2026-01-01T00:00:00 01:00", "invalid_value"),
        ("cursor", "", "invalid_value"),
        ("cursor", "x", "invalid_value"),
        ("page", "2", "unknown_field"),
        ("Limit", "5", "unknown_field"),
        ("status", "held", "unknown_field"),
        ("", "", "unknown_field"),
    ],
    ids=lambda value: ascii(value)[:14],
)  # fmt: skip
def test_a_wrong_parameter_is_named(name: str, value: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        _entries((name, value))

    assert caught.value.status == 422
    assert [(error.pointer, error.code) for error in caught.value.errors] == [(f"/{name}", code)]


@pytest.mark.parametrize(
    ("name", "value"),
    [("direction", "both"), ("status", "done"), ("status", ""), ("kind", "deposit")],
)
def test_transfers_have_filters_of_their_own(name: str, value: str) -> None:
    with pytest.raises(Problem) as caught:
        _transfers((name, value))

    assert [error.pointer for error in caught.value.errors] == [f"/{name}"]


def test_all_wrong_parameters_are_named_at_once() -> None:
    with pytest.raises(Problem) as caught:
        _entries(("a/b~c", ""), ("limit", "5"), ("limit", "5"), ("kind", "x"), ("since", "x"))

    assert [(error.pointer, error.code) for error in caught.value.errors] == [
        ("/a~1b~0c", "unknown_field"),
        ("/limit", "invalid_value"),
        ("/kind", "invalid_value"),
        ("/since", "invalid_value"),
    ]
    assert caught.value.code == "unknown_field"


def test_a_flood_of_unknown_parameters_has_a_short_answer() -> None:
    with pytest.raises(Problem) as caught:
        _entries(*((str(number), "") for number in range(1000)))

    assert len(caught.value.errors) == 100


def test_a_cursor_goes_on_where_its_page_ended() -> None:
    position = EntryPosition(datetime(2026, 1, 31, tzinfo=UTC), "EUR", 5)
    first = _entries(("currency", "EUR"), ("limit", "5"))
    cursor = encode_entry_cursor(first.scope, position)

    assert _entries(("currency", "eur"), ("limit", "7"), ("cursor", cursor)).after == position
    with pytest.raises(Problem):
        _entries(("cursor", cursor))


def test_a_cursor_of_one_list_is_no_cursor_of_the_other() -> None:
    position = TransferPosition(datetime(2026, 1, 31, tzinfo=UTC), UUID(int=9))
    cursor = encode_transfer_cursor(_transfers(("direction", "in")).scope, position)

    assert _transfers(("direction", "in"), ("cursor", cursor)).after == position
    with pytest.raises(Problem):
        _transfers(("direction", "out"), ("cursor", cursor))
    with pytest.raises(Problem):
        _entries(("cursor", cursor))


def test_a_resource_without_parameters_takes_none() -> None:
    parse_no_query(MultiDict())

    with pytest.raises(Problem) as caught:
        parse_no_query(MultiDict({"at": "2026-01-01T00:00:00Z"}))

    assert caught.value.code == "unknown_field"


def test_a_trail_is_of_one_row_or_of_all_and_so_is_its_cursor() -> None:
    position = ActPosition(datetime(2026, 1, 31, tzinfo=UTC), 5, 9)
    target = "01890a5d-ac96-8b1c-8000-0123456789ab"
    everything = parse_trail_query(MultiDict())
    cursor = encode_act_cursor(everything.scope, position)
    of_one = parse_trail_query(MultiDict(target=target.upper(), limit="3"))

    assert (everything.target, everything.limit, everything.after) == (None, 10, None)
    assert (of_one.target, of_one.limit) == (UUID(target), 3)
    assert parse_trail_query(MultiDict(limit="100", cursor=cursor)).after == position
    with pytest.raises(Problem):
        parse_trail_query(MultiDict(target=target, cursor=cursor))


@pytest.mark.parametrize("target", ["", "x", "{01890a5d-ac96-8b1c-8000-0123456789ab}"])
def test_a_target_that_is_no_id_is_refused(target: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_trail_query(MultiDict(target=target))

    assert [(error.pointer, error.code) for error in caught.value.errors] == [
        ("/target", "invalid_value")
    ]
