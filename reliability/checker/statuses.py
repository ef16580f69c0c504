"""The statuses that clients were shown, against each other and against the end."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from reliability.checker.findings import Findings
from reliability.checker.history import History, Op
from reliability.checker.invariants import Invariant
from reliability.checker.ledger import Ledger, LedgerRow
from reliability.history import Kind

_RANK = {"held": 0, "debited": 1, "completed": 2, "refunded": 2, "cancelled": 2, "rejected": 2}
_TERMINAL = 2
_CANCELLED_BY_PAYER = ("cancelled", "cancelled_by_payer")


@dataclass(frozen=True, slots=True)
class Seen:
    """A status that a client was shown, between `at` and `answered_at`."""

    status: str
    reason: str | None
    at: int
    answered_at: int


def statuses_seen(history: History) -> dict[str, list[Seen]]:
    """Every status that an answer showed, by transfer, in the order of the answers."""
    seen: dict[str, list[Seen]] = defaultdict(list)
    for ops in history.requests.values():
        for op in ops:
            if op.is_accepted and op.answer.id is not None and op.answer.transfer_status:
                _add(seen[op.answer.id], op)
    for transfer, ops in history.of_transfers.items():
        for op in ops:
            if op.is_accepted:
                _add(seen[transfer], op)
    for shown in seen.values():
        shown.sort(key=lambda one: one.answered_at)
    return seen


def check_statuses(history: History, ledger: Ledger, findings: Findings) -> None:
    """No status goes back, and no end changes or fails a cancel."""
    for transfer, shown in statuses_seen(history).items():
        row = ledger.by_id.get(transfer)
        findings.examine(Invariant.STATUS_FORWARD)
        found = _went_back(shown) or _contradiction(shown) or _unlike_the_end(shown, row)
        if found is not None:
            findings.violated(
                Invariant.STATUS_FORWARD,
                transfer,
                expected="held, debited, then one end that stays",
                found=found,
                shard=row.shard if row else "?",
            )
    for transfer, ops in history.of_transfers.items():
        for op in ops:
            if op.ask.kind is Kind.CANCEL:
                _check_cancel(op, ledger.by_id.get(transfer), transfer, findings)


def _add(shown: list[Seen], op: Op) -> None:
    if op.answer.transfer_status is not None:
        shown.append(Seen(op.answer.transfer_status, op.answer.reason, op.at, op.answered_at))


def _went_back(shown: list[Seen]) -> str | None:
    """A status that is behind one whose answer was there before this one was asked for."""
    answered, furthest = [one.answered_at for one in shown], list[Seen]()
    for one in shown:
        rank = _RANK.get(one.status)
        if rank is None:
            return f"{one.status}, which is no status"
        before = bisect_left(answered, one.at)
        if before and _RANK[furthest[before - 1].status] > rank:
            return f"{furthest[before - 1].status}, then {one.status}"
        is_further = not furthest or rank > _RANK[furthest[-1].status]
        furthest.append(one if is_further else furthest[-1])
    return None


def _contradiction(shown: list[Seen]) -> str | None:
    """Two ends, or a cancellation after the debit."""
    statuses = {one.status for one in shown}
    ends = {(one.status, one.reason) for one in shown if _RANK[one.status] == _TERMINAL}
    if len({status for status, _ in ends}) > 1:
        return f"ended as {_list(status for status, _ in ends)}"
    if len({reason for _, reason in ends if reason}) > 1:
        return f"ended because of {_list(str(reason) for _, reason in ends)}"
    if "cancelled" in statuses and "debited" in statuses:
        return "cancelled after it was debited"
    return None


def _unlike_the_end(shown: list[Seen], row: LedgerRow | None) -> str | None:
    if row is None:
        return f"{shown[-1].status} was shown, no row is there"
    for one in shown:
        ended = _RANK[one.status] == _TERMINAL
        if ended and (one.status, one.reason or row.reason) != (row.status, row.reason):
            return f"{one.status} ({one.reason}) was shown, its row is {row.status} ({row.reason})"
        if one.status == "held" and row.kind == Kind.CAPTURE:
            return "held was shown of a capture, which is born debited"
        if one.status == "debited" and row.status in ("held", "cancelled", "rejected"):
            return f"debited was shown, its row is {row.status}"
    return None


def _check_cancel(op: Op, row: LedgerRow | None, transfer: str, findings: Findings) -> None:
    end = (row.status, row.reason) if row else ("no row", None)
    match op.answer.status, op.answer.code:
        case 200, _:
            explained = end == _CANCELLED_BY_PAYER
        case 409, "already_debited":
            explained = end[0] in ("debited", "completed", "refunded")
        case 409, "already_final":
            explained = _RANK.get(end[0]) == _TERMINAL and end != _CANCELLED_BY_PAYER
        case _:
            return
    findings.examine(Invariant.END_EXPLAINS)
    if not explained:
        findings.violated(
            Invariant.END_EXPLAINS,
            transfer,
            expected=f"an end that explains {op.answer.status} {op.answer.code or ''}".rstrip(),
            found=" because of ".join(part for part in end if part),
            shard=row.shard if row else "?",
        )


def _list(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
