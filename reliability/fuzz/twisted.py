"""Requests of our own: a good one, with one thing in it that the document does not allow.

They are many and quick to make. That each is hostile is not taken for granted: the schema of the
body says so, or JSON itself, or the schema of a parameter.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import jsonschema_rs
import requests

from reliability.fuzz.hostile_values import BAD_KEYS, ODD_BYTES, ODD_TEXTS, ODD_VALUES
from reliability.fuzz.samples import sample
from reliability.fuzz.shot import Shot

Schema = Mapping[str, Any]

_JSON: Final = "application/json"


class Twister:
    """Makes hostile requests to one operation; the same ones for the same random numbers.

    Args:
        label: method and path pattern of the operation.
        operation: of the document.
        document: the whole of it.
        gateway: the address.
        there: what parts of the path may be, by name.
        token: of who asks.
        rng: what is drawn.
    """

    def __init__(  # noqa: PLR0913 - by name, and each of another kind
        self,
        label: str,
        operation: Schema,
        document: Schema,
        *,
        gateway: str,
        there: Mapping[str, str],
        token: str,
        rng: random.Random,
    ) -> None:
        self._label = label
        self._method, self._path = label.split(" ", 1)
        self._components = document["components"]
        self._there = there
        self._gateway = gateway
        self._token = token
        self._rng = rng
        self._query = [p for p in operation["parameters"] if p.get("in") == "query"]
        references = {p.get("$ref", "").rpartition("/")[2] for p in operation["parameters"]}
        self._has_key = "Idempotency-Key" in references
        self._body = _body_schema(operation)
        self._needs_body = operation.get("requestBody", {}).get("required", False)
        self._validator = (
            jsonschema_rs.validator_for({**self._body, "components": self._components})
            if self._body is not None
            else None
        )

    def shots(self) -> Iterator[Shot]:
        """Endlessly many requests; none where there is nothing to twist."""
        twists = self._twists()
        while twists:
            terms = self._rng.choice(twists)()
            if terms is not None:
                yield self._shot(terms)

    def _twists(self) -> "list[Callable[[], dict[str, Any] | None]]":
        twists: list[Callable[[], dict[str, Any] | None]] = []
        if self._body is not None:
            # Most of what can be wrong is in a body.
            twists += [self._twist_body] * 6 + [self._break_body]
        if self._has_key:
            twists.append(self._twist_key)
        if self._query:
            twists += [self._twist_query] * 6
        if twists:
            twists.append(self._add_query)
        if "{" in self._path:
            twists.append(self._twist_path)
        return twists

    # -- one twist each: what differs from the good request, or None where it turned out good ------

    def _twist_body(self) -> dict[str, Any] | None:
        assert self._body is not None
        assert self._validator is not None
        body = sample(self._body, self._components)
        self._twist(body, depth=self._rng.randrange(1, 3))
        return None if self._validator.is_valid(body) else {"data": _dumped(body)}

    def _twist(self, body: dict[str, Any], *, depth: int) -> None:
        for _ in range(depth):
            nested = body.get("transfers")
            # Of a batch as often an item as the whole.
            if isinstance(nested, list) and nested and self._rng.random() < 0.5:
                first = nested[0]
                if isinstance(first, dict):
                    self._twist_object(first)
                    continue
            self._twist_object(body)

    def _twist_object(self, body: dict[str, Any]) -> None:
        names = [*body, "amount", "status", "id", "metadata", "rounding", "reason", "role"]
        name = self._rng.choice(names)
        match self._rng.randrange(4):
            case 0:
                body.pop(name, None)
            case 1:
                body[self._rng.choice(ODD_TEXTS)] = body.get(name)
            case 2:
                body[name] = self._rng.choice(ODD_VALUES)
            case _:
                body[name] = self._odd_text()

    def _break_body(self) -> dict[str, Any] | None:
        good = _dumped(sample(self._body or {}, self._components))
        cut = good[: self._rng.randrange(1, max(len(good), 2))]
        broken = self._rng.choice((cut, cut + self._rng.randbytes(3), self._rng.choice(ODD_BYTES)))
        is_allowed = not broken and not self._needs_body
        return {"data": broken} if _is_no_object(broken) and not is_allowed else None

    def _twist_key(self) -> dict[str, Any]:
        return {"key": self._rng.choice(BAD_KEYS)}

    def _twist_query(self) -> dict[str, Any] | None:
        parameter = self._rng.choice(self._query)
        text = self._odd_text()
        if parameter["schema"].get("type") == "integer" and text.isdecimal():
            return None
        is_wrong = not jsonschema_rs.is_valid(parameter["schema"], text, validate_formats=True)
        return {"params": {parameter["name"]: text}} if is_wrong else None

    def _add_query(self) -> dict[str, Any]:
        return {"params": {f"x{self._odd_text()[:40]}": self._odd_text()[:200]}}

    def _twist_path(self) -> dict[str, Any] | None:
        name = self._rng.choice([name for name in self._there if f"{{{name}}}" in self._path])
        text = self._odd_text()[:300]
        return {"there": {**self._there, name: text}} if text.strip("./ ") else None

    def _odd_text(self) -> str:
        text = self._rng.choice(ODD_TEXTS)
        return text + self._rng.choice(ODD_TEXTS) if self._rng.random() < 0.5 else text

    def _shot(self, terms: Mapping[str, Any]) -> Shot:
        there = terms.get("there", self._there)
        path = self._path.format(**{name: quote(text, safe="") for name, text in there.items()})
        headers = {"Authorization": f"Bearer {self._token}"}
        data = terms.get("data")
        if self._body is not None:
            headers["Content-Type"] = _JSON
            if data is None:
                data = _dumped(sample(self._body, self._components))
        if self._has_key:
            headers["Idempotency-Key"] = terms.get("key", f"twist-{self._rng.getrandbits(64):x}")
        request = requests.Request(
            self._method,
            self._gateway + path,
            headers=headers,
            params=terms.get("params"),
            data=data,
        )
        return Shot(
            label=self._label,
            request=request.prepare(),
            is_excused=lambda _: False,
        )


def _body_schema(operation: Schema) -> Schema | None:
    body = operation.get("requestBody")
    return None if body is None else body["content"][_JSON]["schema"]


def _dumped(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=True).encode()


def _is_no_object(text: bytes) -> bool:
    try:
        return not isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return True
