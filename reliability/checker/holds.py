"""The holds that clients were shown, against each other, and against how they ended."""

from bisect import bisect_left
from itertools import accumulate

from reliability.checker.findings import Findings
from reliability.checker.history import History, Op
from reliability.checker.holds_seen import OfHold, asked_of_holds, ends_hold
from reliability.checker.invariants import Invariant
from reliability.checker.ledger import Ledger, LedgerRow
from reliability.history import AskOfHold, AskPart, Kind

_OPEN = "open"
_ENDS = frozenset({"captured", "voided", "expired"})


def check_holds(history: History, ledger: Ledger, findings: Findings) -> None:
    """No hold goes back, and each has one end, which fits what every client was told."""
    by_hold = asked_of_holds(history)
    for id_, of in by_hold.items():
        row = ledger.by_id.get(id_)
        shard = row.shard if row else "?"
        findings.examine(Invariant.HOLD_FORWARD)
        found = _went_back(of) or _unlike_the_row(of, row)
        if found is not None:
            findings.violated(
                Invariant.HOLD_FORWARD,
                id_,
                expected="open, more and more of it captured, then one end that stays",
                found=found,
                shard=shard,
            )
        for op in (*of.captures, *of.voids):
            wrong = _unexplained(op, of, row)
            findings.examine(Invariant.HOLD_END)
            if wrong is not None:
                answer = f"{op.answer.status} {op.answer.code or ''}".rstrip()
                findings.violated(
                    Invariant.HOLD_END,
                    id_,
                    expected=f"a hold that explains {answer} to a {op.ask.kind}",
                    found=wrong,
                    shard=shard,
                )
    for row in ledger.rows:
        if row.kind == Kind.HOLD and row.status == "voided" and row.user in history.users:
            _check_voided(row, by_hold.get(row.id, OfHold()), findings)


def _check_voided(row: LedgerRow, of: OfHold, findings: Findings) -> None:
    """Somebody asked for it."""
    findings.examine(Invariant.HOLD_END)
    if all(op.is_refused for op in of.voids):
        findings.violated(
            Invariant.HOLD_END,
            row.id,
            expected="an end that was asked for",
            found="voided, and no void may have done it",
            shard=row.shard,
        )


def _went_back(of: OfHold) -> str | None:
    """A hold that is behind what was told before it was asked for."""
    answered = [one.answered_at for one in of.seen]
    over = list(accumulate((one.status != _OPEN for one in of.seen), max))
    most = list(accumulate((one.captured or 0 for one in of.seen), max))
    taken = sorted(of.taken.values())
    told = list(accumulate(amount for _, amount in taken))
    for one in of.seen:
        before = bisect_left(answered, one.at)
        if before and over[before - 1] and one.status == _OPEN:
            return "open, after it was over"
        captures = bisect_left(taken, (one.at, 0))
        least = max(most[before - 1] if before else 0, told[captures - 1] if captures else 0)
        if one.captured is not None and one.captured < least:
            return f"{one.captured} captured, after {least} were"
    return None


def _unlike_the_row(of: OfHold, row: LedgerRow | None) -> str | None:
    for one in of.seen:
        if row is None:
            return f"{one.status} was shown, no row is there"
        if one.status not in (_OPEN, row.status):
            return f"{one.status} was shown, its row is {row.status}"
        if one.captured is None:
            continue
        is_over = one.status != _OPEN
        if one.captured > row.captured or (is_over and one.captured != row.captured):
            return f"{one.captured} captured was shown, its row has {row.captured}"
        left = 0 if is_over else row.amount - one.captured
        if one.remaining != left:
            return f"{one.status} with {one.remaining} left was shown, {left} were"
    return None


def _unexplained(op: Op, of: OfHold, row: LedgerRow | None) -> str | None:
    """What of the hold does not fit an answer; None where it fits."""
    status, captured, amount = (
        (row.status, row.captured, row.amount) if row is not None else ("no row", 0, 0)
    )
    match op.ask, op.answer.code:
        case AskPart() as ask, None if op.is_accepted:
            may_be = {"captured"} if ends_hold(ask) else {_OPEN, *_ENDS}
            is_explained = status in may_be
        case AskPart(), "hold_closed":
            is_explained = status in _ENDS or (status == _OPEN and of.has_expiry)
        case AskPart() as ask, "capture_too_large":
            is_explained = (ask.amount or 0) > amount - captured
        case AskOfHold(), None if op.is_accepted:
            is_explained = status == "voided"
        case AskOfHold(), "hold_closed":
            is_explained = status in ("captured", "expired")
        case _:
            return None
    return None if is_explained else f"{status}, {captured} captured"
