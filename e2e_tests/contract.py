"""Every answer that a test sees is one that the OpenAPI document tells: status, headers, body."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs

from gateway.openapi import document_of
from tests.unit.openapi_text import routes

# A request that cannot be read is answered before it is known what it asks for.
_ANYWHERE = "default"


class UndocumentedAnswerError(AssertionError):
    """The gateway has answered with what its document does not tell."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What the document tells of one operation's answer."""

    headers: Mapping[str, Any]
    bodies: Mapping[str, jsonschema_rs.Validator | None]


class _Operation:
    def __init__(self, path: str, told: Mapping[str, Any], document: Mapping[str, Any]) -> None:
        self.pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
        self._responses = told["responses"]
        self._document = document
        self._answers: dict[str, _Told] = {}

    def answer(self, status: str) -> _Told:
        """What is told of this status, or of any."""
        found = self._answers.get(status)
        if found is None:
            found = self._answers[status] = self._read(status)
        return found

    def _read(self, status: str) -> _Told:
        response = (
            self._responses.get(status) or self._document["components"]["responses"]["Anywhere"]
        )
        return _Told(
            headers=response.get("headers", {}),
            bodies={
                media: self._validator(content["schema"]) if "json" in media else None
                for media, content in response.get("content", {}).items()
            },
        )

    def _validator(self, schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
        whole = {**schema, "components": self._document["components"]}
        return jsonschema_rs.validator_for(whole, validate_formats=True)


@cache
def _operations() -> Mapping[str, list[_Operation]]:
    document = document_of(routes())
    found: dict[str, list[_Operation]] = {}
    # Those without parts that vary first: they are meant where both fit.
    for path in sorted(document["paths"], key=lambda path: ("{" in path, path)):
        for method, told in document["paths"][path].items():
            found.setdefault(method.upper(), []).append(_Operation(path, told, document))
    return found


def check_answer(
    method: str, path: str, *, status: int, headers: Mapping[str, str], body: Any
) -> None:
    """Compares an answer with the document; what is no route is not compared.

    Args:
        path: with or without a query.
        body: the parsed JSON; None without one.

    Raises:
        UndocumentedAnswerError: it says something else.
    """
    bare = path.partition("?")[0]
    candidates = _operations().get(method, ())
    operation = next((one for one in candidates if one.pattern.fullmatch(bare)), None)
    if operation is None:
        return
    told = operation.answer(str(status))
    media = headers.get("Content-Type", "").partition(";")[0]
    where = f"{method} {path} -> {status}"
    if body is not None or media:
        if media not in told.bodies and "*/*" not in told.bodies:
            raise UndocumentedAnswerError(f"{where}: {media} is not told")
        validator = told.bodies.get(media)
        errors = [] if validator is None else [str(e) for e in validator.iter_errors(body)]
        if errors:
            raise UndocumentedAnswerError(f"{where}: {body}: {errors}")
    _check_headers(where, told, headers)


def _check_headers(where: str, told: _Told, headers: Mapping[str, str]) -> None:
    if "X-Trace-Id" not in headers:
        raise UndocumentedAnswerError(f"{where}: no X-Trace-Id")
    ours = ("Idempotency-Replayed", "Location", "Link", "Retry-After", "WWW-Authenticate")
    stray = [name for name in ours if name in headers and name not in told.headers]
    if stray:
        raise UndocumentedAnswerError(f"{where}: {stray} are not told")
