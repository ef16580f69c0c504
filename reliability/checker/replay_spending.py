"""One account's spending, replayed: what counts on a UTC day, and what the limit allowed then."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from reliability.checker.events import Event, Fault
from reliability.checker.invariants import Invariant
from reliability.checker.ledger import LedgerRow
from reliability.checker.replay_holds import HOLD_ENDS

_SPENDS = frozenset({"transfer.held", "hold.open", "movement.withdrawn"})
_REFUSED = frozenset({"transfer.rejected", "hold.rejected", "movement.rejected"})
_GIVES_BACK = frozenset({"transfer.cancelled", "transfer.refunded"}) | HOLD_ENDS
# What there is to be replayed here.
SPENDING = _SPENDS | _REFUSED | _GIVES_BACK | {"account.limit_set"}


@dataclass(slots=True, kw_only=True)
class Spending:
    """What an account has spent on the last day on which it spent, and its limit.

    Attributes:
        subject: the account, as it is told of.
        rows: by id, for the days on which they count.
        limits: all that were set, in their order.
        limited, refused: how often it spent under a limit, and how often it was refused.
    """

    subject: str
    rows: Mapping[str, LedgerRow]
    spent: int = 0
    day: date | None = None
    limits: list[int | None] = field(default_factory=list)
    limited: int = 0
    refused: int = 0

    @property
    def daily(self) -> int | None:
        """The limit that stands; None where there is none."""
        return self.limits[-1] if self.limits else None

    def apply(self, event: Event, *, available: int) -> Fault | None:
        """Replays an event of this account; what is wrong with it.

        Args:
            event: the next one of SPENDING.
            available: what could be spent before it.
        """
        if event.type == "account.limit_set":
            self.limits.append(event.daily)
        elif event.type in _SPENDS:
            return self._spend(event)
        elif event.type in _REFUSED:
            return self._refuse(event, available)
        elif self._day_of(event) == self.day:
            self.spent -= _given_back(event)
        return None

    def _spend(self, event: Event) -> Fault | None:
        day = self._day_of(event)
        if self.day is not None and day < self.day:
            return self._fault(event, f"counts on {day}, and {self.day} had begun")
        if day != self.day:
            self.day, self.spent = day, 0
        self.spent += event.amount
        self.limited += self.daily is not None
        if self.daily is None or self.spent <= self.daily:
            return None
        return self._fault(event, f"makes it {self.spent} on {day}, the limit was {self.daily}")

    def _refuse(self, event: Event, available: int) -> Fault | None:
        self.refused += 1
        if event.reason == "insufficient_funds" and event.amount <= available:
            return self._refusal(event, f"{available} were available")
        if event.reason != "limit_exceeded":
            return None
        # A clock that was set back does not begin the day anew.
        is_same_day = self.day is not None and self._day_of(event) <= self.day
        spent = self.spent if is_same_day else 0
        if self.daily is None or spent + event.amount <= self.daily:
            return self._refusal(event, f"{spent} were spent, the limit was {self.daily}")
        return None

    def _day_of(self, event: Event) -> date:
        """The day on which it counts: of a capture that of its hold."""
        row = self.rows.get(event.hold or event.source)
        # Rows that are missing are told of elsewhere.
        return row.day if row is not None else self.day or date.min

    def _fault(self, event: Event, told: str) -> Fault:
        return Fault(Invariant.LIMIT_KEPT, self.subject, f"{event.name} of {event.amount} {told}")

    def _refusal(self, event: Event, told: str) -> Fault:
        told = f"{event.name} of {event.amount} because of {event.reason}, where {told}"
        return Fault(Invariant.REFUSAL_DUE, self.subject, told)


def _given_back(event: Event) -> int:
    """Of a hold what was not captured, of a transfer all of it."""
    return event.amount - event.captured if event.type in HOLD_ENDS else event.amount
