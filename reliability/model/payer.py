"""The payer's side as it is built: try-confirm, cancel, settle."""

from collections.abc import Iterator

from reliability.model import ledger
from reliability.model.scope import Scope
from reliability.model.state import (
    Message,
    Move,
    Verdict,
    World,
    send,
)
from reliability.model.table import (
    CANCEL,
    CANCELLED_BY_PAYER,
    CONFIRM,
    CREDITED,
    DEBITED,
    EXPIRED,
    HELD,
    NO_REASON,
    PAYER_MAY_NOT,
    SETTLE,
    TRY_CONFIRM,
)


class PayerSide:
    """What the steps on the payer's shard do.

    Args:
        scope: how much of the world there is.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def try_confirm(self, world: World, index: int, message: Message) -> Iterator[Move]:
        """Looks again, then debits or cancels; a repeat repeats its confirm."""
        status = world.transfers[index].status
        if status == HELD:
            obstacle = self.obstacle(world, index)
            if obstacle == NO_REASON:
                yield from self.debit(world, index, message)
            else:
                yield self.cancelled(world, index, obstacle, step=TRY_CONFIRM)
        elif status == DEBITED:
            yield from self.repeat_debit(world, index)

    def obstacle(self, world: World, index: int) -> str:
        """Why what is held may not go on."""
        transfer = world.transfers[index]
        if transfer.expired:
            return EXPIRED
        return PAYER_MAY_NOT.get(world.wallets[transfer.payer].status, NO_REASON)

    def debit(self, world: World, index: int, message: Message) -> Iterator[Move]:  # noqa: ARG002
        """Goes by the row; of the message it uses nothing."""
        yield from self.debited(index, ledger.debit(world, index))

    def debited(self, index: int, after: World) -> Iterator[Move]:
        """The debit is committed; its confirm is sent after that, or never."""
        sent = send(after, index, CONFIRM)
        yield Move(index, "try-confirm debits and sends confirm", sent, own=True, step=TRY_CONFIRM)
        what = "try-confirm debits and dies before it sends"
        yield Move(index, what, after, own=False, step=TRY_CONFIRM)

    def repeat_debit(self, world: World, index: int) -> Iterator[Move]:
        """A repeat repeats its output."""
        after = send(world, index, CONFIRM)
        yield Move(index, "try-confirm comes again and repeats confirm", after, own=True)

    def cancelled(self, world: World, index: int, reason: str, *, step: str) -> Move:
        """Held is let go."""
        after = ledger.cancel(world, index)
        own = reason != CANCELLED_BY_PAYER
        return Move(index, f"{step} cancels, {reason}", after, own=own, step=step, reason=reason)

    def cancel_by_payer(self, world: World, index: int) -> Iterator[Move]:
        """The gateway runs the cancel step at once."""
        if world.transfers[index].status == HELD:
            yield self.cancelled(world, index, CANCELLED_BY_PAYER, step=CANCEL)

    def cancel_by_clock(self, world: World, index: int) -> Iterator[Move]:
        """The message is only a hint: the row's expiry decides."""
        transfer = world.transfers[index]
        if transfer.status == HELD and transfer.expired:
            yield self.cancelled(world, index, EXPIRED, step=CANCEL)

    def settle(self, world: World, index: int, verdict: Verdict) -> Iterator[Move]:
        """A committed verdict ends what is debited, and nothing else."""
        if world.transfers[index].status == DEBITED:
            yield self.settled(world, index, verdict)

    def settled(self, world: World, index: int, verdict: Verdict) -> Move:
        """Completed or refunded, as the verdict says."""
        if verdict.kind == CREDITED:
            after = ledger.complete(world, index)
            return Move(index, "settle completes", after, own=True, step=SETTLE)
        after = ledger.refund(world, index)
        what = f"settle refunds, {verdict.reason}"
        return Move(index, what, after, own=True, step=SETTLE, reason=verdict.reason)
