"""Refunds with a rule broken: their cap, and what is counted under it."""

from collections.abc import Iterator

from typing_extensions import override

from reliability.model.breaches import Breach
from reliability.model.ledger import shift_refunded
from reliability.model.refunds import REFUND_TOO_LARGE
from reliability.model.rules import Rules
from reliability.model.state import NONE, Move, Verdict, World, note
from reliability.model.table import CANCEL, CANCELLED, COMPLETED, REFUNDED, TRY, TRY_CONFIRM
from reliability.model.variant import REFUNDED_LATER, REFUNDING, Variant

_READ = "the cap was read"


class CapReadWithoutLock(Rules):
    """The cap is looked at without the lock, and raised later by what was seen."""

    @override
    def try_new(self, world: World, index: int) -> Iterator[Move]:
        transfer = world.transfers[index]
        if transfer.refund_of == NONE or _READ in transfer.notes:
            yield from super().try_new(world, index)
        elif not self.over_cap(world, index):
            after = note(world, index, _READ)
            yield Move(index, "refund reads that the cap has room", after, own=False)

    @override
    def over_cap(self, world: World, index: int) -> str:
        was_read = _READ in world.transfers[index].notes
        return "" if was_read else super().over_cap(world, index)


class CapCountsCompleted(Rules):
    """The cap is looked at where the refunded transfer is: by the refunds that are completed."""

    @override
    def over_cap(self, world: World, index: int) -> str:
        transfer = world.transfers[index]
        if transfer.refund_of == NONE:
            return ""
        completed = sum(
            t.amount
            for t in world.transfers
            if t.refund_of == transfer.refund_of and t.status == COMPLETED
        )
        is_over = completed + transfer.amount > world.transfers[transfer.refund_of].amount
        return REFUND_TOO_LARGE if is_over else ""


class CapRaisedLater(Rules):
    """The refund is tried in one transaction, and the cap raised in the next."""

    @override
    def accept(self, world: World, index: int) -> Iterator[Move]:
        for move in super().accept(world, index):
            yield move
            transfer = move.world.transfers[index]
            if transfer.refund_of != NONE:
                after = shift_refunded(move.world, transfer.refund_of, -transfer.amount)
                what = f"{move.what}, before the cap is raised"
                yield move._replace(what=what, world=after)


class CapRaisedFirst(Rules):
    """The cap is raised in one transaction, and the refund tried in the next."""

    @override
    def accept(self, world: World, index: int) -> Iterator[Move]:
        yield from super().accept(world, index)
        transfer = world.transfers[index]
        after = shift_refunded(world, transfer.refund_of, transfer.amount)
        what = "the cap is raised, and the gateway dies before it tries the refund"
        yield Move(index, what, after, own=False, step=TRY)


class CapKeptByCancel(Rules):
    """A refund that is cancelled still counts as refunded."""

    @override
    def cancelled(self, world: World, index: int, reason: str, *, step: str) -> Move:
        move = super().cancelled(world, index, reason, step=step)
        return _kept(move, index) if step == CANCEL else move


class CapKeptByTryConfirm(Rules):
    """The same, only where try-confirm cancels it because its payer was frozen."""

    @override
    def cancelled(self, world: World, index: int, reason: str, *, step: str) -> Move:
        move = super().cancelled(world, index, reason, step=step)
        return _kept(move, index) if step == TRY_CONFIRM else move


class CapKeptByReturn(Rules):
    """A refund that comes back still counts as refunded."""

    @override
    def settled(self, world: World, index: int, verdict: Verdict) -> Move:
        move = super().settled(world, index, verdict)
        return _kept(move, index) if move.world.transfers[index].status == REFUNDED else move


def _kept(move: Move, index: int) -> Move:
    """The same move, without what it has lowered."""
    transfer = move.world.transfers[index]
    return move._replace(world=shift_refunded(move.world, transfer.refund_of, transfer.amount))


class CapLoweredTwice(Rules):
    """A cancel that comes again lowers the cap again: the status is not looked at for that."""

    @override
    def cancel_by_clock(self, world: World, index: int) -> Iterator[Move]:
        yield from super().cancel_by_clock(world, index)
        transfer = world.transfers[index]
        if transfer.status == CANCELLED:
            after = shift_refunded(world, transfer.refund_of, -transfer.amount)
            yield Move(index, "cancel comes again, and lowers the cap again", after, own=True)


class RefundOfDebited(Rules):
    """What has left the payer may be refunded, whether the payee was credited or not."""

    @override
    def over_cap(self, world: World, index: int) -> str:
        transfer = world.transfers[index]
        if transfer.refund_of != NONE and world.transfers[transfer.refund_of].debits:
            return ""
        return super().over_cap(world, index)


VARIANTS = tuple(
    Variant(name=name, rules=rules, scope=scope, rule=rule, breach=breach)
    for name, rules, scope, rule, breach in (
        ("cap of refunds read without a lock", CapReadWithoutLock, REFUNDING, "2", Breach.OVER_CAP),
        ("cap counts completed refunds", CapCountsCompleted, REFUNDING, "refund", Breach.OVER_CAP),
        ("refund: tried, then cap raised", CapRaisedLater, REFUNDING, "refund", Breach.REFUNDED),
        ("refund: cap raised, then tried", CapRaisedFirst, REFUNDING, "refund", Breach.REFUNDED),
        ("cancelled refund keeps the cap", CapKeptByCancel, REFUNDING, "refund", Breach.REFUNDED),
        ("try-confirm keeps the cap", CapKeptByTryConfirm, REFUNDING, "refund", Breach.REFUNDED),
        ("returned refund keeps the cap", CapKeptByReturn, REFUNDING, "refund", Breach.REFUNDED),
        ("repeated cancel lowers the cap", CapLoweredTwice, REFUNDING, "refund", Breach.REFUNDED),
        ("refund before the credit", RefundOfDebited, REFUNDED_LATER, "refund", Breach.FORBIDDEN),
    )
)
