"""What was accepted is there for those whom it concerns, and is never told away afterwards."""

from collections.abc import Iterator

from reliability.checker.findings import Findings
from reliability.checker.history import NEVER, History, Op
from reliability.checker.invariants import Invariant
from reliability.checker.ledger import Ledger
from reliability.history import (
    Ask,
    AskHold,
    AskOfHold,
    AskOfTransfer,
    AskPart,
    AskTransfer,
    Kind,
)

_TOLD_AWAY = (403, 404)

_OF_PAYER = (Kind.READ_TRANSFER, Kind.CANCEL)
_OF_PAYEE = (Kind.READ_TRANSFER, Kind.REFUND)
_OF_HOLDS_PAYER = (Kind.READ_HOLD, Kind.CAPTURE)
_OF_HOLDS_PAYEE = (Kind.READ_HOLD, Kind.CAPTURE, Kind.VOID)


def check_access(history: History, ledger: Ledger, findings: Findings) -> None:
    """Whoever may do something with what was accepted is told neither 403 nor 404."""
    accepted = _accepted_at(history)
    for op in _operations(history):
        subject = _subject(op.ask)
        if subject is None:
            continue
        user, id_ = subject
        if op.at <= accepted.get((op.ask.kind, user, id_), NEVER):
            continue
        findings.examine(Invariant.ACCEPTED_SHOWN)
        if op.answer.status in _TOLD_AWAY:
            findings.violated(
                Invariant.ACCEPTED_SHOWN,
                id_,
                expected="what was accepted before it was asked for",
                found=f"{op.answer.status} {op.answer.code or ''}, to a {op.ask.kind}",
                shard=ledger.shard_of(user),
            )


def _accepted_at(history: History) -> dict[tuple[Kind, str, str], int]:
    """From when on a user may do something with a transfer or a hold."""
    first: dict[tuple[Kind, str, str], int] = {}
    for ops in history.requests.values():
        for op in ops:
            if op.is_accepted and op.answer.id is not None:
                for kind, user in _allowed(op.ask):
                    known = first.get((kind, user, op.answer.id), NEVER)
                    first[kind, user, op.answer.id] = min(known, op.answered_at)
    return first


def _allowed(ask: Ask) -> Iterator[tuple[Kind, str]]:
    """What may be done with what a request made, and by whom."""
    match ask:
        case AskTransfer() | AskPart():
            yield from ((kind, ask.payer) for kind in _OF_PAYER)
            yield from ((kind, ask.payee) for kind in _OF_PAYEE)
        case AskHold():
            yield from ((kind, ask.payer) for kind in _OF_HOLDS_PAYER)
            yield from ((kind, ask.payee) for kind in _OF_HOLDS_PAYEE)


def _operations(history: History) -> Iterator[Op]:
    for index in (history.requests, history.of_transfers, history.of_holds):
        for ops in index.values():
            yield from ops


def _subject(ask: Ask) -> tuple[str, str] | None:
    """Who asks about which transfer or hold."""
    match ask:
        case AskOfTransfer():
            return ask.user, ask.transfer
        case AskOfHold():
            return ask.user, ask.hold
        case AskPart():
            return ask.user, ask.part_of
        case _:
            return None
