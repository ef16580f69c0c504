"""What clients asked of each hold, and what they were shown of it."""

from collections import defaultdict
from dataclasses import dataclass, field

from reliability.checker.history import NEVER, History, Op
from reliability.history import AskHold, AskPart, Kind


@dataclass(frozen=True, slots=True)
class SeenHold:
    """A hold as a client was shown it, between `at` and `answered_at`."""

    status: str
    captured: int | None
    remaining: int | None
    at: int
    answered_at: int


@dataclass(slots=True)
class OfHold:
    """All that clients asked of one hold.

    Attributes:
        seen: in the order of the answers.
        taken: when each accepted capture was first told, with its amount, by its id.
        has_expiry: whether it was to expire soon: clocks may disagree on whether it has.
    """

    seen: list[SeenHold] = field(default_factory=list)
    captures: list[Op] = field(default_factory=list)
    voids: list[Op] = field(default_factory=list)
    taken: dict[str, tuple[int, int]] = field(default_factory=dict)
    has_expiry: bool = False


def holds_seen(history: History) -> dict[str, list[SeenHold]]:
    """Every hold that an answer showed, in the order of the answers."""
    return {id_: of.seen for id_, of in asked_of_holds(history).items()}


def asked_of_holds(history: History) -> dict[str, OfHold]:
    """All that was asked of each hold, by its id."""
    of_holds: dict[str, OfHold] = defaultdict(OfHold)
    for ops in history.requests.values():
        for op in ops:
            _put(op, of_holds)
    for id_, ops in history.of_holds.items():
        of_holds[id_].voids += [op for op in ops if op.ask.kind is Kind.VOID]
        for op in ops:
            _see(of_holds[id_], op)
    for of in of_holds.values():
        of.seen.sort(key=lambda one: one.answered_at)
    return of_holds


def ends_hold(ask: AskPart) -> bool:
    """Whether a capture leaves nothing of its hold."""
    return ask.final is not False or ask.amount is None


def _put(op: Op, of_holds: dict[str, OfHold]) -> None:
    if isinstance(op.ask, AskHold) and op.is_accepted and op.answer.id is not None:
        of_holds[op.answer.id].has_expiry = op.ask.expires_in_s is not None
        _see(of_holds[op.answer.id], op)
    elif isinstance(op.ask, AskPart) and op.ask.kind is Kind.CAPTURE:
        _take(of_holds[op.ask.part_of], op.ask, op)


def _take(of: OfHold, ask: AskPart, op: Op) -> None:
    of.captures.append(op)
    if not op.is_accepted or op.answer.id is None:
        return
    first, _ = of.taken.get(op.answer.id, (NEVER, 0))
    of.taken[op.answer.id] = (min(first, op.answered_at), op.answer.amount or 0)
    if ends_hold(ask):
        of.seen.append(SeenHold("captured", None, None, op.at, op.answered_at))


def _see(of: OfHold, op: Op) -> None:
    shown = op.answer
    if op.is_accepted and shown.hold_status is not None:
        of.seen.append(
            SeenHold(shown.hold_status, shown.captured, shown.remaining, op.at, op.answered_at)
        )
