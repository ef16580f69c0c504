"""The transfer as of each of its statuses, and which of them a client has seen."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.event_stream import as_of_each_status, events_from, first_unseen
from gateway.present import show_transfer
from gateway.timestamps import format_timestamp
from gateway.transfer_views import StatusView, TransferView
from gateway.views import to_json
from shards.transfers import Transfer

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HELD = Transfer(
    id=UUID(int=1),
    payer_id=UUID(int=2),
    payee_id=UUID(int=3),
    currency="EUR",
    amount=1250,
    status="held",
    reason=None,
    caller="",
    idempotency_key="",
    fingerprint=b"",
    metadata='{"note": "two\\nlines"}',
    traceparent="",
    attempts=0,
    next_attempt_at=NOON,
    created_at=NOON,
    expires_at=NOON + timedelta(days=1),
    hold_id=None,
    refund_of=None,
    spent_on=None,
    debited_at=None,
    ended_at=None,
)
DEBITED = replace(HELD, status="debited", debited_at=NOON + timedelta(seconds=1))


def over(transfer: Transfer, status: str, reason: str | None) -> Transfer:
    """This transfer at its end."""
    return transfer.changed(
        status=status,
        reason=reason,
        next_attempt_at=None,
        debited_at=transfer.debited_at,
        ended_at=NOON + timedelta(seconds=2),
    )


# A transfer as it is, and what it was before.
LIVES = {
    "rejected": [over(HELD, "rejected", "insufficient_funds")],
    "cancelled": [HELD, over(HELD, "cancelled", "expired")],
    "completed": [HELD, DEBITED, over(DEBITED, "completed", None)],
    "refunded": [HELD, DEBITED, over(DEBITED, "refunded", "payee_closed")],
    "held": [HELD],
    "debited": [HELD, DEBITED],
}


def shown(transfer: Transfer) -> TransferView:
    return show_transfer(transfer, 2)


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_each_status_shows_the_transfer_as_it_was_shown_then(life: list[Transfer]) -> None:
    # `Fragment`s of orjson have no equality: what is compared is what is told.
    told = [json.loads(to_json(one)) for one in as_of_each_status(shown(life[-1]))]

    assert told == [json.loads(to_json(shown(then))) for then in life]


def test_a_transfer_that_begins_debited_has_no_status_before() -> None:
    timeline = [
        StatusView(status="debited", at=format_timestamp(NOON)),
        StatusView(status="completed", at=format_timestamp(NOON + timedelta(seconds=1))),
    ]
    view = replace(shown(DEBITED), status="completed", timeline=timeline)

    first, last = as_of_each_status(view)

    assert (first.status, first.updated_at, first.timeline) == (
        "debited",
        timeline[0].at,
        timeline[:1],
    )
    assert (last.status, last.updated_at, last.timeline) == ("completed", timeline[1].at, timeline)


def parsed(event: bytes) -> tuple[list[str], dict[str, Any]]:
    """The first two lines of an event, and its data."""
    *said, data, end, after = event.decode().split("\n")
    assert (end, after) == ("", "")
    name, _, value = data.partition(": ")
    assert name == "data"
    return said, json.loads(value)


def test_events_are_numbered_named_and_have_their_data_on_one_line() -> None:
    events = [parsed(event) for event in events_from(0, shown(LIVES["refunded"][-1]))]

    assert [said for said, _ in events] == [
        ["id: 0", "event: held"],
        ["id: 1", "event: debited"],
        ["id: 2", "event: refunded"],
    ]
    for (_, data), then in zip(events, LIVES["refunded"], strict=True):
        assert data == json.loads(to_json(shown(then)))
        assert set(data) == {field.name for field in fields(TransferView)}
        assert data["metadata"] == {"note": "two\nlines"}


@pytest.mark.parametrize("first", range(5))
def test_events_that_were_seen_are_left_out(first: int) -> None:
    whole = list(events_from(0, shown(LIVES["completed"][-1])))

    assert list(events_from(first, shown(LIVES["completed"][-1]))) == whole[first:]


@pytest.mark.parametrize(
    ("last", "first"),
    [("0", 1), ("1", 2), ("2", 3), ("3", 0), ("99", 0), ("100", 0), ("9" * 5_000, 0)]
    + [(text, 0) for text in ("", " 1", "1 ", "01", "-1", "+1", "1.0", "0x1", "١", "held", "1,2")],
)  # fmt: skip
def test_the_last_event_that_was_seen_says_which_is_the_next(last: str, first: int) -> None:
    headers = CIMultiDictProxy(CIMultiDict({"last-event-id": last}))

    assert first_unseen(headers, shown(LIVES["completed"][-1])) == first


def test_a_number_that_no_event_has_yet_was_not_given_out_by_us() -> None:
    headers = CIMultiDictProxy(CIMultiDict({"Last-Event-ID": "1"}))

    assert first_unseen(headers, shown(HELD)) == 0
    assert first_unseen(headers, shown(DEBITED)) == 2


def test_without_the_header_nothing_was_seen() -> None:
    assert first_unseen(CIMultiDictProxy(CIMultiDict()), shown(HELD)) == 0
