"""Reading the fields of a JSON object, strictly for what is read and blind for what is not.

A field that is missing or of another type is a `ShapeError`; a field that nobody asks for is
ignored, so that a newer gateway may show more.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

import orjson

from client.answers import AnswerHead
from client.money import as_minor

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_TIME_LENGTH = len("2026-01-31T23:59:59.000001Z")
# Some years, after which nobody counts on anything.
_SECONDS_MAX = 10**9


class ShapeError(Exception):
    """What was read is not what the contract says; the text says what is wrong."""


class Fields:
    """The fields of one object; every method raises `ShapeError`.

    Args:
        value: the parsed JSON, whatever it is.
        answer: the answer that it was in.
        where: its place in the answer, for the text of errors.

    Attributes:
        answer: the same.
    """

    __slots__ = ("_object", "_where", "answer")

    def __init__(self, value: Any, answer: AnswerHead, *, where: str = "") -> None:
        if not isinstance(value, dict):
            raise ShapeError(f"{where or 'the body'} is no object")
        self._object = value
        self._where = where
        self.answer = answer

    def text(self, name: str) -> str:
        """A string."""
        return self._typed(name, str)

    def text_or_none(self, name: str) -> str | None:
        """A string or null."""
        return None if self._value(name) is None else self._typed(name, str)

    def integer(self, name: str) -> int:
        """An integer; a boolean is none."""
        if isinstance(self._value(name), bool):
            raise self._wrong(name)
        return self._typed(name, int)

    def seconds(self, name: str) -> int:
        """A duration that can be added to a time."""
        seconds = self.integer(name)
        if not 0 <= seconds <= _SECONDS_MAX:
            raise self._wrong(name)
        return seconds

    def truth(self, name: str) -> bool:
        """A boolean."""
        return self._typed(name, bool)

    def amount(self, name: str) -> str:
        """An amount in major units, as it is shown."""
        text = self.text(name)
        try:
            as_minor(text)
        except ValueError:
            raise self._wrong(name) from None
        return text

    def amount_or_none(self, name: str) -> str | None:
        """An amount or null."""
        return None if self._value(name) is None else self.amount(name)

    def time(self, name: str) -> datetime:
        """A time in UTC, spelled with six digits as the contract says."""
        text = self.text(name)
        if len(text) != _TIME_LENGTH or text[-1] != "Z":
            raise self._wrong(name)
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            raise self._wrong(name) from None

    def one_of(self, name: str, kind: type[E]) -> E:
        """A word of a closed set."""
        try:
            return kind(self.text(name))
        except ValueError:
            raise self._wrong(name) from None

    def words(self, name: str) -> Mapping[str, str]:
        """An object whose values are strings."""
        found = self._typed(name, dict)
        if not all(isinstance(value, str) for value in found.values()):
            raise self._wrong(name)
        return MappingProxyType(found)

    def list(self, name: str, read: "Callable[[Fields], T]") -> tuple[T, ...]:
        """An array of objects, each read by `read`."""
        where = f"{self._where}/{name}"
        return tuple(
            read(Fields(value, self.answer, where=f"{where}/{number}"))
            for number, value in enumerate(self._typed(name, list))
        )

    def texts(self, name: str) -> tuple[str, ...]:
        """An array of strings."""
        found = self._typed(name, list)
        if not all(isinstance(value, str) for value in found):
            raise self._wrong(name)
        return tuple(found)

    def inner(self, name: str) -> "Fields":
        """An object."""
        return Fields(self._value(name), self.answer, where=f"{self._where}/{name}")

    def has(self, name: str) -> bool:
        """Whether this field is there, and not null."""
        return self._object.get(name) is not None

    def _value(self, name: str) -> Any:
        try:
            return self._object[name]
        except KeyError:
            raise ShapeError(f"{self._where}/{name} is missing") from None

    def _typed(self, name: str, kind: type[T]) -> T:
        value = self._value(name)
        if not isinstance(value, kind):
            raise self._wrong(name)
        return value

    def _wrong(self, name: str) -> ShapeError:
        # The value is not told: it may be a name, an e-mail or a token.
        return ShapeError(f"{self._where}/{name} is not what the contract says")


def parse(body: bytes, answer: AnswerHead) -> Fields:
    """The object that a body holds.

    Raises:
        ShapeError: it is no JSON, or no object.
    """
    try:
        return Fields(orjson.loads(body), answer)
    except orjson.JSONDecodeError:
        raise ShapeError("the body is no JSON") from None
