"""Never more than was sent: what of credited transfers may still be refunded."""

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from shards.refunds import Refundable, RefundedChange, change_refunded
from shards.writes import Write

# Whoever reads a transfer is shown its refunds, and a page has a hundred transfers: parts of a cent
# must not make that long.
REFUNDS_MAX = 100


class NotCompletedError(Exception):
    """A refund of a transfer that its payee has not been credited; not recorded under the key."""


class RefundTooLargeError(Exception):
    """A refund of more than is left to refund; not recorded under the key."""


class TooManyRefundsError(Exception):
    """The last of `REFUNDS_MAX` refunds, not of all that is left; not recorded under the key."""


class RefundCaps:
    """What is left of each transfer, as the requests before in a batch leave it.

    The cap is raised in the refund's try and lowered by the step that cancels or returns the
    refund (`sagas.payer_side`), each under the lock of the transfer's payee.

    Args:
        refundable: those of the transfers that are credited here, as they were read.
    """

    def __init__(self, refundable: Mapping[UUID, Refundable]) -> None:
        self._refundable = refundable
        self._taken: defaultdict[UUID, RefundedChange] = defaultdict(RefundedChange)

    def obstacle(
        self, transfer_id: UUID, *, payee_id: UUID, amount: int | None
    ) -> Exception | None:
        """What stands against refunding so much of a transfer, or, for None, all that is left.

        Args:
            transfer_id: of the transfer that is refunded.
            payee_id: who was paid by it, and would pay the refund.
            amount: minor units.
        """
        refundable = self._refundable.get(transfer_id)
        if refundable is None or refundable.payee_id != payee_id:
            return NotCompletedError(transfer_id)
        left = self.left(transfer_id)
        if left < (amount or 1):
            return RefundTooLargeError(transfer_id)
        refunds = refundable.refunds + self._taken_of(transfer_id).refunds + 1
        is_part = amount is not None and amount < left
        return TooManyRefundsError(transfer_id) if is_part and refunds >= REFUNDS_MAX else None

    def left(self, transfer_id: UUID) -> int:
        """What may still be refunded of a transfer that is credited, in minor units."""
        return self._refundable[transfer_id].amount - self._taken_of(transfer_id).amount

    def take(self, transfer_id: UUID, amount: int) -> None:
        """A refund of so much is tried."""
        taken = self._taken[transfer_id]
        taken.amount += amount
        taken.refunds += 1

    def writes(self) -> list[Write]:
        """The caps to raise."""
        return change_refunded(self._taken)

    def _taken_of(self, transfer_id: UUID) -> RefundedChange:
        return self._taken.get(transfer_id, RefundedChange())
