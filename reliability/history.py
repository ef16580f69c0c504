"""The history: what clients asked and what they were told, as files that outlive both.

JSON lines, one file per client process, in the folder `history` of a run. Times are nanoseconds of
`CLOCK_MONOTONIC` on one machine (`time.monotonic_ns()`), amounts are minor units as JSON integers,
ids are UUIDs in lower case. Readers ignore fields they do not know.

    {"type": "user", "user": ID, "email": "..."}                       a user that was made (201)
    {"type": "invoke", "op": 17, "client": 3, "at": NS, "kind": KIND, ...}
        deposit, withdrawal:    "user", "currency", "amount", "key"
        transfer:               "payer", "payee", "currency", "amount", "key",
                                and if there is one "expires_in_s", "tag"
        hold:                   "payer", "payee", "currency", "amount", "key", "expires_in_s" too
        capture, refund:        "part_of" (the hold, the transfer), "payer", "payee", "currency",
                                "key", "user" (who asks), and if there is one "amount", "final"
        cancel, read_transfer:  "transfer", "user"
        void, read_hold:        "hold", "user"
        set_limit:              "user", "currency", "operator", and if there is a limit "daily"
        read_balance:           "user", "currency"
    {"type": "answer", "op": 17, "at": NS, "status": 202 | null, "code": "..." | null, ...}
        deposit, withdrawal:    "id", "replayed"
        transfer:               the same, and "transfer_status"
        capture, refund:        the same, and "amount"
        hold:                   "id", "replayed", "hold_status", "captured", "remaining"
        void, read_hold:        "hold_status", "captured", "remaining"
        read_transfer, cancel:  "transfer_status", "reason"; a read also "refunded", "refunds"
        set_limit:              "daily" where there is a limit
        read_balance:           "balance", "held", "version"

Status null is no answer (a timeout, a connection that was cut), and so is an invoke without its
answer: what happened is unknown. Each try of the same key is an operation of its own. A key is one
of a wallet (that of the payer) and of who asks. The tag `powers` marks transfers whose amounts are
powers of four: their sum tells each one's count.

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
    HOLD = "hold"
    CAPTURE = "capture"
    VOID = "void"
    READ_HOLD = "read_hold"
    REFUND = "refund"
    SET_LIMIT = "set_limit"
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
class AskHold:
    """A hold: money that is reserved for captures."""

    kind: Kind = Kind.HOLD
    payer: str
    payee: str
    currency: str
    amount: int
    key: str
    expires_in_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPart:
    """A capture of a hold, or a refund of a transfer: a part of it, or all that is left of it.

    Attributes:
        part_of: the hold, or the transfer that is refunded.
        user: who asks.
        payer, payee: from whom to whom it moves; of a refund, the payee and the payer of the
            transfer.
        amount: None takes all that is left.
        final: of a capture, whether it is the last; None is as if it were.
    """

    kind: Kind
    part_of: str
    user: str
    payer: str
    payee: str
    currency: str
    key: str
    amount: int | None = None
    final: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskOfTransfer:
    """A cancel or a read of one transfer, by its payer or its payee."""

    kind: Kind
    transfer: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskOfHold:
    """A void or a read of one hold, by its payer, its payee or an operator."""

    kind: Kind
    hold: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskLimit:
    """A spending limit of an account, by an operator; `daily` None takes it away."""

    kind: Kind = Kind.SET_LIMIT
    user: str
    currency: str
    operator: str
    daily: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskBalance:
    """A read of one balance."""

    kind: Kind = Kind.READ_BALANCE
    user: str
    currency: str


# What has a key.
AskKeyed: TypeAlias = AskMovement | AskTransfer | AskHold | AskPart
Ask: TypeAlias = AskKeyed | AskOfTransfer | AskOfHold | AskLimit | AskBalance


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; `status` None when nothing did. A field that an answer has not is None.

    Attributes:
        amount: what a capture or a refund takes, which its request may leave out.
        captured, remaining: of a hold.
        refunded, refunds: what came back of a transfer, and by which transfers.
        daily: the spending limit that was set.
    """

    status: int | None
    code: str | None = None
    id: str | None = None
    replayed: bool | None = None
    transfer_status: str | None = None
    reason: str | None = None
    amount: int | None = None
    hold_status: str | None = None
    captured: int | None = None
    remaining: int | None = None
    refunded: int | None = None
    refunds: tuple[str, ...] | None = None
    daily: int | None = None
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
