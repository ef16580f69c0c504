"""What every request that moves money brings along: its key, its body, its fingerprint."""

from typing import Generic, TypeVar

import orjson
from aiohttp import web

from gateway.currencies import Currencies
from gateway.headers import require_idempotency_key
from gateway.json_body import JsonValue, fingerprint, read_json
from gateway.problems import Problem
from gateway.query import parse_no_query
from gateway.schemas import MoneyBody, named_currency, parse_money_body
from shards.currencies import Currency
from shards.records import record

_BodyT = TypeVar("_BodyT", bound=MoneyBody)


@record
class MoneyRequest(Generic[_BodyT]):
    """A request whose form is right.

    Attributes:
        metadata: as JSON text; None when there is none.
        obstacle: `currency_disabled`, which stands only when the key is new.
    """

    key: str
    body: _BodyT
    fingerprint: bytes
    metadata: str | None
    obstacle: Problem | None


async def read_money_request(
    request: web.Request, model: type[_BodyT], *, operation: str, currencies: Currencies
) -> MoneyRequest[_BodyT]:
    """Reads and checks a request, after its sender and its wallet were checked.

    The fingerprint is over the operation, the path of the resource and the body as it was sent.

    Raises:
        Problem: 400, 413, 415 or 422.
        ShardTransientError: the currency's shard is away, and the currency was never seen.
    """
    key = require_idempotency_key(request.headers)
    sent = await read_json(request)
    parse_no_query(request.query)
    code = named_currency(sent)
    return check_money_request(
        model,
        sent,
        key=key,
        operation=operation,
        resource=request.match_info["user_id"].lower(),
        currency=await currencies.find(code) if code is not None else None,
    )


def check_money_request(
    model: type[_BodyT],
    sent: JsonValue,
    *,
    key: str,
    operation: str,
    resource: str,
    currency: Currency | None,
) -> MoneyRequest[_BodyT]:
    """Checks a body that was read.

    Args:
        model: what the body should be.
        sent: the parsed JSON, without the key.
        key: the idempotency key.
        operation: what is asked for; with `resource` and `sent` it makes the fingerprint.
        resource: the wallet, as it is spelled in lower case.
        currency: the one that `named_currency` of `sent` names; None if there is none such.

    Raises:
        Problem: 422 that names every wrong field.
    """
    body = parse_money_body(model, sent, decimals=currency.decimals if currency else None)
    disabled = currency is not None and not currency.enabled
    return MoneyRequest(
        key=key,
        body=body,
        fingerprint=fingerprint(operation, resource, sent),
        metadata=orjson.dumps(body.metadata).decode() if body.metadata else None,
        obstacle=_disabled() if disabled else None,
    )


def _disabled() -> Problem:
    return Problem.of_field("/currency", "currency_disabled", "The currency is disabled.")
