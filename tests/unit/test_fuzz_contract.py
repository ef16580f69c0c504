"""An answer that the OpenAPI document does not tell is caught, wherever it differs."""

import json
from typing import Any

import pytest

from reliability.fuzz.contract import Contract, UndocumentedAnswerError
from tests.unit.openapi_text import KEPT

CONTRACT = Contract(json.loads(KEPT.read_text(encoding="utf-8")))
PATH = "/v1/currencies/EUR"
CURRENCY = {"code": "EUR", "name": "Euro", "decimals": 2, "enabled": True}
HEADERS = {"X-Trace-Id": "0" * 32, "Content-Type": "application/json"}
OF_PROBLEM = {**HEADERS, "Content-Type": "application/problem+json"}


def problem(status: int, code: str, **more: object) -> dict[str, Any]:
    """A problem document."""
    told = {"type": f"/problems/{code}", "title": "No", "detail": "Because.", "trace_id": "0" * 32}
    return {**told, "status": status, "code": code, **more}


def check(status: int, body: object, headers: dict[str, str]) -> None:
    CONTRACT.check("GET", PATH, status=status, headers=headers, body=body)


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (200, CURRENCY, HEADERS),
        (404, problem(404, "not_found"), OF_PROBLEM),
        (400, problem(400, "bad_request"), OF_PROBLEM),
    ],
    ids=["shown", "refused", "never read"],
)
def test_what_is_told_is_fine(status, body, headers):
    check(status, body, headers)


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (201, CURRENCY, HEADERS),
        (200, {**CURRENCY, "decimals": "2"}, HEADERS),
        (200, {name: CURRENCY[name] for name in ("code", "name", "decimals")}, HEADERS),
        (200, {**CURRENCY, "bucket": 1}, HEADERS),
        (200, CURRENCY, {**HEADERS, "Location": PATH}),
        (200, CURRENCY, {**HEADERS, "Content-Type": "text/plain"}),
        (200, CURRENCY, {"Content-Type": "application/json"}),
        (404, problem(404, "email_taken"), OF_PROBLEM),
        (404, problem(404, "not_found", hint="x"), OF_PROBLEM),
        (409, problem(409, "email_taken"), OF_PROBLEM),
        (404, problem(404, "not_found"), HEADERS),
    ],
    ids=[
        *("a status", "a type", "a field less", "a field more", "a header", "a media type"),
        *("no trace", "a code", "a field of a problem", "a refusal", "no problem"),
    ],
)
def test_what_is_not_told_is_caught(status, body, headers):
    with pytest.raises(UndocumentedAnswerError):
        check(status, body, headers)


def test_a_page_is_told_to_its_items():
    page = {"data": [CURRENCY], "next_cursor": None}

    CONTRACT.check("GET", "/v1/currencies", status=200, headers=HEADERS, body=page)
    for wrong in ({**page, "total": 1}, {**page, "data": [{**CURRENCY, "bucket": 1}]}):
        with pytest.raises(UndocumentedAnswerError):
            CONTRACT.check("GET", "/v1/currencies", status=200, headers=HEADERS, body=wrong)
