"""The payer's side with a rule broken: try-confirm, cancel, settle."""

from collections.abc import Iterator

from typing_extensions import override

from reliability.model import ledger
from reliability.model.breaches import Breach
from reliability.model.rules import Rules
from reliability.model.state import Message, Move, Verdict, World, forget, note, send
from reliability.model.table import (
    CANCEL,
    CANCELLED,
    CANCELLED_BY_PAYER,
    CLOSED,
    CONFIRM,
    DEBITED,
    EXPIRED,
    HELD,
    NO_REASON,
    PAYEE_CLOSED,
    REFUNDED,
    REFUSED,
    TRY_CONFIRM,
)
from reliability.model.variant import CALM, ONE, Variant

_READ = "was read"
_HALF = "its money is not moved yet"


class DebitReadsThenWrites(Rules):
    """Try-confirm reads the row without the lock, and debits by what it read."""

    @override
    def debit(self, world: World, index: int, message: Message) -> Iterator[Move]:
        yield Move(index, "try-confirm reads held", note(world, index, _READ), own=True)

    @override
    def redrive(self, world: World, index: int) -> Iterator[Move]:
        yield from super().redrive(world, index)
        yield from self._write(world, index)

    @override
    def cancel_by_payer(self, world: World, index: int) -> Iterator[Move]:
        yield from super().cancel_by_payer(world, index)
        if world.transfers[index].status == CANCELLED:
            yield from self._write(world, index)

    def _write(self, world: World, index: int) -> Iterator[Move]:
        if _READ in world.transfers[index].notes:
            yield from self.debited(index, ledger.debit(forget(world, index, _READ), index))


class DebitWithoutStatus(Rules):
    """Try-confirm debits whatever it is sent, as often as it is sent."""

    @override
    def repeat_debit(self, world: World, index: int) -> Iterator[Move]:
        yield from self.debited(index, ledger.debit(world, index))


class DebitInTwoTransactions(Rules):
    """The status first, the money after it."""

    @override
    def debit(self, world: World, index: int, message: Message) -> Iterator[Move]:
        yield from super().debit(world, index, message)
        after = ledger.write_status(world, index, DEBITED)
        what = "try-confirm writes the status, and dies before it moves the money"
        yield Move(index, what, after, own=False, step=TRY_CONFIRM)


class NoSecondLook(Rules):
    """Try-confirm takes what was held for what may go on."""

    @override
    def obstacle(self, world: World, index: int) -> str:
        return NO_REASON


class CancelWithoutGuard(Rules):
    """A cancel gives the money back, whatever the status."""

    @override
    def cancel_by_payer(self, world: World, index: int) -> Iterator[Move]:
        yield from super().cancel_by_payer(world, index)
        transfer = world.transfers[index]
        if transfer.status == DEBITED:
            after = ledger.write_status(world, index, CANCELLED)
            after = ledger.shift(after, transfer.payer, balance=transfer.amount)
            reason = CANCELLED_BY_PAYER
            what = "cancel gives a debit back"
            yield Move(index, what, after, own=False, step=CANCEL, reason=reason)


class SweeperReadsThenWrites(Rules):
    """Expiry reads what has expired, and cancels it later without looking again."""

    @override
    def happen(self, world: World) -> Iterator[Move]:
        yield from super().happen(world)
        for index, transfer in enumerate(world.transfers):
            if _READ in transfer.notes:
                after = ledger.cancel(forget(world, index, _READ), index)
                what = "the sweeper cancels what it read"
                yield Move(index, what, after, own=True, step=CANCEL, reason=EXPIRED)
            elif transfer.status == HELD and transfer.expired:
                after = note(world, index, _READ)
                yield Move(index, "the sweeper reads that it has expired", after, own=True)


class ExpiryEndsDebited(Rules):
    """The clock ends what is debited, too."""

    @override
    def redrive(self, world: World, index: int) -> Iterator[Move]:
        yield from super().redrive(world, index)
        transfer = world.transfers[index]
        if transfer.status == DEBITED and transfer.expired:
            after = ledger.write_status(world, index, CANCELLED)
            yield Move(index, "expiry ends it", after, own=True, step=CANCEL, reason=EXPIRED)


