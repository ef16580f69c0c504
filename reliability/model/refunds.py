"""Refunds that a person asks for: transfers back, and no more than was sent.

A refund is tried on the shard of its payer, who is the payee of what it refunds. So the verdict of
that one is there, too, and what is refunded of it is counted on the verdict's row, by the same
transactions that reserve and let go (`ledger`).
"""

from collections.abc import Iterator

from typing_extensions import override

from reliability.model.gateway import Gateway
from reliability.model.state import NONE, Move, World
from reliability.model.table import CREDITED

# Words of the model: nothing is written, so they are reasons of no row.
NOT_COMPLETED = "not_completed"
REFUND_TOO_LARGE = "refund_too_large"
_WRITES_NOTHING = (NOT_COMPLETED, REFUND_TOO_LARGE)


class RefundRules(Gateway):
    """The try of a refund: like any other, and under a cap."""

    @override
    def refusal(self, world: World, index: int, advice: str) -> str:
        return self.over_cap(world, index) or super().refusal(world, index, advice)

    def over_cap(self, world: World, index: int) -> str:
        """Why so much may not be refunded; empty when it may, or is no refund."""
        transfer = world.transfers[index]
        if transfer.refund_of == NONE:
            return ""
        refunded = world.transfers[transfer.refund_of]
        if all(verdict.kind != CREDITED for verdict in refunded.verdicts):
            return NOT_COMPLETED
        is_over = refunded.refunded + transfer.amount > refunded.amount
        return REFUND_TOO_LARGE if is_over else ""

    @override
    def reject(self, world: World, index: int, refusal: str) -> Iterator[Move]:
        if refusal in _WRITES_NOTHING:
            yield Move(index, f"refund is refused, {refusal}, unwritten", world, own=False)
        else:
            yield from super().reject(world, index, refusal)
