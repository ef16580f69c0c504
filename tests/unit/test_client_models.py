"""What the client makes of answers: records, errors, pages, money."""

from datetime import UTC, datetime

import pytest

from client import (
    BatchResult,
    ConflictError,
    DeclinedError,
    Direction,
    FieldError,
    ListedTransfer,
    ProblemError,
    SignInError,
    Transfer,
    TransferStatus,
    TryLaterError,
    UnexpectedAnswerError,
    as_minor,
    as_text,
)
from client.fields import Fields, ShapeError, parse
from client.models import Limit, Shown
from tests.unit.client_rig import (
    AT,
    HEAD,
    OTHER,
    USER,
    Script,
    answer,
    problem,
    session_of,
    shown_transfer,
)


def test_a_transfer_is_read_and_what_is_not_known_is_ignored():
    transfer = Transfer.read(Fields(shown_transfer("completed", news="from tomorrow"), HEAD))

    assert transfer.status is TransferStatus.COMPLETED
    assert transfer.is_over
    assert transfer.created_at == datetime(2026, 1, 31, 23, 59, 59, 1, tzinfo=UTC)
    assert (transfer.payee_id, transfer.reason, dict(transfer.metadata)) == (
        OTHER,
        None,
        {"order": "7"},
    )
    assert transfer.timeline[0].status is TransferStatus.HELD


@pytest.mark.parametrize("field", shown_transfer())
def test_a_field_that_is_missing_is_told(field):
    shown = shown_transfer()
    del shown[field]

    with pytest.raises(ShapeError, match=f"/{field} is missing"):
        Transfer.read(Fields(shown, HEAD))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 7),
        ("id", None),
        ("amount", 12.5),
        ("amount", "12,50"),
        ("status", "lost"),
        ("created_at", "2026-01-31T23:59:59Z"),
        ("created_at", "2026-13-31T23:59:59.000001Z"),
        ("metadata", {"a": 1}),
        ("metadata", []),
        ("timeline", [7]),
        ("timeline", {}),
        ("refunds", [1]),
    ],
)
def test_a_field_of_another_form_is_told(field, value):
    with pytest.raises(ShapeError, match=f"/{field}"):
        Transfer.read(Fields(shown_transfer(**{field: value}), HEAD))


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"\xff"])
def test_what_is_no_object_is_told(body):
    with pytest.raises(ShapeError):
        parse(body, HEAD)


async def test_a_shape_that_is_not_the_contracts_is_an_unexpected_answer():
    session = session_of(Script(answer({"user_id": USER})))

    with pytest.raises(UnexpectedAnswerError, match=r"/accounts is missing.*trace-1") as told:
        await session.wallet.get()

    assert told.value.status == 200


def test_a_boolean_is_no_integer():
    with pytest.raises(ShapeError, match="/n is not"):
        Fields({"n": True}, HEAD).integer("n")


def test_what_came_in_tells_less_than_what_went_out():
    shown = {**shown_transfer("completed"), "direction": "out"}
    kept = ("id", "payer_id", "payee_id", "currency", "amount", "status", "created_at")
    came_in = {**{name: shown[name] for name in kept}, "direction": "in"}

    out, into = [ListedTransfer.read(Fields(item, HEAD)) for item in (shown, came_in)]

    assert out.whole is not None
    assert (into.direction, into.whole, into.status) == (Direction.IN, None, out.status)


def test_an_item_of_a_batch_is_a_transfer_or_a_problem():
    refused = {"status": 422, "code": "c", "title": "T", "detail": "D", "trace_id": "t"}

    result = BatchResult.read(Fields({"key": None, "status": 422, "problem": refused}, HEAD))

    assert (result.key, result.transfer) == (None, None)
    assert result.problem is not None
    assert result.problem.code == "c"


def test_no_limit_is_none():
    shown = {"user_id": USER, "currency": "EUR", "daily": None, "spent": "1.00", "remaining": None}

    limit = Limit.read(Fields(shown, HEAD))

    assert (limit.daily, limit.spent, limit.remaining) == (None, "1.00", None)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "malformed_json", ProblemError),
        (401, "invalid_token", SignInError),
        (403, "not_payer", ProblemError),
        (404, "not_found", ProblemError),
        (409, "already_debited", ConflictError),
        (422, "insufficient_funds", DeclinedError),
        (429, "rate_limited", TryLaterError),
        (503, "busy", TryLaterError),
    ],
)
async def test_a_refusal_is_of_its_kind_and_says_what_is_next(status, code, kind):
    wrong = [{"pointer": "/amount", "code": code, "detail": "Why."}]
    refusal = problem(status, code, errors=wrong, retry_after="3")

    with pytest.raises(ProblemError) as told:
        await session_of(Script(refusal), attempts=1).transfers.cancel("t")

    error = told.value
    assert type(error) is kind
    assert (error.status, error.code, error.trace_id) == (status, code, "trace-1")
    assert (error.title, error.detail, error.retry_after) == (code.title(), "That is why.", 3.0)
    assert error.errors == (FieldError("/amount", code, "Why."),)
    assert "Next: " in str(error)


async def test_pages_are_followed_to_the_last_with_the_filters():
    pages = [
        answer({"data": [{**shown_transfer(), "direction": "out"}], "next_cursor": "c1"}),
        answer({"data": [], "next_cursor": "c2"}),
        answer({"data": [{**shown_transfer(), "direction": "out"}] * 2, "next_cursor": None}),
    ]
    script = Script(*pages)
    listing = session_of(script).transfers.list(status=TransferStatus.HELD, limit=1)

    found = [transfer async for transfer in listing]

    assert len(found) == 3
    path = f"/v1/wallets/{USER}/transfers?status=held&limit=1"
    assert [request.path for request in script.sent] == [
        path,
        f"{path}&cursor=c1",
        f"{path}&cursor=c2",
    ]


async def test_one_page_is_one_request():
    script = Script(answer({"data": [], "next_cursor": "c1"}))

    page = await session_of(script).holds.list().page("c0")

    assert (page.next_cursor, len(script.sent)) == ("c1", 1)
    assert isinstance(page, Shown)


@pytest.mark.parametrize(
    ("text", "minor", "decimals"),
    [
        *[("-12.50", -1250, 2), ("0.05", 5, 2), ("-0.05", -5, 2), ("0.00", 0, 2), ("7", 7, 0)],
        ("1.000000000000000001", 10**18 + 1, 18),
    ],
)
def test_money_is_text_or_an_integer_of_minor_units(text, minor, decimals):
    assert as_minor(text) == as_minor(text, decimals) == minor
    assert as_text(minor, decimals) == text


@pytest.mark.parametrize(
    "text", ["", "1.", ".5", "1,00", "1e2", "+1", "--1", "1.0.0", "١.٠٠", " 1"]
)
def test_what_is_no_amount_is_not_read(text):
    with pytest.raises(ValueError, match="no amount"):
        as_minor(text)


@pytest.mark.parametrize("text", ["1.5", "1", "1.500"])
def test_an_amount_with_other_digits_than_its_currency_is_told(text):
    with pytest.raises(ValueError, match="no amount with 2 decimals"):
        as_minor(text, 2)


def test_times_are_shown_as_the_contract_spells_them():
    assert Transfer.read(Fields(shown_transfer(), HEAD)).created_at.isoformat() == AT.replace(
        "Z", "+00:00"
    )
