"""Holds with a rule broken: what they reserve, and how they end."""

from collections.abc import Iterator

from typing_extensions import override

from reliability.model import ledger
from reliability.model.breaches import Breach
from reliability.model.rules import Rules
from reliability.model.state import Move, World
from reliability.model.table import (
    CAPTURED,
    EXPIRED,
    EXPIRY,
    NO_ROW,
    OPEN,
    VOID,
    VOIDED,
)
from reliability.model.unlocked import CountsNoHolds
from reliability.model.variant import BESIDE, CAPTURING, HOLD_KEYED, ONE_HOLD, Variant

_READ = "was read"


class HoldDoesNotReserve(Rules):
    """A hold is a promise: the balance is looked at when it is captured."""

    @override
    def open_hold(self, world: World, hold: int) -> Iterator[Move]:
        row = world.holds[hold]
        for move in super().open_hold(world, hold):
            yield move._replace(world=ledger.shift(move.world, row.payer, held=-row.amount))


class HoldReadsThenLocks(Rules):
    """A hold is opened by a balance that was read without the lock."""

    @override
    def new_hold(self, world: World, hold: int) -> Iterator[Move]:
        row = world.holds[hold]
        if _READ in row.notes:
            unread = world.with_hold(hold, row._replace(notes=frozenset()))
            yield from self.open_hold(unread, hold)
            return
        for move in super().new_hold(world, hold):
            if move.world.holds[hold].status == OPEN:
                after = world.with_hold(hold, row._replace(notes=frozenset({_READ})))
                yield move._replace(what=f"hold {hold + 1} is read to be enough", world=after)
            else:
                yield move


class RefusedHoldUnwritten(Rules):
    """A hold that is refused is a no that is not written down."""

    @override
    def reject_hold(self, world: World, hold: int, refusal: str) -> Iterator[Move]:
        for move in super().reject_hold(world, hold, refusal):
            yield move._replace(world=ledger.write_hold_status(move.world, hold, NO_ROW))


class VoidWithoutStatus(Rules):
    """A void lets go of the rest, whatever the status."""

    @override
    def void(self, world: World, hold: int) -> Iterator[Move]:
        if world.holds[hold].status in (OPEN, CAPTURED):
            yield self.ended(world, hold, VOIDED, step=VOID)


class RepeatedVoidReleases(Rules):
    """A void that comes again lets go again."""

    @override
    def void(self, world: World, hold: int) -> Iterator[Move]:
        yield from super().void(world, hold)
        if world.holds[hold].status == VOIDED:
            yield self.ended(world, hold, VOIDED, step=VOID)


class VoidReturnsCaptures(Rules):
    """A void gives back all of the hold, also what was captured."""

    @override
    def void(self, world: World, hold: int) -> Iterator[Move]:
        row = world.holds[hold]
        for move in super().void(world, hold):
            yield move._replace(world=ledger.shift(move.world, row.payer, balance=row.captured))


class ExpiryByAnotherClock(Rules):
    """A worker ends holds by its own clock, which is ahead."""

    @override
    def expire_hold(self, world: World, hold: int) -> Iterator[Move]:
        if world.holds[hold].status == OPEN:
            yield self.ended(world, hold, EXPIRED, step=EXPIRY)


class ExpiryReadsThenWrites(Rules):
    """The loop reads what is due, and ends it later without looking again."""

    @override
    def expire_hold(self, world: World, hold: int) -> Iterator[Move]:
        row = world.holds[hold]
        if _READ in row.notes:
            unread = world.with_hold(hold, row._replace(notes=frozenset()))
            yield self.ended(unread, hold, EXPIRED, step=EXPIRY)
        elif row.status == OPEN and row.expired:
            after = world.with_hold(hold, row._replace(notes=frozenset({_READ})))
            yield Move(-1, f"hold {hold + 1} is read to have expired", after, own=True)


class ExpiryReleasesAll(Rules):
    """What expires is let go as a whole, also what was captured of it."""

    @override
    def expire_hold(self, world: World, hold: int) -> Iterator[Move]:
        row = world.holds[hold]
        for move in super().expire_hold(world, hold):
            yield move._replace(world=ledger.shift(move.world, row.payer, held=-row.captured))


class LastCaptureKeepsRest(Rules):
    """A final capture ends the hold, and lets go of nothing."""

    @override
    def taken(self, index: int, after: World) -> Iterator[Move]:
        hold = after.holds[after.transfers[index].hold]
        kept = hold.amount - hold.captured if hold.status == CAPTURED else 0
        yield from super().taken(index, ledger.shift(after, hold.payer, held=kept))


class NobodyExpiresHolds(Rules):
    """A hold whose expiry has passed is found by the next capture, if there is one."""

    @override
    def expire_hold(self, world: World, hold: int) -> Iterator[Move]:
        yield from ()


VARIANTS = tuple(
    Variant(name=name, rules=rules, scope=scope, rule=rule, breach=breach)
    for name, rules, scope, rule, breach in (
        ("refused hold not recorded", RefusedHoldUnwritten, HOLD_KEYED, "1", Breach.KEY),
        ("hold reads before it locks", HoldReadsThenLocks, BESIDE, "2", Breach.OVERDRAFT),
        ("unlocked try does not count holds", CountsNoHolds, BESIDE, "2", Breach.OVERDRAFT),
        ("hold does not reserve", HoldDoesNotReserve, ONE_HOLD, "3", Breach.HELD),
        ("void without a status guard", VoidWithoutStatus, ONE_HOLD, "7", Breach.ENDED),
        ("repeated void releases again", RepeatedVoidReleases, ONE_HOLD, "7", Breach.OVERDRAFT),
        ("hold expires by another clock", ExpiryByAnotherClock, ONE_HOLD, "7", Breach.FORBIDDEN),
        ("hold expiry reads, then writes", ExpiryReadsThenWrites, ONE_HOLD, "7", Breach.OVERDRAFT),
        ("void returns what was captured", VoidReturnsCaptures, CAPTURING, "hold", Breach.MONEY),
        ("expiry releases all of a hold", ExpiryReleasesAll, CAPTURING, "hold", Breach.OVERDRAFT),
        ("last capture keeps the rest", LastCaptureKeepsRest, ONE_HOLD, "hold", Breach.HELD),
        ("nobody expires holds", NobodyExpiresHolds, ONE_HOLD, "hold", Breach.STRANDED),
    )
)
