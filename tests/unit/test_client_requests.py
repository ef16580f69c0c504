"""Requests of the client as data: what is sent, and what is refused before it is."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest

from client import ProblemError, TransferOrder, operations
from client.requests import MovementOrder, create_batch, create_transfer, make, time_text
from tests.unit.client_rig import OTHER, USER, Script, problem, session_of


def order(**changed) -> TransferOrder:
    return TransferOrder(**{"to": OTHER, "currency": "EUR", "amount": "12.50", **changed})


def test_a_transfer_is_what_the_contract_says():
    asked = create_transfer(USER, order(key="k1", expires_in_s=60), wait_s=10)
    request = asked.by("token")

    assert str(request) == f"POST /v1/wallets/{USER}/transfers"
    assert request.headers == {
        "Authorization": "Bearer token",
        "Content-Type": "application/json",
        "Prefer": "wait=10",
        "Idempotency-Key": "k1",
    }
    assert orjson.loads(request.body or b"") == {
        "to": OTHER,
        "currency": "EUR",
        "amount": "12.50",
        "expires_in_s": 60,
    }


def test_the_same_order_is_the_same_request_and_another_has_another_key():
    one, other = order(), order()

    assert create_transfer(USER, one) == create_transfer(USER, one)
    assert one.key != other.key


def test_items_of_a_batch_carry_their_keys_in_the_body():
    request = create_batch(USER, [order(key="k1"), order(key="k2", metadata={"a": "b"})])

    first, second = orjson.loads(request.body or b"")["transfers"]
    assert "Idempotency-Key" not in request.headers
    assert first == {"key": "k1", "to": OTHER, "currency": "EUR", "amount": "12.50"}
    assert (second["key"], second["metadata"]) == ("k2", {"a": "b"})


@pytest.mark.parametrize("amount", [12.5, 12, True, None])
def test_a_number_is_no_amount(amount):
    with pytest.raises(TypeError, match="an amount is text"):
        order(amount=amount).body()
    with pytest.raises(TypeError, match="an amount is text"):
        MovementOrder(currency="EUR", amount=amount).body()


async def test_a_number_is_refused_before_anything_is_sent():
    script = Script(problem(404, "not_found"))
    transfers, holds = session_of(script).transfers, session_of(script).holds

    for call in (
        transfers.create(to=OTHER, currency="EUR", amount=1.5),  # type: ignore[arg-type]
        transfers.refund("t", amount=1.5),  # type: ignore[arg-type]
        holds.capture("h", amount=1.5),  # type: ignore[arg-type]
        session_of(script).wallet.set_limit("EUR", daily=1.5),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError, match="an amount is text"):
            await call

    assert script.sent == []


def test_an_id_leads_nowhere_else():
    request = make(operations.GET_TRANSFER, {"transfer_id": "../users?x=1#y"})

    assert request.path == "/v1/transfers/..%2Fusers%3Fx%3D1%23y"


def test_a_query_is_escaped_and_leaves_out_what_is_none():
    at = datetime(2026, 1, 31, 23, 59, 59, 1, tzinfo=timezone(timedelta(hours=2)))
    request = make(
        operations.LIST_ENTRIES,
        {"user_id": USER},
        query={"currency": None, "since": at, "cursor": "a&b=c+"},
    )

    assert request.path.endswith("?since=2026-01-31T21%3A59%3A59.000001Z&cursor=a%26b%3Dc%2B")


def test_a_time_without_an_offset_is_no_time():
    with pytest.raises(ValueError, match="needs an offset"):
        time_text(datetime(2026, 1, 31))  # noqa: DTZ001 - that is the case
    assert time_text(datetime(2026, 1, 31, tzinfo=UTC)) == "2026-01-31T00:00:00.000000Z"


async def test_a_capture_and_a_refund_of_everything_have_no_body():
    script = Script(problem(404, "not_found"))
    session = session_of(script)

    for call in (
        session.holds.capture("h"),
        session.transfers.refund("t", amount="1.00", reason="broken"),
        session.holds.capture("h", final=False),
        session.wallet.set_limit("EUR", daily=None),
    ):
        with pytest.raises(ProblemError, match="404"):
            await call

    everything, part, kept_open, no_limit = (request.body for request in script.sent)
    assert everything is None
    assert orjson.loads(part or b"") == {"amount": "1.00", "reason": "broken"}
    assert orjson.loads(kept_open or b"") == {"final": False}
    assert orjson.loads(no_limit or b"") == {"daily": None}


def test_a_token_is_in_no_text_of_a_request():
    assert "secret" not in repr(make(operations.ME).by("secret"))


async def test_every_amount_may_be_rounded_and_none_is_unless_it_says_so():
    script = Script(problem(404, "not_found"))
    session = session_of(script)
    money: Any = {"currency": "EUR", "amount": "12.505", "rounding": "half_even"}
    plain: Any = {"currency": "EUR", "amount": "12.50"}
    calls = [
        session.wallet.deposit(**money),
        session.wallet.withdraw(**money),
        session.transfers.create(to=OTHER, **money),
        session.holds.create(to=OTHER, **money),
        session.transfers.refund("t", amount="12.505", rounding="half_even"),
        session.holds.capture("h", amount="12.505", rounding="half_even"),
        session.transfers.create(to=OTHER, **plain),
    ]

    for call in calls:
        with pytest.raises(ProblemError):
            await call

    sent = [orjson.loads(request.body or b"") for request in script.sent]
    assert [body.get("rounding") for body in sent] == [*["half_even"] * 6, None]


async def test_a_key_that_is_empty_is_sent_as_it_is_and_never_replaced():
    script = Script(problem(400, "invalid_header"))
    session = session_of(script)
    calls = [
        session.wallet.deposit(currency="EUR", amount="1.00", key=""),
        session.transfers.create(to=OTHER, currency="EUR", amount="1.00", key=""),
        session.holds.create(to=OTHER, currency="EUR", amount="1.00", key=""),
        session.holds.capture("h", key=""),
        session.transfers.refund("t", key=""),
    ]

    for call in calls:
        with pytest.raises(ProblemError):
            await call

    assert [request.key for request in script.sent] == [""] * 5


@pytest.mark.parametrize(
    "code",
    [
        *("insufficient_funds", "limit_exceeded", "unknown_payee", "payee_closed"),
        *("payer_frozen", "payer_closed"),
    ],
)
async def test_what_is_recorded_under_a_key_is_asked_again_with_another(code):
    session = session_of(Script(problem(422, code, idempotency_replayed="true")))

    with pytest.raises(ProblemError, match="new key") as refused:
        await session.transfers.create(to=OTHER, currency="EUR", amount="1.00", key="k1")

    assert "as its key was before" in str(refused.value)
    assert "with the same key" not in str(refused.value)
