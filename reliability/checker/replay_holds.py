"""One user's holds, replayed: what each captured, and its one end."""

from dataclasses import dataclass

from reliability.checker.events import Event, Fault
from reliability.checker.invariants import Invariant

# The captured part is debited by the transfers that are its captures.
HOLD_ENDS = frozenset({"hold.captured", "hold.voided", "hold.expired"})


@dataclass(slots=True)
class ReplayedHold:
    """A hold as events tell it.

    Attributes:
        told: how much its end said was captured.
        closing: the transaction of its end, whose own capture is told after it.
    """

    amount: int
    captured: int = 0
    status: str = "open"
    told: int = 0
    closing: str | None = None


class HoldsReplay:
    """Holds by id."""

    def __init__(self) -> None:
        self.holds: dict[str, ReplayedHold] = {}

    def apply(self, event: Event, id_: str) -> Fault | None:
        """Replays an event that is about this hold; what is wrong with it."""
        told = self._apply(event, id_)
        return Fault(Invariant.REPLAY_HOLD, id_, f"{event.name} {told}") if told else None

    def _apply(self, event: Event, id_: str) -> str | None:
        if event.type in ("hold.open", "hold.rejected"):
            return self._begin(event, id_)
        hold = self.holds.get(id_)
        if hold is None:
            return "is of a hold that was never opened"
        if event.type == "transfer.debited":
            return _capture(event, hold)
        if event.type in HOLD_ENDS:
            return _end(event, hold)
        return None

    def _begin(self, event: Event, id_: str) -> str | None:
        if id_ in self.holds:
            return "opens what was there"
        self.holds[id_] = ReplayedHold(event.amount, status=event.type.removeprefix("hold."))
        return None


def _capture(event: Event, hold: ReplayedHold) -> str | None:
    hold.captured += event.amount
    if hold.captured > hold.amount:
        return f"makes it {hold.captured} captured of {hold.amount}"
    is_closing = hold.closing == event.transaction and hold.captured <= hold.told
    if hold.status != "open" and not is_closing:
        return f"captures of a hold that was {hold.status}"
    return None


def _end(event: Event, hold: ReplayedHold) -> str | None:
    if hold.status != "open":
        return f"ends a hold that was {hold.status}"
    hold.status, hold.told = event.type.removeprefix("hold."), event.captured
    if hold.status == "captured":
        hold.closing = event.transaction
        return None
    if hold.captured != event.captured:
        return f"says {event.captured} captured, and {hold.captured} were"
    return None
