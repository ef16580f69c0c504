"""The try as small batches run it: read without a lock, written only if nothing has changed."""

from collections.abc import Iterator
from typing import Final

from typing_extensions import override

from reliability.model.rules import Rules
from reliability.model.state import Move, World, forget, note
from reliability.model.table import (
    CANCELLED,
    COMPLETED,
    DEBITED,
    HELD,
    NO_REASON,
    NO_ROW,
    REFUNDED,
    REJECTED,
)

_SAW = "saw "
# How many events a transfer in this status has told of its payer.
_TOLD: Final = {
    NO_ROW: 0,
    HELD: 1,
    REJECTED: 1,
    DEBITED: 2,
    CANCELLED: 2,
    COMPLETED: 3,
    REFUNDED: 3,
}


class ReadsFirst(Rules):
    """What a try has read may be acted upon while the payer has told no event since.

    It must hold as the rules do, whose tries lock first; those are still there, for what is in the
    way of one without.
    """

    def events(self, world: World, wallet: int) -> int:
        """The number of a wallet's last event: the version of all that is its own."""
        paid = sum(_TOLD[t.status] for t in world.transfers if t.payer == wallet)
        return paid + sum(t.credits for t in world.transfers if t.payee == wallet)

    @override
    def try_new(self, world: World, index: int) -> Iterator[Move]:
        seen = self._seen(world, index)
        saw = [text for text in world.transfers[index].notes if text.startswith(_SAW)]
        if not saw:
            yield from super().try_new(world, index)
            if self.refusal(world, index, NO_REASON) == NO_REASON:
                after = note(world, index, seen)
                yield Move(index, "try reads, without a lock, that it may", after, own=False)
            return
        without = forget(world, index, saw[0])
        if saw == [seen]:
            # Decided by what it read then, and by nothing that it could see now.
            yield from self.accept(without, index)
        else:
            yield from super().try_new(without, index)

    def _seen(self, world: World, index: int) -> str:
        payer = world.transfers[index].payer
        return f"{_SAW}{world.wallets[payer].status} {self.events(world, payer)}"


class CountsDebitsOnly(ReadsFirst):
    """What only reserves is not counted."""

    @override
    def events(self, world: World, wallet: int) -> int:
        return sum(t.debits for t in world.transfers if t.payer == wallet)
