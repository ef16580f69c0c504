"""Items of a batch, as they are read."""

from dataclasses import dataclass
from typing import Any

import pytest

from gateway.batch_request import BatchItem, read_item
from gateway.json_body import JsonValue, fingerprint
from gateway.money_request import MoneyRequest
from gateway.problems import Problem
from gateway.schemas import named_currency
from sagas.outcomes import Failed
from shards.currencies import Currency
from shards.errors import ShardAwayError

AWAY = ShardAwayError("shard0", "away")
CURRENCIES = {
    "EUR": Currency("EUR", "Euro", 2),
    "KWD": Currency("KWD", "Kuwaiti Dinar", 3, enabled=False),
    "XXX": None,
    "BTC": Failed(AWAY),
}
WALLET = "01a1fa7a-eb2d-8004-b861-d01d6ac7367c"
BODY: dict[str, Any] = {"to": "bob@example.com", "currency": "EUR", "amount": "1.50"}


def read(sent: JsonValue) -> BatchItem:
    code = named_currency(sent)
    return read_item(sent, resource=WALLET, currency=CURRENCIES[code] if code else None)


def wrong(sent: JsonValue) -> list[tuple[str, str]]:
    problem = read(sent).asked
    assert isinstance(problem, Problem)
    assert problem.status == 422
    return [(error.pointer, error.code) for error in problem.errors]


def test_an_item_is_read_as_the_body_of_a_single_post():
    item = read({"key": "k", **BODY, "expires_in_s": 60, "metadata": {"a": "b"}})

    assert item.key == "k"
    assert isinstance(item.asked, MoneyRequest)
    assert (item.asked.key, item.asked.metadata, item.asked.obstacle) == ("k", '{"a":"b"}', None)
    body = item.asked.body
    assert (body.to, body.currency, body.amount_minor) == ("bob@example.com", "EUR", 150)
    assert body.expires_in_s == 60


def test_the_fingerprint_is_that_of_the_single_post():
    item = read({**BODY, "key": "k"})

    assert isinstance(item.asked, MoneyRequest)
    assert item.asked.fingerprint == fingerprint("transfer", WALLET, BODY)


def test_an_item_may_ask_for_rounding_and_its_fingerprint_says_so():
    body = {**BODY, "amount": "1.505", "rounding": "half_even"}
    item = read({**body, "key": "k"})

    assert isinstance(item.asked, MoneyRequest)
    assert item.asked.body.amount_minor == 150
    assert item.asked.fingerprint == fingerprint("transfer", WALLET, body)
    assert wrong({**body, "key": "k", "rounding": None}) == [("/amount", "too_precise")]


def test_a_key_is_spelled_as_in_the_header_and_told_as_it_was_sent():
    item = read({**BODY, "key": '"a\\"b"'})

    assert item.key == '"a\\"b"'
    assert isinstance(item.asked, MoneyRequest)
    assert item.asked.key == 'a"b'


@dataclass(frozen=True)
class Case:
    key: JsonValue
    code: str


@pytest.mark.parametrize(
    "case",
    [
        Case(None, "wrong_type"),
        Case(1, "wrong_type"),
        Case("", "invalid_value"),
        Case("k" * 256, "invalid_value"),
        Case("two words", "invalid_value"),
        Case("k\n", "invalid_value"),
        Case('"unfinished', "invalid_value"),
    ],
    ids=repr,
)
def test_a_key_that_is_none_is_a_wrong_field(case: Case):
    assert wrong({**BODY, "key": case.key}) == [("/key", case.code)]


def test_a_missing_key_is_told_with_all_else_that_is_wrong():
    assert wrong({**BODY, "amount": 1}) == [("/key", "missing"), ("/amount", "amount_not_string")]


def test_what_is_no_object_is_told_once():
    assert wrong([]) == [("", "wrong_type")]
    assert read("k").key is None


def test_what_stands_against_a_currency_is_its_items_alone():
    disabled, away = read({**BODY, "key": "k", "currency": "KWD"}), read({"currency": "btc"})

    assert isinstance(disabled.asked, MoneyRequest)
    assert isinstance(disabled.asked.obstacle, Problem)
    assert away.asked is AWAY
    assert wrong({**BODY, "key": "k", "currency": "XXX"}) == [("/currency", "unknown_currency")]
