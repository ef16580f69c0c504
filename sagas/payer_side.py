"""The payer's side of a transfer that exists: its row and its money, changed together.

Try-confirm, settle and cancel differ in what they decide; what a decision does to the money is
here, once.
"""

from collections import defaultdict
from datetime import datetime
from uuid import UUID

from sagas.events import TRANSFER_STATUS, transfer_data
from sagas.states import TERMINAL, Event, Reason, Status, transition
from shards.book_rows import EntryKind
from shards.opening import Sides
from shards.refunds import RefundedChange, change_refunded
from shards.transfers import StatusChange, Transfer, change_statuses
from shards.users import UserStatus
from shards.writes import Write


class PayerSide:
    """Transfers of payers, and what steps do to them, for one transaction.

    Args:
        sides: the payers, their accounts, and their transfers.
    """

    def __init__(self, sides: Sides) -> None:
        self._users = sides.users
        self._book = sides.book
        self._transfers = dict(sides.transfers)
        self._changes: list[StatusChange] = []
        self._refunded: defaultdict[UUID, RefundedChange] = defaultdict(RefundedChange)

    @property
    def now(self) -> datetime:
        """The database's clock, read with the rows."""
        return self._book.now

    def payer_status(self, transfer: Transfer) -> UserStatus:
        """The payer's status, which stands until this is written."""
        return self._users[transfer.payer_id].status

    def find(self, transfer_id: UUID, *, payer_id: UUID) -> Transfer | None:
        """The transfer as this transaction has it so far, if it is this payer's."""
        transfer = self._transfers.get(transfer_id)
        return transfer if transfer is not None and transfer.payer_id == payer_id else None

    def apply(self, transfer: Transfer, event: Event, *, reason: Reason | None = None) -> Transfer:
        """Moves a transfer on, with its money, and tells it.

        Returns:
            The transfer as it is after the event.

        Raises:
            IllegalTransitionError: its status does not allow the event.
        """
        before = Status(transfer.status)
        after = transition(before, event)
        # The clock may have been set back since; the times of a transfer stay in order.
        at = max(self.now, transfer.debited_at or transfer.created_at)
        self._move_money(transfer, event, at=at)
        # A debit leaves the plan as it is: PostgreSQL writes a row whose indexed columns stay the
        # same without touching an index.
        due = None if after in TERMINAL else transfer.next_attempt_at
        change = StatusChange(
            id=transfer.id,
            before=before,
            after=after,
            reason=reason,
            at=at,
            next_attempt_at=due,
        )
        self._changes.append(change)
        changed = transfer.changed(
            status=after.value,
            reason=reason.value if reason else None,
            next_attempt_at=due,
            debited_at=at if after is Status.DEBITED else transfer.debited_at,
            ended_at=at if after in TERMINAL else None,
        )
        self._transfers[transfer.id] = changed
        self._book.tell(
            TRANSFER_STATUS[after],
            user_id=transfer.payer_id,
            data=transfer_data(changed),
            traceparent=transfer.traceparent,
        )
        return changed

    def writes(self) -> list[Write]:
        """The statuses to write, and what may be refunded again.

        A status that is not as decided on raises `StaleStatusError`.
        """
        return [*change_statuses(self._changes), *change_refunded(self._refunded)]

    def _move_money(self, transfer: Transfer, event: Event, *, at: datetime) -> None:
        user_id, currency, amount = transfer.payer_id, transfer.currency, transfer.amount
        if event in (Event.DEBIT, Event.CANCEL):
            self._book.release(user_id, currency, amount)
        if event in (Event.CANCEL, Event.REFUND):
            day = transfer.spent_on or transfer.created_at.date()
            self._book.unspend(user_id, currency, amount, on=day)
            if transfer.refund_of is not None:
                again = self._refunded[transfer.refund_of]
                again.amount -= amount
                again.refunds -= 1
        if event in (Event.DEBIT, Event.REFUND):
            self._book.not_before(user_id, currency, at)
            self._book.post(
                EntryKind.TRANSFER_OUT if event is Event.DEBIT else EntryKind.TRANSFER_RETURN,
                user_id=user_id,
                currency=currency,
                amount=-amount if event is Event.DEBIT else amount,
                source_id=transfer.id,
                counterparty_id=transfer.payee_id,
            )
