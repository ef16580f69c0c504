"""Never more than was sent: what of credited transfers may still be refunded."""

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from shards.refunds import Refundable, change_refunded
from shards.writes import Write


class NotCompletedError(Exception):
    """A refund of a transfer that its payee has not been credited; not recorded under the key."""


class RefundTooLargeError(Exception):
    """A refund of more than is left to refund; not recorded under the key."""


class RefundCaps:
    """What is left of each transfer, as the requests before in a batch leave it.

    The cap is raised in the refund's try and lowered by the step that cancels or returns the
    refund (`sagas.payer_side`), each under the lock of the transfer's payee.

    Args:
        refundable: those of the transfers that are credited here, as they were read.
    """

    def __init__(self, refundable: Mapping[UUID, Refundable]) -> None:
        self._refundable = refundable
        self._taken: Counter[UUID] = Counter()

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
        return RefundTooLargeError(transfer_id) if left < (amount or 1) else None

    def left(self, transfer_id: UUID) -> int:
        """What may still be refunded of a transfer that is credited, in minor units."""
        return self._refundable[transfer_id].amount - self._taken[transfer_id]

    def take(self, transfer_id: UUID, amount: int) -> None:
        """A refund of so much is tried."""
        self._taken[transfer_id] += amount

    def writes(self) -> list[Write]:
        """The caps to raise."""
        return change_refunded(self._taken)
