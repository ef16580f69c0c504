"""Reads the history of a run: every operation with its answer, typed and indexed."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias

from reliability.checker.lines import HistoryError, answer_of, ask_of, number, read_lines, text
from reliability.history import (
    FAULTS_FILE,
    HISTORY_FOLDER,
    Answer,
    Ask,
    AskBalance,
    AskHold,
    AskKeyed,
    AskLimit,
    AskMovement,
    AskOfHold,
    AskOfTransfer,
    AskPart,
    AskTransfer,
    FaultOutcome,
)

# A user and a currency.
AccountKey: TypeAlias = tuple[str, str]

# Later than every time of a run: when an operation ended whose answer never came.
NEVER = 2**63


class Key(NamedTuple):
    """An idempotency key: of a wallet, and of who asks."""

    wallet: str
    caller: str
    key: str


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
        requests: what has a key, by its key, in the order it was asked.
        of_transfers: cancels and reads by transfer.
        of_holds: voids and reads by hold.
        limits: spending limits that were asked for, by user and currency.
        balance_reads: the answered ones, by user and currency.
    """

    users: dict[str, str] = field(default_factory=dict)
    requests: dict[Key, list[Op]] = field(default_factory=lambda: defaultdict(list))
    of_transfers: dict[str, list[Op]] = field(default_factory=lambda: defaultdict(list))
    of_holds: dict[str, list[Op]] = field(default_factory=lambda: defaultdict(list))
    limits: dict[AccountKey, list[Op]] = field(default_factory=lambda: defaultdict(list))
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
        text(line, "kind")
        for line in read_lines(file)
        if line.get("type") == "fault" and line.get("outcome") == FaultOutcome.INJECTED
    ]


def key_of(ask: AskKeyed) -> Key:
    """Whose key a request has."""
    match ask:
        case AskMovement():
            return Key(ask.user, ask.user, ask.key)
        case AskTransfer() | AskHold():
            return Key(ask.payer, ask.payer, ask.key)
        case AskPart():
            return Key(ask.payer, ask.user, ask.key)


def _read_file(file: Path, history: History) -> None:
    pending: dict[int, tuple[Ask, int]] = {}
    for line in read_lines(file):
        try:
            match line["type"]:
                case "user":
                    history.users[text(line, "user")] = text(line, "email")
                case "invoke":
                    pending[number(line, "op")] = (ask_of(line), number(line, "at"))
                case "answer":
                    ask, at = pending.pop(number(line, "op"))
                    _put(history, Op(ask, at, answer_of(line), number(line, "at")))
        except (KeyError, ValueError) as error:
            raise HistoryError(f"{file}: {error!r} in {line}") from error
    for ask, at in pending.values():
        _put(history, Op(ask, at, Answer(status=None), NEVER))


def _put(history: History, op: Op) -> None:
    match op.ask:
        case AskMovement() | AskTransfer() | AskHold() | AskPart() as ask:
            history.requests[key_of(ask)].append(op)
        case AskOfTransfer():
            history.of_transfers[op.ask.transfer].append(op)
        case AskOfHold():
            history.of_holds[op.ask.hold].append(op)
        case AskLimit():
            history.limits[op.ask.user, op.ask.currency].append(op)
        case AskBalance():
            if op.is_accepted:
                history.balance_reads[op.ask.user, op.ask.currency].append(op)
