"""Reads the history of a run: every operation with its answer, typed and indexed."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from reliability.history import (
    FAULTS_FILE,
    HISTORY_FOLDER,
    Answer,
    Ask,
    AskBalance,
    AskMovement,
    AskOfTransfer,
    AskTransfer,
    FaultOutcome,
    Kind,
)

# A user and its idempotency key.
Key: TypeAlias = tuple[str, str]
# A user and a currency.
AccountKey: TypeAlias = tuple[str, str]

# Later than every time of a run: when an operation ended whose answer never came.
NEVER = 2**63


class HistoryError(Exception):
    """A file of the history is not what `reliability.history` says."""


@dataclass(frozen=True, slots=True)
class Op:
    """One operation: what was asked, when, and what came back; no answer is `status` None."""

    ask: Ask
    at: int
    answer: Answer
    answered_at: int

    @property
    def is_accepted(self) -> bool:
        """Whether it was answered with success."""
        return self.answer.status is not None and 200 <= self.answer.status < 300

    @property
    def is_refused(self) -> bool:
        """Whether it was answered with a definite no."""
        return self.answer.status is not None and 400 <= self.answer.status < 500


@dataclass(frozen=True, slots=True)
class History:
    """All operations of a run.

    Attributes:
        users: e-mail by id.
        requests: deposits, withdrawals and transfers by user and key, in the order they were asked.
        of_transfers: cancels and reads by transfer.
        balance_reads: the answered ones, by user and currency.
    """

    users: dict[str, str] = field(default_factory=dict)
    requests: dict[Key, list[Op]] = field(default_factory=lambda: defaultdict(list))
    of_transfers: dict[str, list[Op]] = field(default_factory=lambda: defaultdict(list))
    balance_reads: dict[AccountKey, list[Op]] = field(default_factory=lambda: defaultdict(list))


def read_history(run_folder: Path) -> History:
    """Reads all files of the folder `history`.

    Raises:
        HistoryError: there is none, or a line of it is wrong.
    """
    files = sorted((run_folder / HISTORY_FOLDER).glob("*.jsonl"))
    if not files:
        raise HistoryError(f"no *.jsonl in {run_folder / HISTORY_FOLDER}: name the run's folder")
    history = History()
    for file in files:
        _read_file(file, history)
    for ops in history.requests.values():
        ops.sort(key=lambda op: op.at)
    return history


def read_faults(run_folder: Path) -> list[str]:
    """The kind of every fault that was injected; what was not run is left out.

    Raises:
        HistoryError: a line of the file is wrong.
    """
    file = run_folder / FAULTS_FILE
    if not file.exists():
        return []
    return [
        _text(line, "kind")
        for line in _lines(file)
        if line.get("type") == "fault" and line.get("outcome") == FaultOutcome.INJECTED
    ]


def _read_file(file: Path, history: History) -> None:
    pending: dict[int, tuple[Ask, int]] = {}
    for line in _lines(file):
        try:
            match line["type"]:
                case "user":
                    history.users[_text(line, "user")] = _text(line, "email")
                case "invoke":
                    pending[_number(line, "op")] = (_ask(line), _number(line, "at"))
                case "answer":
                    ask, at = pending.pop(_number(line, "op"))
                    _put(history, Op(ask, at, _answer(line), _number(line, "at")))
        except (KeyError, ValueError) as error:
            raise HistoryError(f"{file}: {error!r} in {line}") from error
    for ask, at in pending.values():
        _put(history, Op(ask, at, Answer(status=None), NEVER))


def _put(history: History, op: Op) -> None:
    match op.ask:
        case AskMovement():
            history.requests[op.ask.user, op.ask.key].append(op)
        case AskTransfer():
            history.requests[op.ask.payer, op.ask.key].append(op)
        case AskOfTransfer():
            history.of_transfers[op.ask.transfer].append(op)
        case AskBalance():
            if op.is_accepted:
                history.balance_reads[op.ask.user, op.ask.currency].append(op)


def _lines(file: Path) -> Iterator[dict[str, object]]:
    with file.open(encoding="utf-8") as lines:
        for number, text in enumerate(lines, start=1):
            try:
                line = json.loads(text)
            except ValueError as error:
                if not text.endswith("\n"):
                    return  # Cut off: its process was killed while it wrote.
                raise HistoryError(f"{file}:{number} is not JSON: {error}") from error
            if not isinstance(line, dict):
                raise HistoryError(f"{file}:{number} is not an object")
            yield line


def _ask(line: dict[str, object]) -> Ask:
    kind = Kind(_text(line, "kind"))
    match kind:
        case Kind.DEPOSIT | Kind.WITHDRAWAL:
            return AskMovement(
                kind=kind,
                user=_text(line, "user"),
                currency=_text(line, "currency"),
                amount=_number(line, "amount"),
                key=_text(line, "key"),
            )
        case Kind.TRANSFER:
            return AskTransfer(
                payer=_text(line, "payer"),
                payee=_text(line, "payee"),
                currency=_text(line, "currency"),
                amount=_number(line, "amount"),
                key=_text(line, "key"),
                tag=_text_or_none(line, "tag"),
            )
        case Kind.CANCEL | Kind.READ_TRANSFER:
            return AskOfTransfer(
                kind=kind, transfer=_text(line, "transfer"), user=_text(line, "user")
            )
        case Kind.READ_BALANCE:
            return AskBalance(user=_text(line, "user"), currency=_text(line, "currency"))


def _answer(line: dict[str, object]) -> Answer:
    return Answer(
        status=_number_or_none(line, "status"),
        code=_text_or_none(line, "code"),
        id=_text_or_none(line, "id"),
        replayed=line.get("replayed") is True,
        transfer_status=_text_or_none(line, "transfer_status"),
        reason=_text_or_none(line, "reason"),
        balance=_number_or_none(line, "balance"),
        held=_number_or_none(line, "held"),
        version=_number_or_none(line, "version"),
    )


def _text(line: dict[str, object], name: str) -> str:
    value = line[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a string")  # noqa: TRY004 - of the file, not of a caller
    return value


def _number(line: dict[str, object], name: str) -> int:
    value = line[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} is not an integer")  # noqa: TRY004 - as above
    return value


def _text_or_none(line: dict[str, object], name: str) -> str | None:
    return None if line.get(name) is None else _text(line, name)


def _number_or_none(line: dict[str, object], name: str) -> int | None:
    return None if line.get(name) is None else _number(line, name)
