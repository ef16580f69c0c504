"""Requests that move a part of what is there already, a hold or a transfer: currency and all."""

from typing import Generic, TypeVar
from uuid import UUID

from aiohttp import web

from gateway.headers import require_idempotency_key
from gateway.json_body import fingerprint, read_optional_json
from gateway.query import parse_no_query
from gateway.schemas import PartBody, parse_amounts
from shards.records import record

_BodyT = TypeVar("_BodyT", bound=PartBody)


@record
class PartRequest(Generic[_BodyT]):
    """A request whose form is right."""

    key: str
    body: _BodyT
    fingerprint: bytes


async def read_part_request(
    request: web.Request, model: type[_BodyT], *, operation: str, resource: UUID, decimals: int
) -> PartRequest[_BodyT]:
    """Reads and checks a request, after its sender and what it is about were checked.

    Args:
        request: the whole of it.
        model: what the body should be; none at all is an empty one.
        operation: what is asked for; with `resource` and the body it makes the fingerprint.
        resource: the hold or the transfer it is a part of.
        decimals: of the currency that is moved.

    Raises:
        Problem: 400, 413, 415 or 422.
    """
    key = require_idempotency_key(request.headers)
    sent = await read_optional_json(request)
    parse_no_query(request.query)
    body = parse_amounts(model, sent, decimals=decimals)
    return PartRequest(key=key, body=body, fingerprint=fingerprint(operation, str(resource), sent))