class CancelBelievesItsMessage(Rules):
    """A cancel that came is taken for an expiry that has passed."""

    @override
    def cancel_by_clock(self, world: World, index: int) -> Iterator[Move]:
        if world.transfers[index].status == HELD:
            yield self.cancelled(world, index, EXPIRED, step=CANCEL)


class SettleWithoutStatus(Rules):
    """Settle gives back as often as it hears the verdict."""

    @override
    def settle(self, world: World, index: int, verdict: Verdict) -> Iterator[Move]:
        yield from super().settle(world, index, verdict)
        if world.transfers[index].status == REFUNDED:
            yield self.settled(world, index, verdict)


class ReturnByTime(Rules):
    """A confirm that is not answered in time is taken for a no."""

    @override
    def redrive(self, world: World, index: int) -> Iterator[Move]:
        yield from super().redrive(world, index)
        if world.transfers[index].status == DEBITED:
            yield self.settled(world, index, Verdict(REFUSED, PAYEE_CLOSED))


class ClosedPayerGetsNothingBack(Rules):
    """The return is refused like a payment: the payer has been closed meanwhile."""

    @override
    def settle(self, world: World, index: int, verdict: Verdict) -> Iterator[Move]:
        payer = world.wallets[world.transfers[index].payer]
        if verdict.kind != REFUSED or payer.status != CLOSED:
            yield from super().settle(world, index, verdict)


class ExpiryByAnotherClock(Rules):
    """The redriving process cancels by its own clock, which is ahead."""

    @override
    def happen(self, world: World) -> Iterator[Move]:
        yield from super().happen(world)
        for index, transfer in enumerate(world.transfers):
            if transfer.status == HELD:
                yield self.cancelled(world, index, EXPIRED, step=CANCEL)._replace(own=False)


class MoneyBeforeStatus(Rules):
    """The money first, the status after it: a repeat finds it held and moves it again."""

    @override
    def debit(self, world: World, index: int, message: Message) -> Iterator[Move]:
        yield from super().debit(world, index, message)
        debited = ledger.debit(world, index)
        after = send(ledger.write_status(debited, index, HELD), index, CONFIRM)
        what = "try-confirm moves the money, and dies before it writes the status"
        yield Move(index, what, after, own=False, step=TRY_CONFIRM)


VARIANTS = tuple(
    Variant(name=name, rules=rules, scope=scope, rule=rule, breach=breach)
    for name, rules, scope, rule, breach in (
        ("try-confirm reads, then writes", DebitReadsThenWrites, CALM, "2", Breach.ENDED),
        ("try-confirm debits without a look", NoSecondLook, ONE, "4", Breach.FORBIDDEN),
        ("debit without a status guard", DebitWithoutStatus, CALM, "4", Breach.MONEY),
        ("debit: status, then money", DebitInTwoTransactions, CALM, "4", Breach.MONEY),
        ("debit: money, then status", MoneyBeforeStatus, CALM, "4", Breach.MONEY),
        ("returned by time", ReturnByTime, CALM, "5", Breach.MONEY),
        ("settle without a status guard", SettleWithoutStatus, ONE, "6", Breach.MONEY),
        ("no return to a closed payer", ClosedPayerGetsNothingBack, ONE, "6", Breach.STRANDED),
        ("cancel without a status guard", CancelWithoutGuard, CALM, "7", Breach.OUTCOME),
        ("sweeper reads, then writes", SweeperReadsThenWrites, CALM, "7", Breach.OVERDRAFT),
        ("expiry touches what is debited", ExpiryEndsDebited, CALM, "7", Breach.MONEY),
        ("cancel believes its message", CancelBelievesItsMessage, ONE, "7", Breach.FORBIDDEN),
        ("expiry by another clock", ExpiryByAnotherClock, CALM, "7", Breach.FORBIDDEN),
    )
)
