"""What an operation is answered with: what it shows, and every problem, grouped by status."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from gateway.openapi.schemas import Schema, alternatives, reference
from gateway.operations import BodyOperation, Operation, Shown, Who
from gateway.problems import CONTENT_TYPE, KINDS, ProblemDocument

# What any request may be told, also one that is none, before it is known what it asks for.
ANYWHERE: Final = (
    "bad_request",
    "method_not_allowed",
    "request_timeout",
    "expectation_failed",
    "head_too_large",
    "internal_error",
    "too_many_connections",
)
_BODY = (
    "malformed_json",
    "request_timeout",
    "body_too_large",
    "unsupported_media_type",
    "missing",
    "unknown_field",
    "wrong_type",
    "invalid_value",
)
_COUNTED = ("rate_limited", "shard_unavailable", "busy", "unknown_field")


def codes_of(operation: Operation) -> frozenset[str]:
    """Every code that this operation may be refused with, those of any request left out."""
    codes = set(operation.refusals)
    if operation.is_counted:
        codes.update(_COUNTED)
    if operation.who is not Who.ANYONE:
        codes.update(("unauthenticated", "invalid_token"))
    if "{" in operation.path:
        codes.add("not_found")
    if operation.query:
        codes.add("invalid_value")
    if any(parameter.required for parameter in operation.query):
        codes.add("missing")
    if isinstance(operation, BodyOperation):
        codes.update(_BODY)
    if operation.has_key:
        codes.update(("missing_header", "invalid_header", "idempotency_key_reused"))
    return frozenset(codes)


def answers_of(operation: Operation) -> dict[str, Any]:
    """The `responses` of an operation."""
    answers = {str(status): _shown(operation, one) for status, one in operation.shown.items()}
    statuses = sorted({KINDS[code][0] for code in codes_of(operation)})
    for status in statuses:
        told = (*codes_of(operation), *ANYWHERE)
        codes = [code for code in KINDS if code in told and KINDS[code][0] == status]
        answers[str(status)] = _refused(operation, status, codes)
    return {**answers, "default": {"$ref": "#/components/responses/Anywhere"}}


def anywhere() -> dict[str, Any]:
    """The answer that any request may get, whatever it asks for."""
    return {
        "description": f"What any request may be told: {_listed(ANYWHERE)}.",
        "headers": _headers("X-Trace-Id"),
        "content": {CONTENT_TYPE: {"schema": _problem_with(ANYWHERE)}},
    }


def _shown(operation: Operation, shown: Shown) -> dict[str, Any]:
    names = ["X-Trace-Id", *_counted(operation)]
    if operation.has_key:
        names.append("Idempotency-Replayed")
    if shown.locates:
        names.append("Location")
    names.extend(shown.headers)
    if shown.is_page:
        names.append("Link")
    answer: dict[str, Any] = {"description": shown.says, "headers": _headers(*names)}
    if shown.media is not None:
        answer["content"] = {shown.media: {"schema": _schema_of(shown)}}
    return answer


def _schema_of(shown: Shown) -> Schema:
    if shown.view is None:
        return {"type": "object"} if shown.media == "application/json" else {"type": "string"}
    views = [reference(view) for view in alternatives(shown.view)]
    item = views[0] if len(views) == 1 else {"anyOf": views}
    return _page(item) if shown.is_page else item


def _page(item: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {
            "data": {"type": "array", "items": item},
            "next_cursor": {
                "description": "Where the next page begins; null on the last.",
                "anyOf": [{"type": "string"}, {"type": "null"}],
            },
        },
        "required": ["data", "next_cursor"],
    }


def _refused(operation: Operation, status: int, codes: Iterable[str]) -> dict[str, Any]:
    names = ["X-Trace-Id", *_counted(operation)]
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        names.append("Retry-After")
    if status == HTTPStatus.UNAUTHORIZED:
        names.append("WWW-Authenticate")
    if operation.has_key and status == HTTPStatus.UNPROCESSABLE_ENTITY:
        names.append("Idempotency-Replayed")
    told = tuple(codes)
    return {
        "description": f"{_listed(told)}.",
        "headers": _headers(*names),
        "content": {CONTENT_TYPE: {"schema": _problem_with(told)}},
    }


def _counted(operation: Operation) -> tuple[str, ...]:
    if not operation.is_counted:
        return ()
    return ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _problem_with(codes: Iterable[str]) -> Schema:
    return {
        "allOf": [
            reference(ProblemDocument),
            {"properties": {"code": {"enum": list(codes)}}},
        ]
    }


def _listed(codes: Iterable[str]) -> str:
    return ", ".join(f"`{code}`" for code in codes)
