"""Refunds that clients were shown or refused, against the refunds that there are."""

from collections import defaultdict
from dataclasses import dataclass

from reliability.checker.findings import Findings
from reliability.checker.history import NEVER, History, Op
from reliability.checker.invariants import Invariant
from reliability.checker.ledger import Ledger
from reliability.checker.registers import Replayed
from reliability.checker.statuses import statuses_seen
from reliability.history import AskPart, Kind


@dataclass(frozen=True, slots=True)
class _Told:
    """When clients were first told that a transfer is completed, and of the refunds of each."""

    completed_at: dict[str, int]
    refunds: dict[str, set[str]]

    def is_completed(self, transfer: str, *, before: int) -> bool:
        """Whether anybody knew it then."""
        return self.completed_at.get(transfer, NEVER) < before


def check_refunds(history: History, ledger: Ledger, replayed: Replayed, findings: Findings) -> None:
    """What transfers showed of their refunds, and why some were refused."""
    told = _told(history)
    for transfer, ops in history.of_transfers.items():
        reads = [op for op in ops if op.answer.refunds is not None]
        for read in reads:
            known = {
                refund
                for refund in told.refunds[transfer]
                if told.is_completed(refund, before=read.at)
            }
            for earlier in reads:
                if earlier.answered_at < read.at:
                    known.update(earlier.answer.refunds or ())
            _check_read(transfer, read, known, ledger, findings)
    for ops in history.requests.values():
        for op in ops:
            if isinstance(op.ask, AskPart) and op.ask.kind is Kind.REFUND and op.is_refused:
                wrong = _unexplained(op, op.ask, told, ledger, replayed)
                _check_refusal(op, op.ask, wrong, ledger, findings)


def _told(history: History) -> _Told:
    refunds: dict[str, set[str]] = defaultdict(set)
    for ops in history.requests.values():
        for op in ops:
            is_refund = isinstance(op.ask, AskPart) and op.ask.kind is Kind.REFUND
            if is_refund and op.is_accepted and op.answer.id is not None:
                assert isinstance(op.ask, AskPart)
                refunds[op.ask.part_of].add(op.answer.id)
    completed_at = {
        transfer: min(one.answered_at for one in shown if one.status == "completed")
        for transfer, shown in statuses_seen(history).items()
        if any(one.status == "completed" for one in shown)
    }
    return _Told(completed_at, refunds)


def _check_read(
    transfer: str, read: Op, known: set[str], ledger: Ledger, findings: Findings
) -> None:
    findings.examine(Invariant.REFUND_LINKED)
    shown = set(read.answer.refunds or ())
    rows = [row for id_ in shown if (row := ledger.by_id.get(id_)) is not None]
    true = [
        row
        for row in rows
        if (row.kind, row.part_of, row.status) == (Kind.REFUND, transfer, "completed")
    ]
    if missing := known - shown:
        found = f"nothing of {', '.join(sorted(missing))}, which had been told"
    elif len(true) != len(shown):
        others = shown - {row.id for row in true}
        found = f"{', '.join(sorted(others))}, which is no refund of it that arrived"
    elif read.answer.refunded != sum(row.amount for row in true):
        found = f"{read.answer.refunded}, its refunds are {sum(row.amount for row in true)}"
    else:
        return
    row = ledger.by_id.get(transfer)
    findings.violated(
        Invariant.REFUND_LINKED,
        transfer,
        expected="the refunds of it that arrived, and their sum",
        found=found,
        shard=row.shard if row else "?",
    )


def _unexplained(
    op: Op, ask: AskPart, told: _Told, ledger: Ledger, replayed: Replayed
) -> str | None:
    """What does not fit a refusal; None where it fits."""
    transfer = ask.part_of
    row = ledger.by_id.get(transfer)
    if op.answer.code == "not_completed" and told.is_completed(transfer, before=op.at):
        return "it had been told that it is completed"
    is_too_large = op.answer.code == "refund_too_large"
    if is_too_large and row is not None and ask.payer not in replayed.left_out:
        least = row.amount - replayed.refunded_most[transfer]
        if (ask.amount or 1) <= least:
            return f"{least} of it were always left"
    return None


def _check_refusal(
    op: Op, ask: AskPart, wrong: str | None, ledger: Ledger, findings: Findings
) -> None:
    findings.examine(Invariant.REFUND_REFUSED)
    if wrong is not None:
        findings.violated(
            Invariant.REFUND_REFUSED,
            ask.part_of,
            expected=f"a transfer that explains {op.answer.code} to a refund",
            found=wrong,
            shard=ledger.shard_of(ask.payer),
        )
