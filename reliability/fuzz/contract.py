"""An OpenAPI document, held against answers: status, headers, body."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

_HEADERS = ("Idempotency-Replayed", "Location", "Link", "Retry-After", "WWW-Authenticate")


class UndocumentedAnswerError(AssertionError):
    """The gateway has answered with what its document does not tell."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What the document tells of one operation's answer with one status."""

    headers: Mapping[str, Any]
    bodies: Mapping[str, jsonschema_rs.Validator | None]


class _Operation:
    def __init__(self, path: str, told: Mapping[str, Any], components: Mapping[str, Any]) -> None:
        self.pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
        self._responses = told["responses"]
        self._components = components
        self._answers: dict[int, _Told] = {}

    def answer(self, status: int) -> _Told:
        """What is told of this status, or of any."""
        found = self._answers.get(status)
        if found is None:
            found = self._answers[status] = self._read(str(status))
        return found

    def _read(self, status: str) -> _Told:
        # A request that cannot be read is answered before it is known what it asks for.
        anywhere = self._components["responses"]["Anywhere"]
        response = self._responses.get(status) or anywhere
        return _Told(
            headers=response.get("headers", {}),
            bodies={
                media: self._validator(content["schema"]) if "json" in media else None
                for media, content in response.get("content", {}).items()
            },
        )

    def _validator(self, schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
        whole = {**schema, "components": self._components}
        return jsonschema_rs.validator_for(whole, validate_formats=True)


class Contract:
    """What a document tells of every answer.

    Args:
        document: an OpenAPI document, as JSON types.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._operations: dict[str, list[_Operation]] = {}
        components = _closed(document["components"])
        # Those without parts that vary first: they are meant where both fit.
        for path in sorted(document["paths"], key=lambda path: ("{" in path, path)):
            for method, told in document["paths"][path].items():
                operation = _Operation(path, _closed(told), components)
                self._operations.setdefault(method.upper(), []).append(operation)

    def check(
        self, method: str, path: str, *, status: int, headers: Mapping[str, str], body: Any
    ) -> None:
        """Compares an answer with the document; what is no route of it is not compared.

        Args:
            method: of the request.
            path: of the request, with or without a query.
            status: of the answer.
            headers: of the answer.
            body: the parsed JSON of the answer; None without one.

        Raises:
            UndocumentedAnswerError: it says something else.
        """
        bare = path.partition("?")[0]
        candidates = self._operations.get(method, ())
        operation = next((one for one in candidates if one.pattern.fullmatch(bare)), None)
        if operation is None:
            return
        told = operation.answer(status)
        where = f"{method} {path} -> {status}"
        _check_headers(where, told, headers)
        media = headers.get("Content-Type", "").partition(";")[0]
        if body is not None or media:
            _check_body(where, told, media, body)


def _closed(told: Any) -> Any:
    """The same, in which no object has a field that is not told.

    Clients ignore those, so the document lets a newer gateway show more; this one may not.
    """
    if isinstance(told, list):
        return [_closed(one) for one in told]
    if not isinstance(told, dict):
        return told
    closed = {name: _closed(one) for name, one in told.items()}
    if told.get("type") == "object" and "properties" in told:
        closed.setdefault("additionalProperties", False)
    return closed


def _check_headers(where: str, told: _Told, headers: Mapping[str, str]) -> None:
    if "X-Trace-Id" not in headers:
        raise UndocumentedAnswerError(f"{where}: no X-Trace-Id")
    stray = [name for name in _HEADERS if name in headers and name not in told.headers]
    if stray:
        raise UndocumentedAnswerError(f"{where}: {stray} are not told")


def _check_body(where: str, told: _Told, media: str, body: Any) -> None:
    if media not in told.bodies and "*/*" not in told.bodies:
        raise UndocumentedAnswerError(f"{where}: {media} is not told")
    validator = told.bodies.get(media)
    errors = [] if validator is None else [str(error) for error in validator.iter_errors(body)]
    if errors:
        raise UndocumentedAnswerError(f"{where}: {body}: {errors}")
