"""One user's refunds, replayed: how much of each transfer that it was paid by was given back."""

from collections import Counter
from collections.abc import Mapping

from reliability.checker.events import Event, Fault
from reliability.checker.invariants import Invariant
from reliability.checker.ledger import LedgerRow

_GIVES_UP = frozenset({"transfer.cancelled", "transfer.refunded"})


class RefundsReplay:
    """How much of each transfer is refunded or on its way, and how much was at the most.

    Args:
        rows: by id, for the amounts of what is refunded.
    """

    def __init__(self, rows: Mapping[str, LedgerRow]) -> None:
        self._rows = rows
        self._now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    def apply(self, event: Event, refunded: str) -> Fault | None:
        """Replays an event that is about a refund of this transfer; what is wrong with it."""
        if event.type in _GIVES_UP:
            self._now[refunded] -= event.amount
        if event.type != "transfer.held":
            return None
        self._now[refunded] += event.amount
        self.most[refunded] = max(self.most[refunded], self._now[refunded])
        row = self._rows.get(refunded)
        amount = row.amount if row is not None else 0
        if self._now[refunded] <= amount:
            return None
        told = f"{event.name} makes it {self._now[refunded]} of {amount}"
        return Fault(Invariant.REFUND_CAP, refunded, told)
