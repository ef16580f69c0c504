"""What must be true of every state, and of every step from one to the next."""

from enum import StrEnum
from typing import NamedTuple

from reliability.model.gateway import ACCEPTED, REFUSED_422
from reliability.model.scope import DEPOSIT, WITHDRAWAL, Scope
from reliability.model.state import Move, Transfer, World
from reliability.model.table import (
    ABSENT,
    CANCELLED,
    CLOSED,
    COMPLETED,
    CREDITED,
    DEBITED,
    EXPIRED,
    HELD,
    NO_ROW,
    OPEN,
    OVER,
    REFUNDED,
    REJECTED,
)


class Breach(StrEnum):
    """What can be wrong."""

    MONEY = "money is made or lost"
    OVERDRAFT = "held is negative or more than the balance"
    HELD = "held is not what open transfers reserve"
    OUTCOME = "a transfer's entries are not those of one outcome"
    KEY = "a key has two effects or two answers"
    ENDED = "what was over changes"
    FORBIDDEN = "a step does what it had to refuse"
    STRANDED = "a transfer can never end"


class Found(NamedTuple):
    """A breach, with its figures."""

    breach: Breach
    detail: str


# Debits, credits and returns that a status may go with.
_ENTRIES = {
    HELD: {(0, 0, 0)},
    DEBITED: {(1, 0, 0), (1, 1, 0)},
    COMPLETED: {(1, 1, 0)},
    CANCELLED: {(0, 0, 0)},
    REFUNDED: {(1, 0, 1)},
    REJECTED: {(0, 0, 0)},
}


def wrong_with_state(scope: Scope, world: World) -> Found | None:
    """The first breach in a state."""
    return _money(scope, world) or _wallets(world) or _outcomes(world) or _keys(world, scope)


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
        if wallet.held != reserved:
            detail = f"wallet {index + 1} holds {wallet.held}, transfers reserve {reserved}"
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
        if effects > 1:
            return Found(Breach.KEY, f"the key of wish {key + 1} has made {effects} transfers")
        if REFUSED_422 in answers and (effects or ACCEPTED in answers):
            return Found(Breach.KEY, f"the client of wish {key + 1} was told no, and it happened")
        if ACCEPTED in answers and not effects:
            return Found(Breach.KEY, f"the client of wish {key + 1} was told yes, and it is gone")
    return None


def _has_effect(transfer: Transfer) -> bool:
    return transfer.status not in (NO_ROW, REJECTED) or transfer.debits > 0


def wrong_with_step(before: World, move: Move) -> Found | None:
    """The first breach in what a move changes."""
    for index, (old, new) in enumerate(zip(before.transfers, move.world.transfers, strict=True)):
        if old is not new:
            found = _wrong_with_change(before, index, new, move)
            if found is not None:
                return found
    return None


def _wrong_with_change(before: World, index: int, new: Transfer, move: Move) -> Found | None:
    old = before.transfers[index]
    name = f"transfer {index + 1}"
    if new.credits > old.credits and before.wallets[old.payee].status in (CLOSED, ABSENT):
        return Found(Breach.FORBIDDEN, f"{name} is credited to a payee who cannot receive")
    if new.status == old.status:
        return None
    if old.status in OVER and new.status != NO_ROW:
        return Found(Breach.ENDED, f"{name} was {old.status} and is {new.status}")
    if new.status == DEBITED and (old.expired or before.wallets[old.payer].status != OPEN):
        return Found(Breach.FORBIDDEN, f"{name} is debited although its payer may not pay any more")
    if move.reason == EXPIRED and not old.expired:
        return Found(Breach.FORBIDDEN, f"{name} is ended by the clock before its expiry")
    return None


def is_clean_end(world: World) -> bool:
    """Whether every transfer is over; that its entries are right is asked of every state."""
    return all(t.status == NO_ROW or t.status in OVER for t in world.transfers)
