import dataclasses
import json
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from gateway.transfer_views import (
    IncomingTransferView,
    OutgoingTransferView,
    StatusView,
    TransferView,
    stored_metadata,
)
from gateway.views import PageView, TokenView, json_response, readiness
from gateway.wallet_views import EntryView

AT = "2026-01-31T12:00:00.000000Z"
TRANSFER = TransferView(
    id=UUID(int=1),
    payer_id=UUID(int=2),
    payee_id=None,
    currency="EUR",
    amount="12.50",
    status="rejected",
    reason="unknown_payee",
    created_at=AT,
    updated_at=AT,
    expires_at=AT,
    metadata=stored_metadata('{"order": "7"}'),
    timeline=[StatusView(status="rejected", at=AT)],
    hold_id=None,
    refund_of=None,
    amount_refunded="0.00",
    refunds=[],
)


def _shown(response: web.Response) -> dict[str, Any]:
    assert isinstance(response.body, bytes)
    shown: dict[str, Any] = json.loads(response.body)
    return shown


def test_a_transfer_is_shown_with_its_timeline() -> None:
    assert _shown(json_response(TRANSFER)) == {
        "id": str(UUID(int=1)),
        "payer_id": str(UUID(int=2)),
        "payee_id": None,
        "currency": "EUR",
        "amount": "12.50",
        "status": "rejected",
        "reason": "unknown_payee",
        "created_at": AT,
        "updated_at": AT,
        "expires_at": AT,
        "metadata": {"order": "7"},
        "timeline": [{"status": "rejected", "at": AT}],
        "hold_id": None,
        "refund_of": None,
        "amount_refunded": "0.00",
        "refunds": [],
    }


def test_no_metadata_is_an_empty_object() -> None:
    view = dataclasses.replace(TRANSFER, metadata=stored_metadata(None))

    assert _shown(json_response(view))["metadata"] == {}


def test_an_incoming_transfer_shows_nothing_of_the_payers_row() -> None:
    incoming = IncomingTransferView(
        id=UUID(int=1),
        payer_id=UUID(int=2),
        payee_id=UUID(int=3),
        currency="EUR",
        amount="12.50",
        status="completed",
        created_at=AT,
    )
    outgoing = OutgoingTransferView(
        **{field.name: getattr(TRANSFER, field.name) for field in dataclasses.fields(TRANSFER)}
    )
    page = PageView(data=[outgoing, incoming], next_cursor=None)

    shown = _shown(json_response(page))

    assert shown["next_cursor"] is None
    assert shown["data"][0]["direction"] == "out"
    assert set(shown["data"][0]) == {*_shown(json_response(TRANSFER)), "direction"}
    assert set(shown["data"][1]) == {
        "id", "payer_id", "payee_id", "currency", "amount", "status", "created_at", "direction",
    }  # fmt: skip


def test_an_entry_without_a_transfer_shows_null() -> None:
    entry = EntryView(
        seq=1,
        currency="EUR",
        amount="-12.50",
        balance_before="12.50",
        balance_after="0.00",
        kind="withdrawal",
        transfer_id=None,
        counterparty=None,
        at=AT,
        hash="00" * 32,
        prev_hash="00" * 32,
    )

    shown = _shown(json_response(entry))

    assert (shown["transfer_id"], shown["counterparty"], shown["seq"]) == (None, None, 1)


def test_a_response_has_its_status_and_headers() -> None:
    response = json_response(
        TokenView(access_token="x", expires_in=60), status=201, headers={"Location": "/v1/x"}
    )

    assert (response.status, response.content_type) == (201, "application/json")
    assert response.headers["Location"] == "/v1/x"
    assert _shown(response) == {
        "access_token": "x",
        "expires_in": 60,
        "token_type": "Bearer",
    }


@pytest.mark.parametrize(
    ("shards", "kafka", "status"),
    [
        ({"a": True, "b": True}, True, "ready"),
        ({"a": True, "b": True}, False, "degraded"),
        ({"a": True, "b": False}, True, "degraded"),
        ({"a": False, "b": False}, True, "unavailable"),
        ({}, True, "unavailable"),
    ],
)
def test_readiness(shards: dict[str, bool], kafka: bool, status: str) -> None:
    assert _shown(json_response(readiness(shards=shards, kafka=kafka))) == {
        "status": status,
        "shards": {name: "up" if is_up else "down" for name, is_up in shards.items()},
        "kafka": "up" if kafka else "down",
    }
