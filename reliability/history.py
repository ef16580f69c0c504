"""The history: what clients asked and what they were told, as files that outlive both.

JSON lines, one file per client process, in the folder `history` of a run. Times are nanoseconds of
`CLOCK_MONOTONIC` on one machine (`time.monotonic_ns()`), amounts are minor units as JSON integers,
ids are UUIDs in lower case. Readers ignore fields they do not know.

    {"type": "user", "user": ID, "email": "..."}                       a user that was made (201)
    {"type": "invoke", "op": 17, "client": 3, "at": NS, "kind": KIND, ...}
        deposit, withdrawal:    "user", "currency", "amount", "key"
        transfer:               "payer", "payee", "currency", "amount", "key",
                                and if there is one "expires_in_s", "tag"
        cancel, read_transfer:  "transfer", "user"
        read_balance:           "user", "currency"
    {"type": "answer", "op": 17, "at": NS, "status": 202 | null, "code": "..." | null, ...}
        deposit, withdrawal, transfer:  "id", "replayed"; a transfer "transfer_status" too
        read_balance:                   "balance", "held", "version"
        read_transfer, cancel:          "transfer_status", "reason"

Status null is no answer (a timeout, a connection that was cut), and so is an invoke without its
answer: what happened is unknown. Each try of the same key is an operation of its own. The tag
`powers` marks transfers whose amounts are powers of four: their sum tells each one's count.

What was done to the system stands beside that folder, in `faults.jsonl`:

    {"type": "fault", "kind": "kill_worker", "at": NS, "ended_at": NS, "target": "...",
     "outcome": "injected" | "not_run" | "came_to_nothing", "detail": "..."}
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

HISTORY_FOLDER = "history"
FAULTS_FILE = "faults.jsonl"
TAG_POWERS = "powers"


class Kind(StrEnum):
    """What a client asks for."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER = "transfer"
    CANCEL = "cancel"
    READ_TRANSFER = "read_transfer"
    READ_BALANCE = "read_balance"


class FaultOutcome(StrEnum):
    """Whether a fault happened: only one that was injected counts."""

    INJECTED = "injected"
    NOT_RUN = "not_run"  # The machine does not allow it, whatever is tried.
    CAME_TO_NOTHING = "came_to_nothing"  # It could have happened and did not: busy, or no effect.


@dataclass(frozen=True, slots=True, kw_only=True)
class AskMovement:
    """A deposit or a withdrawal."""

    kind: Kind
    user: str
    currency: str
    amount: int
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskTransfer:
    """A transfer; `payee` is a user id, of a user or of nobody."""

    kind: Kind = Kind.TRANSFER
    payer: str
    payee: str
    currency: str
    amount: int
    key: str
    expires_in_s: int | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskOfTransfer:
    """A cancel or a read of one transfer, by its payer or its payee."""

    kind: Kind
    transfer: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskBalance:
    """A read of one balance."""

    kind: Kind = Kind.READ_BALANCE
    user: str
    currency: str


Ask: TypeAlias = AskMovement | AskTransfer | AskOfTransfer | AskBalance


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; `status` None when nothing did. A field that an answer has not is None."""

    status: int | None
    code: str | None = None
    id: str | None = None
    replayed: bool | None = None
    transfer_status: str | None = None
    reason: str | None = None
    balance: int | None = None
    held: int | None = None
    version: int | None = None


class HistoryWriter:
    """Writes one client process's file, line by line: what was said is on disk if it is killed.

    Args:
        path: in the run's folder `history`; must not exist.
        clock: nanoseconds; monotonic, and the same for all files of a run.
    """

    def __init__(self, path: Path, *, clock: Callable[[], int] = time.monotonic_ns) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("x", encoding="utf-8", buffering=1)
        self._clock = clock
        self._ops = 0

    def user(self, *, user: str, email: str) -> None:
        """A user was made."""
        self._write({"type": "user", "user": user, "email": email})

    def invoke(self, ask: Ask, *, client: int) -> int:
        """Call it right before sending; returns the number to answer it by."""
        self._ops += 1
        at = self._clock()
        line = {"type": "invoke", "op": self._ops, "client": client, "at": at}
        self._write(line | _present(ask))
        return self._ops

    def answer(self, op: int, answer: Answer) -> None:
        """Call it right after the answer was read, or given up."""
        at = self._clock()
        line = {"type": "answer", "op": op, "at": at, "status": answer.status, "code": answer.code}
        self._write(line | _present(answer))

    def close(self) -> None:
        """Ends the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _write(self, line: dict[str, object]) -> None:
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")


def _present(said: Ask | Answer) -> dict[str, object]:
    return {name: value for name, value in asdict(said).items() if value is not None}
