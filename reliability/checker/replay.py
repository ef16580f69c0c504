"""The model: one user's events replayed, one after another, in memory.

An account's `version` counts the transactions that changed it. A transaction that changes it
several times (a batch) leaves one version, so states are told apart by the transaction that wrote
the events, and not by the entries.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Event(NamedTuple):
    """An event as it was written, with the entry that it must have made, if it made one."""

    sequence: int
    transaction: str
    type: str
    source: str
    currency: str
    amount: int
    entry_seq: int | None
    entry_amount: int | None
    balance_after: int | None


class State(NamedTuple):
    """An account after a transaction."""

    balance: int
    held: int


class Change(NamedTuple):
    """What put a version there: an event of a transfer or a movement."""

    type: str
    source: str
    version: int


# What an event does, in amounts of its transfer: to the balance, to what is held.
EFFECTS = {
    "movement.deposited": (1, 0),
    "movement.withdrawn": (-1, 0),
    "transfer.held": (0, 1),
    "transfer.debited": (-1, -1),
    "transfer.cancelled": (0, -1),
    "transfer.refunded": (1, 0),
    "transfer.credited": (1, 0),
}
# Told, and no account changes.
_WITHOUT_EFFECT = frozenset(
    {
        *("transfer.completed", "transfer.rejected", "movement.rejected", "user.created"),
        *("user.frozen", "user.unfrozen", "user.closed"),
        *("user.made_operator", "user.removed_operator"),
    }
)


@dataclass(slots=True)
class ReplayedAccount:
    """An account: `states[version]`, and what made each version."""

    states: list[State] = field(default_factory=lambda: [State(0, 0)])
    changes: list[Change] = field(default_factory=list)
    seq: int = 0

    @property
    def last(self) -> State:
        """How it ended."""
        return self.states[-1]


@dataclass(slots=True)
class ReplayedUser:
    """A user's accounts by currency, and what did not fit."""

    accounts: dict[str, ReplayedAccount] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def replay(events: Sequence[Event]) -> ReplayedUser:
    """Replays all events of a user, in their order."""
    user = ReplayedUser()
    open_in: dict[str, str] = {}
    for place, event in enumerate(events, start=1):
        if event.sequence != place:
            user.faults.append(f"event {event.sequence} stands at place {place}")
        effect = EFFECTS.get(event.type)
        if effect is None:
            if event.type not in _WITHOUT_EFFECT:
                user.faults.append(f"event {event.sequence} is a {event.type}, which is unknown")
            continue
        account = user.accounts.setdefault(event.currency, ReplayedAccount())
        if open_in.get(event.currency) != event.transaction:
            open_in[event.currency] = event.transaction
            account.states.append(account.last)
        fault = _apply(event, effect, account)
        if fault is not None:
            user.faults.append(f"event {event.sequence} ({event.type} of {event.source}) {fault}")
    return user


def _apply(event: Event, effect: tuple[int, int], account: ReplayedAccount) -> str | None:
    to_balance, to_held = (sign * event.amount for sign in effect)
    state = State(account.last.balance + to_balance, account.last.held + to_held)
    account.states[-1] = state
    account.changes.append(Change(event.type, event.source, len(account.states) - 1))
    if not 0 <= state.held <= state.balance:
        return f"leaves balance {state.balance}, held {state.held}"
    if not effect[0]:
        return None
    account.seq += 1
    expected = (account.seq, to_balance, state.balance)
    found = (event.entry_seq, event.entry_amount, event.balance_after)
    if found != expected:
        return f"must have made the entry (seq, amount, balance after) {expected}, not {found}"
    return None
