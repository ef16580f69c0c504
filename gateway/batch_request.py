"""The body of a batch of transfers: each item is read as the single POST reads its request.

What is wrong with an item is that item's alone.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.currencies import Currencies
from gateway.headers import parse_idempotency_key
from gateway.json_body import JsonObject, JsonValue, read_json
from gateway.money_request import MoneyRequest, check_money_request
from gateway.problems import FieldError, Problem
from gateway.query import parse_no_query
from gateway.schemas import BatchBody, TransferBody, named_currency, parse_body
from sagas.outcomes import Failed
from shards.currencies import Currency

BATCH_BYTES_MAX: Final = 1024 * 1024
# Between so many items others have their turn: all of them take as long as many single requests.
AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One transfer of a batch.

    Attributes:
        key: as it was sent, to tell results apart; None when it is no string.
        asked: what is asked for, or what is wrong with it, with pointers into the item.
    """

    key: str | None
    asked: MoneyRequest[TransferBody] | Exception


async def read_batch(request: web.Request, *, currencies: Currencies) -> list[BatchItem]:
    """The items of a batch, in order.

    Raises:
        Problem: 400, 413, 415, or 422 for what is wrong with the batch as a whole.
    """
    sent = await read_json(request, bytes_max=BATCH_BYTES_MAX)
    parse_no_query(request.query)
    items: list[JsonValue] = parse_body(BatchBody, sent).transfers
    codes = [named_currency(item) for item in items]
    found = await currencies.find_all({code for code in codes if code is not None})
    resource = request.match_info["user_id"].lower()
    read: list[BatchItem] = []
    for item, code in zip(items, codes, strict=True):
        if len(read) % AT_ONCE == 0:
            await asyncio.sleep(0)
        currency = found[code] if code is not None else None
        read.append(read_item(item, resource=resource, currency=currency))
    return read


def read_item(sent: JsonValue, *, resource: str, currency: Currency | Failed | None) -> BatchItem:
    """One item.

    Args:
        sent: as parsed from JSON.
        resource: what its fingerprint says that it is about.
        currency: as `check_money_request` takes it, or why it is not known.
    """
    spelled = sent.get("key") if isinstance(sent, dict) else None
    key = spelled if isinstance(spelled, str) else None
    if isinstance(currency, Failed):
        return BatchItem(key, currency.error)
    try:
        return BatchItem(key, _asked(sent, resource=resource, currency=currency))
    except Problem as problem:
        return BatchItem(key, problem)


def _asked(
    sent: JsonValue, *, resource: str, currency: Currency | None
) -> MoneyRequest[TransferBody]:
    wrong: tuple[FieldError, ...] = ()
    key, body = "", sent
    if isinstance(sent, dict):
        # What is left is the body of the single POST, and so is its fingerprint.
        body = {name: value for name, value in sent.items() if name != "key"}
        try:
            key = _key(sent)
        except Problem as problem:
            wrong = problem.errors
    try:
        asked = check_money_request(
            TransferBody,
            body,
            key=key,
            operation="transfer",
            resource=resource,
            currency=currency,
        )
    except Problem as problem:
        raise Problem.of_fields((*wrong, *problem.errors)) from problem
    if wrong:
        raise Problem.of_fields(wrong)
    return asked


def _key(sent: JsonObject) -> str:
    if "key" not in sent:
        raise Problem.of_field("/key", "missing", "This field is required.")
    spelled = sent["key"]
    if not isinstance(spelled, str):
        raise Problem.of_field("/key", "wrong_type", "Must be a string.")
    try:
        return parse_idempotency_key(spelled)
    except Problem as problem:
        detail = "Must be 1 to 255 visible ASCII characters, quoted or bare."
        raise Problem.of_field("/key", "invalid_value", detail) from problem
