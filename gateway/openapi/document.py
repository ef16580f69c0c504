"""The whole OpenAPI document."""

from collections.abc import Sequence
from inspect import getdoc
from typing import Any, Final

from gateway.openapi.answers import answers_of, anywhere
from gateway.openapi.requests import body_of, parameters_of, shared_parameters
from gateway.openapi.schemas import schemas_of
from gateway.operations import Route, Tag, Who

_SAYS: Final = """\
Moves money between wallets that live on different databases, and never loses or doubles a cent.

Amounts are strings in major units with the digits of their currency, such as `"12.50"`; times are
RFC 3339 in UTC. What moves money takes an `Idempotency-Key`: repeat a request whose answer was lost
with the same key. Errors are RFC 9457 problems with a stable `code`. To begin: register, log in,
deposit, and send.
"""


def document_of(routes: Sequence[Route]) -> dict[str, Any]:
    """The document that tells these routes, as JSON types; the same for the same code.

    Args:
        routes: all of the gateway's.
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Holdfast", "version": "1", "description": _SAYS},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag.value} for tag in Tag],
        "paths": {path: paths[path] for path in sorted(paths)},
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The `access_token` of `POST /v1/auth/login`, for 24 hours.",
                }
            },
            "parameters": shared_parameters(),
            "headers": _headers(),
            "responses": {"Anywhere": anywhere()},
            "schemas": schemas_of(routes),
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation = route.operation
    summary = operation.name.replace("_", " ")
    return {
        "operationId": operation.name,
        "tags": [operation.tag.value],
        "summary": summary[0].upper() + summary[1:],
        "description": f"{getdoc(route.handler) or ''}\n\nFor: {operation.who}.",
        "security": [] if operation.who is Who.ANYONE else [{"bearer": []}],
        "parameters": parameters_of(operation),
        **body_of(operation),
        "responses": answers_of(operation),
    }


def _headers() -> dict[str, Any]:
    return {
        "X-Trace-Id": _header("In our logs too: tell it to who helps you.", "^[0-9a-f]{32}$"),
        "X-RateLimit-Limit": _header("Requests that may come at once.", "^[0-9]+$"),
        "X-RateLimit-Remaining": _header("What is left of it.", "^[0-9]+$"),
        "X-RateLimit-Reset": _header("Seconds until all of it is there again.", "^[0-9]+$"),
        "Retry-After": _header("Seconds after which to repeat it, same key.", "^[0-9]+$"),
        "Idempotency-Replayed": _header("`true` when this is the first answer again.", "^true$"),
        "Location": _header("Where it is from now on.", None),
        "Link": _header('The next page, `rel="next"` (RFC 8288); not on the last.', None),
        "WWW-Authenticate": _header("RFC 6750.", None),
    }


def _header(says: str, pattern: str | None) -> dict[str, Any]:
    schema = {"type": "string"} if pattern is None else {"type": "string", "pattern": pattern}
    return {"description": says, "schema": schema}
