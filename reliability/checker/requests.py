"""The history against the ledger: what was answered to each key, and the rows it left.

2xx: exactly one row. A refusal that belongs to its key: one rejected row. Any other 4xx: none. No
answer, or a 5xx: none or one.
"""

from collections.abc import Sequence

from reliability.checker.findings import Findings
from reliability.checker.history import History, Op
from reliability.checker.invariants import Invariant
from reliability.checker.ledger import Ledger, LedgerRow
from reliability.history import AskHold, AskMovement, AskPart, AskTransfer

_RECORDED = frozenset(
    {
        "insufficient_funds",
        "limit_exceeded",
        "unknown_payee",
        "payee_closed",
        "payer_frozen",
        "payer_closed",
    }
)
_REUSED = "idempotency_key_reused"


def check_requests(history: History, ledger: Ledger, findings: Findings) -> None:
    """Holds every key of the history against its rows, and every row against the history."""
    for key, ops in history.requests.items():
        by = f" of {key.caller}" if key.caller != key.wallet else ""
        name = f"{key.wallet} key {key.key}{by}"
        subject = _Subject(name, ledger.shard_of(key.wallet), findings)
        _check_key(ops, ledger.by_key.get(key, []), subject)
    for row in ledger.rows:
        if row.user in history.users:
            findings.examine(Invariant.ROW_WAS_ASKED)
            if row.key_of not in history.requests:
                findings.violated(
                    Invariant.ROW_WAS_ASKED,
                    row.id,
                    expected=f"a request for it in the history, by {row.caller}",
                    found=f"{_tell_row(row)} under key {row.key}, which no client used",
                    shard=row.shard,
                )


def check_users(history: History, ledger: Ledger, findings: Findings) -> None:
    """Every user that a client was told of is there."""
    for user, email in history.users.items():
        findings.examine(Invariant.USER_KEPT)
        found = [known for _, known in ledger.users.get(user, ())]
        # The gateway stores one spelling of it.
        if [known.lower() for known in found] != [email.lower()]:
            findings.violated(
                Invariant.USER_KEPT,
                user,
                expected=email,
                found=", ".join(found) or "no such user",
                shard=ledger.shard_of(user),
            )


class _Subject:
    """One key: says what is wrong with it."""

    def __init__(self, name: str, shard: str, findings: Findings) -> None:
        self._name = name
        self._shard = shard
        self._findings = findings

    def examine(self, invariant: Invariant) -> None:
        self._findings.examine(invariant)

    def violated(self, invariant: Invariant, *, expected: str, found: str) -> None:
        self._findings.violated(
            invariant, self._name, expected=expected, found=found, shard=self._shard
        )


def _check_key(ops: Sequence[Op], rows: list[LedgerRow], subject: _Subject) -> None:
    subject.examine(Invariant.KEY_ONE_EFFECT)
    if len(rows) > 1:
        subject.violated(
            Invariant.KEY_ONE_EFFECT, expected="one row at the most", found=_tell(rows)
        )
    ids = {op.answer.id for op in ops if op.is_accepted}
    subject.examine(Invariant.KEY_ONE_ID)
    if len(ids) > 1:
        subject.violated(
            Invariant.KEY_ONE_ID,
            expected="one id in all answers",
            found=", ".join(sorted(map(str, ids))),
        )
    for op in ops:
        if op.is_accepted:
            _check_accepted(op, rows, subject)
        elif op.is_refused:
            _check_refused(op, rows, subject)
    _check_origin(ops, rows, subject)


def _check_accepted(op: Op, rows: list[LedgerRow], subject: _Subject) -> None:
    subject.examine(Invariant.ACCEPTED_ONCE)
    row = next((row for row in rows if row.id == op.answer.id), None)
    if row is None or row.status == "rejected":
        subject.violated(
            Invariant.ACCEPTED_ONCE,
            expected=f"a row {op.answer.id}, for the answer {op.answer.status}",
            found=_tell(rows),
        )
    elif not _is_as_asked(op, row):
        subject.violated(Invariant.ROW_AS_ASKED, expected=_tell_ask(op), found=_tell_row(row))


def _check_refused(op: Op, rows: list[LedgerRow], subject: _Subject) -> None:
    if op.answer.code in _RECORDED:
        subject.examine(Invariant.REFUSAL_RECORDED)
        if [(row.status, row.reason) for row in rows] != [("rejected", op.answer.code)]:
            subject.violated(
                Invariant.REFUSAL_RECORDED,
                expected=f"one row, rejected because of {op.answer.code}",
                found=_tell(rows),
            )
    elif op.answer.code == _REUSED and not rows:
        subject.violated(
            Invariant.REFUSAL_RECORDED,
            expected="a row of the request that used the key first",
            found=_tell(rows),
        )


def _check_origin(ops: Sequence[Op], rows: list[LedgerRow], subject: _Subject) -> None:
    """A row comes from a try that may have made it."""
    able = [op for op in ops if not op.is_refused or op.answer.code in _RECORDED]
    if not able:
        subject.examine(Invariant.REFUSED_NO_ROW)
        if rows:
            codes = ", ".join(sorted({str(op.answer.code) for op in ops}))
            subject.violated(
                Invariant.REFUSED_NO_ROW, expected=f"no row, for {codes}", found=_tell(rows)
            )
        return
    for row in rows:
        subject.examine(Invariant.ROW_AS_ASKED)
        if not any(_is_as_asked(op, row) for op in able):
            subject.violated(
                Invariant.ROW_AS_ASKED, expected=_tell_ask(able[0]), found=_tell_row(row)
            )


def _is_as_asked(op: Op, row: LedgerRow) -> bool:
    match op.ask:
        case AskMovement() as ask:
            return (row.kind, row.currency, row.amount) == (ask.kind, ask.currency, ask.amount)
        case AskTransfer() | AskHold() as ask:
            asked = (ask.kind, ask.currency, ask.amount)
            return (row.kind, row.currency, row.amount) == asked and _is_to(ask.payee, row)
        case AskPart() as ask:
            # What takes all that is left is told how much that was.
            amounts = {told for told in (ask.amount, op.answer.amount) if told is not None}
            part = (ask.kind, ask.currency, ask.part_of)
            is_part = (row.kind, row.currency, row.part_of) == part and amounts <= {row.amount}
            return is_part and _is_to(ask.payee, row)
        case _:
            return False


def _is_to(payee: str, row: LedgerRow) -> bool:
    return row.payee == payee or (row.payee is None and row.status == "rejected")


def _tell(rows: Sequence[LedgerRow]) -> str:
    return "; ".join(_tell_row(row) for row in rows) or "no row"


def _tell_row(row: LedgerRow) -> str:
    to = f" to {row.payee}" if row.payee else ""
    why = f" because of {row.reason}" if row.reason else ""
    of = f" of {row.part_of}" if row.part_of else ""
    return f"{row.kind}{of} {row.id} of {row.amount} {row.currency}{to}, {row.status}{why}"


def _tell_ask(op: Op) -> str:
    match op.ask:
        case AskTransfer() | AskHold() as ask:
            return f"{ask.kind.value} of {ask.amount} {ask.currency} to {ask.payee}"
        case AskPart() as ask:
            amount = op.answer.amount if ask.amount is None else ask.amount
            what = f"{ask.kind.value} of {ask.part_of}"
            return f"{what} of {amount or 'all'} {ask.currency} to {ask.payee}"
        case AskMovement() as ask:
            return f"{ask.kind.value} of {ask.amount} {ask.currency}"
        case ask:
            return str(ask)
