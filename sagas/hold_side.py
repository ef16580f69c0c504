"""The payer's side of a hold that exists: its row and what it reserves, changed together.

Capture, void and expiry differ in what they decide; what a decision does to the money is here.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sagas.events import HOLD_STATUS, hold_data
from sagas.hold_states import HoldEvent, hold_transition
from shards.book import Book
from shards.holds import Hold, change_holds
from shards.writes import Write


class HoldSide:
    """Holds of payers, and what steps do to them, for one transaction.

    Args:
        book: the accounts of their payers.
        holds: by id, as they were read.
    """

    def __init__(self, book: Book, holds: Mapping[UUID, Hold]) -> None:
        self._book = book
        self._before = holds
        self._holds = dict(holds)

    def find(self, hold_id: UUID, *, payer_id: UUID) -> Hold | None:
        """The hold as this transaction has it so far, if it is this payer's."""
        hold = self._holds.get(hold_id)
        return hold if hold is not None and hold.payer_id == payer_id else None

    def has_expired(self, hold: Hold) -> bool:
        """Whether its expiry has passed by the database's clock."""
        return hold.expires_at <= self._book.now

    def time_of(self, hold: Hold) -> datetime:
        """Now; the clock may have been set back since, the times of a hold stay in order.

        Those of its captures are not before their debits, and these are entries of its account.
        """
        last_at = self._book.account(hold.payer_id, hold.currency).last_at
        return max(self._book.now, hold.created_at, last_at or hold.created_at)

    def capture(self, hold: Hold, amount: int, *, is_final: bool) -> None:
        """Frees `amount` minor units for the debit that follows, and the rest with the last one.

        Args:
            hold: open, as `find` gave it.
            amount: no more than remains of it.
            is_final: whether nothing is to be captured after this.
        """
        assert 0 < amount <= hold.remaining, "the step has looked"
        self._book.release(hold.payer_id, hold.currency, amount)
        captured = hold.after_capture(amount)
        self._holds[hold.id] = captured
        if is_final or not captured.remaining:
            self.end(captured, HoldEvent.CAPTURE)

    def end(self, hold: Hold, event: HoldEvent) -> Hold:
        """Ends an open hold, lets go of what is left of it, and tells it.

        What is left counts as spent no more, on the day on which it was reserved.
        """
        status, rest = hold_transition(hold.status, event), hold.remaining
        if rest:
            self._book.release(hold.payer_id, hold.currency, rest)
            self._book.unspend(hold.payer_id, hold.currency, rest, on=hold.created_at.date())
        ended = hold.after_end(status, at=self.time_of(hold))
        self._holds[hold.id] = ended
        self._book.tell(
            HOLD_STATUS[status],
            user_id=hold.payer_id,
            data=hold_data(ended),
            traceparent=hold.traceparent,
        )
        return ended

    def writes(self) -> list[Write]:
        """The holds to write; one that is not as decided on raises `StaleHoldError`."""
        return change_holds(
            [
                (before, self._holds[id_])
                for id_, before in self._before.items()
                if self._holds[id_] is not before
            ]
        )
