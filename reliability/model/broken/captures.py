"""Captures with a rule broken: what they look at, and what is one transaction."""

from collections.abc import Iterator

from typing_extensions import override

from reliability.model import ledger
from reliability.model.breaches import Breach
from reliability.model.broken.gateway import RefusalWithoutRow
from reliability.model.gateway import ACCEPTED, CLOSED_409
from reliability.model.rules import Rules
from reliability.model.state import NONE, Hold, Move, Verdict, World, forget, note, send
from reliability.model.table import (
    CAPTURE,
    HOLD_OVER,
    OPEN,
    REFUNDED,
    TRY_CONFIRM,
)
from reliability.model.variant import CAPTURING, HOLD_KEYED, ONE_HOLD, TWICE, Variant

_READ = "was read"


class CaptureReadsThenWrites(Rules):
    """A capture looks at the hold without the lock, and takes by what it saw."""

    @override
    def take(self, world: World, index: int) -> Iterator[Move]:
        yield Move(index, "capture reads that enough is left", note(world, index, _READ), own=False)

    @override
    def capture(self, world: World, index: int) -> Iterator[Move]:
        if _READ in world.transfers[index].notes:
            yield from super().take(forget(world, index, _READ), index)
        else:
            yield from super().capture(world, index)


class NoLookAtStatus(Rules):
    """A capture looks at the rest and the expiry, and not at the status."""

    @override
    def may_capture(self, hold: Hold) -> bool:
        return not hold.expired


class NoLookAtExpiry(Rules):
    """A hold counts as open until the worker's loop has come to it."""

    @override
    def may_capture(self, hold: Hold) -> bool:
        return hold.status == OPEN


class NoLookAtRest(Rules):
    """A capture is looked at against the hold's amount, and not against what is left of it."""

    @override
    def capture(self, world: World, index: int) -> Iterator[Move]:
        transfer = world.transfers[index]
        hold = world.holds[transfer.hold]
        if self.may_capture(hold) and transfer.amount <= hold.amount:
            yield from self.take(world, index)


class NoLookAtPayer(Rules):
    """What was held may be taken, whoever has been frozen or closed meanwhile."""

    @override
    def decide_capture(self, world: World, index: int, refusal: str) -> Iterator[Move]:
        yield from self.take(world, index)


class KeyLookedUpAfterHold(Rules):
    """The hold is looked at before the key: a repeat of the last capture finds it closed."""

    @override
    def replay(self, world: World, index: int) -> Iterator[Move]:
        hold = world.transfers[index].hold
        if hold != NONE and world.holds[hold].status in HOLD_OVER:
            after = self.told(world, index, CLOSED_409)
            yield Move(index, "capture finds the hold closed, before the key", after, own=False)
        else:
            yield from super().replay(world, index)


class CaptureLeavesHeld(Rules):
    """The balance falls, and what was held of it stays."""

    @override
    def captured(self, world: World, index: int) -> World:
        transfer = world.transfers[index]
        return ledger.shift(super().captured(world, index), transfer.payer, held=transfer.amount)


class CaptureIsTried(Rules):
    """A capture is a transfer that is tried: it reserves once more what the hold has reserved."""

    @override
    def taken(self, index: int, after: World) -> Iterator[Move]:
        sent = send(self.told(after, index, ACCEPTED), index, TRY_CONFIRM)
        yield Move(index, "capture holds and sends try-confirm", sent, own=False, step=CAPTURE)

    @override
    def captured(self, world: World, index: int) -> World:
        transfer = world.transfers[index]
        row = world.holds[transfer.hold]
        captured = row._replace(captured=row.captured + transfer.amount)
        return ledger.accept(world.with_hold(transfer.hold, captured), index)


class CaptureCanBeCancelled(CaptureIsTried):
    """The same, and the hold lets go of it: what was captured can be cancelled."""

    @override
    def captured(self, world: World, index: int) -> World:
        transfer = world.transfers[index]
        return ledger.shift(super().captured(world, index), transfer.payer, held=-transfer.amount)


