"""Daily limits with a rule broken: what is counted, on which day, and what is given back."""

from collections.abc import Iterator

from typing_extensions import override

from reliability.model.breaches import Breach
from reliability.model.rules import Rules
from reliability.model.spending import give_back, spend
from reliability.model.state import Move, Verdict, World, note
from reliability.model.table import CANCELLED, CAPTURED, LIMIT_EXCEEDED, NO_REASON, REFUNDED
from reliability.model.unlocked import LimitTellsNoEvent
from reliability.model.variant import CHAIN, DAYS, HOLD_DAYS, LIMIT_CHANGES, LIMITS, Variant

_READ = "the limit was read"


class LimitReadWithoutLock(Rules):
    """The limit is looked at without the lock, and all else under it."""

    @override
    def try_new(self, world: World, index: int) -> Iterator[Move]:
        if _READ in world.transfers[index].notes:
            yield from super().try_new(world, index)
        elif self.refusal(world, index, NO_REASON) != LIMIT_EXCEEDED:
            after = note(world, index, _READ)
            yield Move(index, "try reads that the limit has room", after, own=False)

    @override
    def refusal(self, world: World, index: int, advice: str) -> str:
        refusal = super().refusal(world, index, advice)
        was_read = _READ in world.transfers[index].notes
        return NO_REASON if was_read and refusal == LIMIT_EXCEEDED else refusal


class GivenBackToToday(Rules):
    """What is cancelled is given back to the day on which it is cancelled."""

    @override
    def cancelled(self, world: World, index: int, reason: str, *, step: str) -> Move:
        move = super().cancelled(world, index, reason, step=step)
        transfer = world.transfers[index]
        spending = world.wallets[transfer.payer].spending
        if spending is None or spending.day == transfer.day:
            return move
        after = give_back(move.world, transfer.payer, transfer.amount, day=spending.day)
        return move._replace(world=after)


class KeptByCancel(Rules):
    """What is cancelled is spent all the same."""

    @override
    def cancelled(self, world: World, index: int, reason: str, *, step: str) -> Move:
        return _kept(super().cancelled(world, index, reason, step=step), index)


class KeptByReturn(Rules):
    """What comes back is spent all the same."""

    @override
    def settled(self, world: World, index: int, verdict: Verdict) -> Move:
        move = super().settled(world, index, verdict)
        return _kept(move, index) if move.world.transfers[index].status == REFUNDED else move


def _kept(move: Move, index: int) -> Move:
    """The same move, without what it has given back."""
    transfer = move.world.transfers[index]
    after = give_back(move.world, transfer.payer, -transfer.amount, day=transfer.day)
    return move._replace(world=after)


class GivenBackTwice(Rules):
    """A cancel that comes again gives back again: the status is not looked at for that."""

    @override
    def cancel_by_clock(self, world: World, index: int) -> Iterator[Move]:
        yield from super().cancel_by_clock(world, index)
        transfer = world.transfers[index]
        if transfer.status == CANCELLED:
            after = give_back(world, transfer.payer, transfer.amount, day=transfer.day)
            yield Move(index, "cancel comes again, and gives back again", after, own=True)


class CaptureSpends(Rules):
    """A capture counts, although its hold has counted."""

    @override
    def captured(self, world: World, index: int) -> World:
        transfer = world.transfers[index]
        return spend(super().captured(world, index), transfer.payer, transfer.amount)


class CaptureHasItsOwnDay(Rules):
    """A capture that comes back is given back to the day of the capture, not of its hold."""

    @override
    def captured(self, world: World, index: int) -> World:
        after = super().captured(world, index)
        return after.with_transfer(index, after.transfers[index]._replace(day=world.day))


class RestIsKept(Rules):
    """What a hold that ends lets go of is spent all the same."""

    @override
    def ended(self, world: World, hold: int, status: str, *, step: str) -> Move:
        move = super().ended(world, hold, status, step=step)
        row = world.holds[hold]
        rest = row.amount - row.captured
        return move._replace(world=give_back(move.world, row.payer, -rest, day=row.day))


class HoldGivesAllBack(Rules):
    """What a hold that ends gives back is its amount, also what was captured of it."""

    @override
    def ended(self, world: World, hold: int, status: str, *, step: str) -> Move:
        move = super().ended(world, hold, status, step=step)
        row = world.holds[hold]
        return move._replace(world=give_back(move.world, row.payer, row.captured, day=row.day))


class LastCaptureSpendsRest(Rules):
    """The rest that a final capture lets go of is spent all the same."""

    @override
    def captured(self, world: World, index: int) -> World:
        after = super().captured(world, index)
        hold = after.holds[after.transfers[index].hold]
        rest = hold.amount - hold.captured if hold.status == CAPTURED else 0
        return give_back(after, hold.payer, -rest, day=hold.day)


class DayGoesBack(Rules):
    """Another day than the last one is a new day, also an earlier one."""

    @override
    def new_hold(self, world: World, hold: int) -> Iterator[Move]:
        yield from super().new_hold(_on_the_clocks_day(world, world.holds[hold].payer), hold)


def _on_the_clocks_day(world: World, wallet: int) -> World:
    row = world.wallets[wallet]
    if row.spending is None or row.spending.day <= world.day:
        return world
    spending = row.spending._replace(spent=0, day=world.day)
    return world.with_wallet(wallet, row._replace(spending=spending))


class RowHasTheClocksDay(Rules):
    """A row is of the day that the clock says, also when its account has been in a later one."""

    @override
    def open_hold(self, world: World, hold: int) -> Iterator[Move]:
        for move in super().open_hold(world, hold):
            row = move.world.holds[hold]._replace(day=world.day)
            yield move._replace(world=move.world.with_hold(hold, row))


VARIANTS = tuple(
    Variant(name=name, rules=rules, scope=scope, rule=rule, breach=breach)
    for name, rules, scope, rule, breach in (
        ("limit read without a lock", LimitReadWithoutLock, DAYS, "2", Breach.OVER_LIMIT),
        ("a new limit tells no event", LimitTellsNoEvent, LIMIT_CHANGES, "2", Breach.OVER_LIMIT),
        ("given back to today", GivenBackToToday, DAYS, "limit", Breach.SPENT),
        ("cancel gives nothing back", KeptByCancel, DAYS, "limit", Breach.SPENT),
        ("return gives nothing back", KeptByReturn, DAYS, "limit", Breach.SPENT),
        ("repeated cancel gives back again", GivenBackTwice, DAYS, "limit", Breach.SPENT),
        ("capture counts once more", CaptureSpends, HOLD_DAYS, "limit", Breach.SPENT),
        ("capture has a day of its own", CaptureHasItsOwnDay, HOLD_DAYS, "limit", Breach.SPENT),
        ("hold that ends gives nothing back", RestIsKept, HOLD_DAYS, "limit", Breach.SPENT),
        ("hold that ends gives all back", HoldGivesAllBack, HOLD_DAYS, "limit", Breach.SPENT),
        ("last capture gives no rest back", LastCaptureSpendsRest, CHAIN, "limit", Breach.SPENT),
        ("the day of a limit goes back", DayGoesBack, LIMITS, "limit", Breach.OVER_LIMIT),
        ("a row has the clock's day", RowHasTheClocksDay, LIMITS, "limit", Breach.SPENT),
    )
)
