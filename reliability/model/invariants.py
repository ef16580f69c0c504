"""What must be true of every state, and of every step from one to the next."""

from reliability.model import counters
from reliability.model.breaches import Breach, Found
from reliability.model.gateway import ACCEPTED, CLOSED_409, REFUSED_422
from reliability.model.scope import DEPOSIT, WITHDRAWAL, Scope
from reliability.model.state import NONE, Hold, Move, Transfer, World
from reliability.model.table import (
    ABSENT,
    CANCELLED,
    CLOSED,
    COMPLETED,
    CREDITED,
    DEBITED,
    EXPIRED,
    HELD,
    HOLD_OVER,
    NO_ROW,
    OPEN,
    OVER,
    REFUNDED,
    REJECTED,
)

# Debits, credits and returns that a status may go with.
_ENTRIES = {
    HELD: {(0, 0, 0)},
    DEBITED: {(1, 0, 0), (1, 1, 0)},
    COMPLETED: {(1, 1, 0)},
    CANCELLED: {(0, 0, 0)},
    REFUNDED: {(1, 0, 1)},
    REJECTED: {(0, 0, 0)},
}
# A no that binds: what it was a no to does not happen later, either.
_NO = {REFUSED_422, CLOSED_409}


def wrong_with_state(scope: Scope, world: World) -> Found | None:
    """The first breach in a state."""
    return (
        _money(scope, world)
        or counters.wrong_with_captured(world)
        or counters.wrong_with_refunded(world)
        or _wallets(world)
        or _outcomes(world)
        or counters.wrong_with_spent(scope, world)
        or _keys(world, scope)
    )


def _money(scope: Scope, world: World) -> Found | None:
    """Wallets and what is in transit are what was there and what came from outside."""
    in_transit = sum(
        t.amount
        for t in world.transfers
        if t.status == DEBITED and all(v.kind != CREDITED for v in t.verdicts)
    )
    there = sum(w.balance for w in world.wallets) + in_transit
    due = sum(scope.balances)
    due += DEPOSIT * ("deposit" in world.moved) - WITHDRAWAL * ("withdrawal" in world.moved)
    return None if there == due else Found(Breach.MONEY, f"there are {there} instead of {due}")


def _wallets(world: World) -> Found | None:
    for index, wallet in enumerate(world.wallets):
        if not 0 <= wallet.held <= wallet.balance:
            detail = f"wallet {index + 1} holds {wallet.held} of {wallet.balance}"
            return Found(Breach.OVERDRAFT, detail)
        reserved = sum(t.amount for t in world.transfers if t.status == HELD and t.payer == index)
        for hold in world.holds:
            if hold.status == OPEN and hold.payer == index:
                reserved += hold.amount - hold.captured
        if wallet.held != reserved:
            detail = f"wallet {index + 1} holds {wallet.held}, its rows reserve {reserved}"
            return Found(Breach.HELD, detail)
    return None


def _outcomes(world: World) -> Found | None:
    for index, t in enumerate(world.transfers):
        entries = (t.debits, t.credits, t.returns)
        if t.status != NO_ROW and entries not in _ENTRIES[t.status]:
            told = f"{t.debits} debits, {t.credits} credits, {t.returns} returns"
            return Found(Breach.OUTCOME, f"transfer {index + 1} is {t.status} with {told}")
    return None


def _keys(world: World, scope: Scope) -> Found | None:
    if not scope.repeats:
        return None
    for key, answers in enumerate(world.answers):
        effects = sum(_has_effect(t) for t in world.transfers if t.key == key)
        effects += sum(h.status not in (NO_ROW, REJECTED) for h in world.holds if h.key == key)
        if effects > 1:
            return Found(Breach.KEY, f"the key of wish {key + 1} has made {effects} transfers")
        if answers & _NO and (effects or ACCEPTED in answers):
            return Found(Breach.KEY, f"the client of wish {key + 1} was told no, and it happened")
        if ACCEPTED in answers and not effects:
            return Found(Breach.KEY, f"the client of wish {key + 1} was told yes, and it is gone")
    return None


def _has_effect(transfer: Transfer) -> bool:
    return transfer.status not in (NO_ROW, REJECTED) or transfer.debits > 0


def wrong_with_step(scope: Scope, before: World, move: Move) -> Found | None:
    """The first breach in what a move changes."""
    for index, (old, new) in enumerate(zip(before.transfers, move.world.transfers, strict=True)):
        if old is not new:
            found = _wrong_with_change(before, index, new, move)
            if found is not None:
                return found
    if move.world.holds is not before.holds:
        for index, hold in enumerate(move.world.holds):
            found = _wrong_with_hold(before, index, hold)
            if found is not None:
                return found
    return counters.wrong_with_reserving(scope, before, move.world) if scope.limits else None


def _wrong_with_change(before: World, index: int, new: Transfer, move: Move) -> Found | None:
    old = before.transfers[index]
    name = f"transfer {index + 1}"
    if new.credits > old.credits and before.wallets[old.payee].status in (CLOSED, ABSENT):
        return Found(Breach.FORBIDDEN, f"{name} is credited to a payee who cannot receive")
    if new.status == old.status:
        return None
    return _wrong_with_status(before, old, new, move, name)


def _wrong_with_status(
    before: World, old: Transfer, new: Transfer, move: Move, name: str
) -> Found | None:
    if old.status in OVER and new.status != NO_ROW:
        return Found(Breach.ENDED, f"{name} was {old.status} and is {new.status}")
    is_late = old.expired or (old.hold != NONE and before.holds[old.hold].expired)
    if new.status == DEBITED and (is_late or before.wallets[old.payer].status != OPEN):
        return Found(Breach.FORBIDDEN, f"{name} is debited although its payer may not pay any more")
    if move.reason == EXPIRED and not old.expired:
        return Found(Breach.FORBIDDEN, f"{name} is ended by the clock before its expiry")
    if old.refund_of != NONE and new.status == HELD:
        refunded = before.transfers[old.refund_of]
        if all(v.kind != CREDITED for v in refunded.verdicts):
            return Found(Breach.FORBIDDEN, f"{name} refunds what its payer was never credited")
    return None


def _wrong_with_hold(before: World, index: int, new: Hold) -> Found | None:
    old = before.holds[index]
    name = f"hold {index + 1}"
    if old.status in HOLD_OVER and (new.status, new.captured) != (old.status, old.captured):
        told = f"was {old.status} with {old.captured} captured and is {new.status}"
        return Found(Breach.ENDED, f"{name} {told} with {new.captured}")
    if new.status == EXPIRED and not old.expired:
        return Found(Breach.FORBIDDEN, f"{name} is ended by the clock before its expiry")
    return None


def is_clean_end(world: World) -> bool:
    """Whether all that has to end is over; that its entries are right is asked of every state."""
    is_over = all(t.status == NO_ROW or t.status in OVER for t in world.transfers)
    return is_over and not any(h.status == OPEN and h.expired for h in world.holds)
