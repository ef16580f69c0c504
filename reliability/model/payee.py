"""The payee's side as it is built: confirm, and its verdict."""

from collections.abc import Iterator

from reliability.model import ledger
from reliability.model.scope import Scope
from reliability.model.state import (
    Message,
    Move,
    Verdict,
    World,
    hand,
)
from reliability.model.table import (
    BALANCE_LIMIT,
    CONFIRM,
    CREDITED,
    PAYEE_CANNOT,
    REFUSED,
)


class PayeeSide:
    """What confirm does on the payee's shard.

    Args:
        scope: how much of the world there is.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def confirm(self, world: World, index: int, message: Message) -> Iterator[Move]:
        """One verdict per transfer; a repeat hands the one that stands to settle again."""
        verdicts = world.transfers[index].verdicts
        if verdicts:
            yield from self.repeat_verdict(world, index, min(verdicts))
        else:
            yield from self.give_verdict(world, index, self.verdict(world, index, message), message)

    def verdict(self, world: World, index: int, message: Message) -> Verdict:
        """What the payee's shard has to say; the payee may be frozen and still receive."""
        payee = world.wallets[world.transfers[index].payee]
        if payee.status in PAYEE_CANNOT:
            return Verdict(REFUSED, PAYEE_CANNOT[payee.status])
        if payee.balance + message.amount >= self.scope.limit:
            return Verdict(REFUSED, BALANCE_LIMIT)
        return Verdict(CREDITED)

    def give_verdict(
        self, world: World, index: int, verdict: Verdict, message: Message
    ) -> Iterator[Move]:
        """Row and credit are one transaction; settle hears of it after the commit, or never."""
        after = ledger.give_verdict(world, index, verdict, amount=message.amount)
        yield from self.verdict_given(index, verdict, after)

    def verdict_given(self, index: int, verdict: Verdict, after: World) -> Iterator[Move]:
        """The verdict is committed."""
        handed = hand(after, index, verdict)
        what = f"confirm says {verdict.kind} and hands it to settle"
        yield Move(index, what, handed, own=True, step=CONFIRM)
        what = f"confirm says {verdict.kind} and dies before it hands it over"
        yield Move(index, what, after, own=False, step=CONFIRM)

    def repeat_verdict(self, world: World, index: int, verdict: Verdict) -> Iterator[Move]:
        """A repeat repeats its output."""
        after = hand(world, index, verdict)
        what = "confirm comes again and hands over the verdict that stands"
        yield Move(index, what, after, own=True)
