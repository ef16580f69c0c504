"""Lines of a history's files, and what they say, typed."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from reliability.history import (
    Answer,
    Ask,
    AskBalance,
    AskHold,
    AskLimit,
    AskMovement,
    AskOfHold,
    AskOfTransfer,
    AskPart,
    AskTransfer,
    Kind,
)

Line: TypeAlias = dict[str, object]


class HistoryError(Exception):
    """A file of the history is not what `reliability.history` says."""


def read_lines(file: Path) -> Iterator[Line]:
    """Each line of a file; a last one that was cut off is left out.

    Raises:
        HistoryError: a line is no JSON object.
    """
    with file.open(encoding="utf-8") as lines:
        for count, one in enumerate(lines, start=1):
            try:
                line = json.loads(one)
            except ValueError as error:
                if not one.endswith("\n"):
                    return  # Cut off: its process was killed while it wrote.
                raise HistoryError(f"{file}:{count} is not JSON: {error}") from error
            if not isinstance(line, dict):
                raise HistoryError(f"{file}:{count} is not an object")
            yield line


def ask_of(line: Line) -> Ask:
    """What an invoke asks for.

    Raises:
        KeyError, ValueError: a field is missing, or is something else.
    """
    kind = Kind(text(line, "kind"))
    return _READERS[kind](line, kind)


def answer_of(line: Line) -> Answer:
    """What an answer says.

    Raises:
        KeyError, ValueError: a field is something else.
    """
    return Answer(
        status=_number_or_none(line, "status"),
        code=_text_or_none(line, "code"),
        id=_text_or_none(line, "id"),
        replayed=line.get("replayed") is True,
        transfer_status=_text_or_none(line, "transfer_status"),
        reason=_text_or_none(line, "reason"),
        amount=_number_or_none(line, "amount"),
        hold_status=_text_or_none(line, "hold_status"),
        captured=_number_or_none(line, "captured"),
        remaining=_number_or_none(line, "remaining"),
        refunded=_number_or_none(line, "refunded"),
        refunds=_texts_or_none(line, "refunds"),
        daily=_number_or_none(line, "daily"),
        balance=_number_or_none(line, "balance"),
        held=_number_or_none(line, "held"),
        version=_number_or_none(line, "version"),
    )


def text(line: Line, name: str) -> str:
    """A field that is a string.

    Raises:
        KeyError, ValueError: it is missing, or is something else.
    """
    return _as_text(line[name], name)


def number(line: Line, name: str) -> int:
    """A field that is an integer.

    Raises:
        KeyError, ValueError: it is missing, or is something else.
    """
    value = line[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} is not an integer")  # noqa: TRY004 - of the file, not of a caller
    return value


def _movement(line: Line, kind: Kind) -> Ask:
    return AskMovement(
        kind=kind,
        user=text(line, "user"),
        currency=text(line, "currency"),
        amount=number(line, "amount"),
        key=text(line, "key"),
    )


def _transfer(line: Line, _kind: Kind) -> Ask:
    return AskTransfer(
        payer=text(line, "payer"),
        payee=text(line, "payee"),
        currency=text(line, "currency"),
        amount=number(line, "amount"),
        key=text(line, "key"),
        tag=_text_or_none(line, "tag"),
    )


def _hold(line: Line, _kind: Kind) -> Ask:
    return AskHold(
        payer=text(line, "payer"),
        payee=text(line, "payee"),
        currency=text(line, "currency"),
        amount=number(line, "amount"),
        key=text(line, "key"),
        expires_in_s=_number_or_none(line, "expires_in_s"),
    )


def _part(line: Line, kind: Kind) -> Ask:
    return AskPart(
        kind=kind,
        part_of=text(line, "part_of"),
        user=text(line, "user"),
        payer=text(line, "payer"),
        payee=text(line, "payee"),
        currency=text(line, "currency"),
        key=text(line, "key"),
        amount=_number_or_none(line, "amount"),
        final=_flag_or_none(line, "final"),
    )


def _of_transfer(line: Line, kind: Kind) -> Ask:
    return AskOfTransfer(kind=kind, transfer=text(line, "transfer"), user=text(line, "user"))


def _of_hold(line: Line, kind: Kind) -> Ask:
    return AskOfHold(kind=kind, hold=text(line, "hold"), user=text(line, "user"))


def _limit(line: Line, _kind: Kind) -> Ask:
    return AskLimit(
        user=text(line, "user"),
        currency=text(line, "currency"),
        operator=text(line, "operator"),
        daily=_number_or_none(line, "daily"),
    )


def _balance(line: Line, _kind: Kind) -> Ask:
    return AskBalance(user=text(line, "user"), currency=text(line, "currency"))


_READERS: Mapping[Kind, Callable[[Line, Kind], Ask]] = {
    Kind.DEPOSIT: _movement,
    Kind.WITHDRAWAL: _movement,
    Kind.TRANSFER: _transfer,
    Kind.CANCEL: _of_transfer,
    Kind.READ_TRANSFER: _of_transfer,
    Kind.HOLD: _hold,
    Kind.CAPTURE: _part,
    Kind.VOID: _of_hold,
    Kind.READ_HOLD: _of_hold,
    Kind.REFUND: _part,
    Kind.SET_LIMIT: _limit,
    Kind.READ_BALANCE: _balance,
}


def _as_text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a string")  # noqa: TRY004 - as above
    return value


def _text_or_none(line: Line, name: str) -> str | None:
    return None if line.get(name) is None else text(line, name)


def _texts_or_none(line: Line, name: str) -> tuple[str, ...] | None:
    values = line.get(name)
    if values is None:
        return None
    if not isinstance(values, list):
        raise ValueError(f"{name} is not a list")  # noqa: TRY004 - as above
    return tuple(_as_text(value, name) for value in values)


def _number_or_none(line: Line, name: str) -> int | None:
    return None if line.get(name) is None else number(line, name)


def _flag_or_none(line: Line, name: str) -> bool | None:
    value = line.get(name)
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"{name} is not true or false")
    return value
