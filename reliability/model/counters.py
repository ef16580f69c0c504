"""What must be true of captured, refunded and spent: each is what the rows it counts add up to."""

from reliability.model.breaches import Breach, Found
from reliability.model.scope import Scope
from reliability.model.state import NONE, Hold, World
from reliability.model.table import (
    COMPLETED,
    DEBITED,
    HELD,
    NO_ROW,
    OPEN,
    REFUNDED,
    REJECTED,
)

_UNDER_WAY_OR_DONE = (HELD, DEBITED, COMPLETED)
# As built, a capture is never held.
_CAPTURES = (HELD, DEBITED, COMPLETED, REFUNDED)


def wrong_with_captured(world: World) -> Found | None:
    """Captured is what captures have taken, also those that came back, and never more than held."""
    for index, hold in enumerate(world.holds):
        took = sum(t.amount for t in world.transfers if t.hold == index and t.status in _CAPTURES)
        if not took == hold.captured <= hold.amount:
            detail = f"of {hold.amount} of hold {index + 1} captures took {took}"
            return Found(Breach.CAPTURED, f"{detail}, its row says {hold.captured}")
    return None


def wrong_with_refunded(world: World) -> Found | None:
    """Refunded is what refunds have taken that are under way or done, and never more than sent."""
    refunds = [t for t in world.transfers if t.refund_of != NONE]
    for index in {t.refund_of for t in refunds}:
        transfer = world.transfers[index]
        took = sum(
            t.amount for t in refunds if t.refund_of == index and t.status in _UNDER_WAY_OR_DONE
        )
        if took > transfer.amount:
            return Found(Breach.OVER_CAP, f"{took} are refunded of {transfer.amount}")
        if took != transfer.refunded:
            detail = f"refunds took {took}, the verdict's row says {transfer.refunded}"
            return Found(Breach.REFUNDED, detail)
    return None


def wrong_with_spent(scope: Scope, world: World) -> Found | None:
    """Spent is what the rows of the last day of spending take."""
    for index in range(len(scope.limits)):
        spending = world.wallets[index].spending
        if spending is None:
            continue
        taken = taken_on(world, index, spending.day)
        if spending.spent != taken:
            detail = f"wallet {index + 1} spent {spending.spent} on day {spending.day}"
            return Found(Breach.SPENT, f"{detail}, its rows take {taken}")
    return None


def wrong_with_reserving(scope: Scope, before: World, after: World) -> Found | None:
    """What is reserved for a day is within the limit in force then, whatever the counter says."""
    for index in range(len(scope.limits)):
        spending = before.wallets[index].spending
        if spending is None or spending.limit is None:
            continue
        for day in range(scope.days + 1):
            taken = taken_on(after, index, day)
            if taken > spending.limit and taken > taken_on(before, index, day):
                detail = f"wallet {index + 1} spends {taken} on day {day}"
                return Found(Breach.OVER_LIMIT, f"{detail}, its limit is {spending.limit}")
    return None


def taken_on(world: World, wallet: int, day: int) -> int:
    """What a wallet's rows of a day take of it: what is reserved or left, and did not come back."""
    taken = sum(
        t.amount
        for t in world.transfers
        if t.hold == NONE and t.payer == wallet and t.day == day and t.status in _UNDER_WAY_OR_DONE
    )
    for index, hold in enumerate(world.holds):
        if hold.payer == wallet and hold.day == day:
            taken += _taken_by_hold(world, index, hold)
    return taken


def _taken_by_hold(world: World, index: int, hold: Hold) -> int:
    """An open hold takes all of it, one that ended what was captured; less what came back."""
    if hold.status in (NO_ROW, REJECTED):
        return 0
    returned = sum(t.amount for t in world.transfers if t.hold == index and t.status == REFUNDED)
    return (hold.amount if hold.status == OPEN else hold.captured) - returned