class _CaptureInTwo(Rules):
    """Hold and transfer are two transactions, with a death between them."""

    @override
    def take(self, world: World, index: int) -> Iterator[Move]:
        yield from super().take(world, index)
        after = self.first_half(world, index)
        yield Move(index, "capture dies between its transactions", after, own=False, step=CAPTURE)

    def first_half(self, world: World, index: int) -> World:
        """What the first transaction has written."""
        raise NotImplementedError


class CaptureHoldFirst(_CaptureInTwo):
    """The hold first: it has been taken from, and nobody is paid."""

    @override
    def first_half(self, world: World, index: int) -> World:
        transfer = world.transfers[index]
        holds = self.captured(world, index).holds
        return ledger.shift(world._replace(holds=holds), transfer.payer, held=-transfer.amount)


class CaptureTransferFirst(_CaptureInTwo):
    """The transfer first: it is on its way, and can be taken from the hold once more."""

    @override
    def first_half(self, world: World, index: int) -> World:
        transfer = world.transfers[index]
        after = ledger.debit(world, index)
        return ledger.shift(after, transfer.payer, held=transfer.amount)


class CaptureMoneyLast(_CaptureInTwo):
    """Hold and transfer together, and the money after them."""

    @override
    def first_half(self, world: World, index: int) -> World:
        return self.captured(world, index)._replace(wallets=world.wallets)


class RefusedCaptureReopens(Rules):
    """A capture that comes back is held again, by the hold that it was taken from."""

    @override
    def settled(self, world: World, index: int, verdict: Verdict) -> Move:
        move = super().settled(world, index, verdict)
        transfer = move.world.transfers[index]
        if transfer.status != REFUNDED or transfer.hold == NONE:
            return move
        hold = move.world.holds[transfer.hold]
        reopened = hold._replace(status=OPEN, captured=hold.captured - transfer.amount)
        after = move.world.with_hold(transfer.hold, reopened)
        after = ledger.shift(after, transfer.payer, held=transfer.amount)
        return move._replace(world=after)


class RedriveSkipsCaptures(Rules):
    """Redrive looks at what was tried; a capture relies on the message of the gateway."""

    @override
    def redrive(self, world: World, index: int) -> Iterator[Move]:
        if world.transfers[index].hold == NONE:
            yield from super().redrive(world, index)


VARIANTS = tuple(
    Variant(name=name, rules=rules, scope=scope, rule=rule, breach=breach)
    for name, rules, scope, rule, breach in (
        ("capture's key after its hold", KeyLookedUpAfterHold, HOLD_KEYED, "1", Breach.KEY),
        ("refused capture not recorded", RefusalWithoutRow, HOLD_KEYED, "1", Breach.KEY),
        ("capture reads, then writes", CaptureReadsThenWrites, TWICE, "2", Breach.CAPTURED),
        ("capture without the hold's status", NoLookAtStatus, CAPTURING, "hold", Breach.ENDED),
        ("capture without the hold's expiry", NoLookAtExpiry, ONE_HOLD, "hold", Breach.FORBIDDEN),
        ("capture without the hold's rest", NoLookAtRest, TWICE, "hold", Breach.CAPTURED),
        ("capture without the payer's status", NoLookAtPayer, ONE_HOLD, "hold", Breach.FORBIDDEN),
        ("capture leaves held as it was", CaptureLeavesHeld, ONE_HOLD, "hold", Breach.HELD),
        ("capture is tried, reserves again", CaptureIsTried, ONE_HOLD, "hold", Breach.HELD),
        ("capture can be cancelled", CaptureCanBeCancelled, ONE_HOLD, "hold", Breach.CAPTURED),
        ("capture: hold, then transfer", CaptureHoldFirst, ONE_HOLD, "hold", Breach.CAPTURED),
        ("capture: transfer, then hold", CaptureTransferFirst, ONE_HOLD, "hold", Breach.CAPTURED),
        ("capture: rows, then money", CaptureMoneyLast, ONE_HOLD, "hold", Breach.MONEY),
        ("refused capture reopens its hold", RefusedCaptureReopens, ONE_HOLD, "hold", Breach.ENDED),
        ("redrive leaves captures alone", RedriveSkipsCaptures, ONE_HOLD, "Kafka", Breach.STRANDED),
    )
)
