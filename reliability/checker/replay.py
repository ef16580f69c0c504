"""The model: one user's events replayed, one after another, in memory.

An account's `version` counts the transactions that changed it. A transaction that changes it
several times (a batch) leaves one version, so states are told apart by the transaction that wrote
the events, and not by the entries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from reliability.checker.events import Event, Fault
from reliability.checker.invariants import Invariant
from reliability.checker.ledger import LedgerRow
from reliability.checker.replay_holds import HOLD_ENDS, HoldsReplay
from reliability.checker.replay_refunds import RefundsReplay
from reliability.checker.replay_spending import SPENDING, Spending


class State(NamedTuple):
    """An account after a transaction."""

    balance: int
    held: int

    @property
    def available(self) -> int:
        """What can be spent."""
        return self.balance - self.held


class Change(NamedTuple):
    """What put a version there: an event of a transfer, a hold, a movement or a limit."""

    type: str
    source: str
    version: int


# What an event does, in its amounts: to the balance, to what is held.
EFFECTS = {
    "movement.deposited": (1, 0),
    "movement.withdrawn": (-1, 0),
    "transfer.held": (0, 1),
    "transfer.debited": (-1, -1),
    "transfer.cancelled": (0, -1),
    "transfer.refunded": (1, 0),
    "transfer.credited": (1, 0),
    "hold.open": (0, 1),
    # What was captured is debited by its captures, the rest is let go.
    **dict.fromkeys(HOLD_ENDS, (0, -1)),
    # The account is written for it.
    "account.limit_set": (0, 0),
}
# Told, and no account changes.
_WITHOUT_EFFECT = frozenset(
    {"transfer.completed", "transfer.rejected", "hold.rejected", "movement.rejected"}
)
_CLOSED = "user.closed"
_OF_NO_ACCOUNT = frozenset(
    {
        *("user.created", "user.frozen", "user.unfrozen", _CLOSED),
        *("user.made_operator", "user.removed_operator"),
    }
)


@dataclass(slots=True)
class ReplayedAccount:
    """An account: `states[version]`, what made each version, and its spending."""

    spending: Spending
    states: list[State] = field(default_factory=lambda: [State(0, 0)])
    changes: list[Change] = field(default_factory=list)
    seq: int = 0

    @property
    def last(self) -> State:
        """How it ended."""
        return self.states[-1]


class ReplayedUser:
    """A user's accounts by currency, its holds and refunds, and what did not fit.

    Args:
        user: whose events are replayed.
        rows: what requests left, by id: days and amounts that events do not tell.
    """

    def __init__(self, user: str, rows: Mapping[str, LedgerRow]) -> None:
        self._user = user
        self._rows = rows
        self._holds = HoldsReplay()
        self._refunds = RefundsReplay(rows)
        self._open_in: dict[str, str] = {}
        self._is_closed = False
        self.accounts: dict[str, ReplayedAccount] = {}
        self.faults: list[Fault] = []
        self.holds = self._holds.holds
        self.refunded_most = self._refunds.most

    def account(self, currency: str) -> ReplayedAccount:
        """The account as it is so far."""
        found = self.accounts.get(currency)
        if found is None:
            spending = Spending(subject=f"{self._user} {currency}", rows=self._rows)
            found = self.accounts[currency] = ReplayedAccount(spending)
        return found

    def apply(self, event: Event) -> None:
        """Replays the next event."""
        if event.type in _OF_NO_ACCOUNT:
            self._note_act(event)
            return
        if event.type not in EFFECTS and event.type not in _WITHOUT_EFFECT:
            self.misfit(f"event {event.sequence} is a {event.type}, which is unknown")
            return
        account = self.account(event.currency)
        if event.hold is not None:
            self._fit(self._holds.apply(event, event.hold))
        if event.refund_of is not None:
            self._fit(self._refunds.apply(event, event.refund_of))
        if event.type in SPENDING:
            self._fit(account.spending.apply(event, available=account.last.available))
        if event.type in EFFECTS:
            self._change(event, account)

    def misfit(self, told: str) -> None:
        """Notes what does not fit entries or accounts."""
        self.faults.append(Fault(Invariant.REPLAY_ENTRIES, self._user, told))

    def _fit(self, fault: Fault | None) -> None:
        if fault is not None:
            self.faults.append(fault)

    def _note_act(self, event: Event) -> None:
        if event.type != _CLOSED:
            return
        self._is_closed = True
        for currency, account in self.accounts.items():
            if any(account.last):
                self.misfit(
                    f"event {event.sequence} closes a wallet with {account.last.balance} {currency}"
                )

    def _change(self, event: Event, account: ReplayedAccount) -> None:
        if self._is_closed and any(EFFECTS[event.type]):
            self.misfit(f"{event.name} moves money of a closed wallet")
        if self._open_in.get(event.currency) != event.transaction:
            self._open_in[event.currency] = event.transaction
            account.states.append(account.last)
        told = _apply(event, account)
        if told is not None:
            self.misfit(f"{event.name} {told}")


def replay(user: str, events: Sequence[Event], rows: Mapping[str, LedgerRow]) -> ReplayedUser:
    """Replays all events of a user, in their order."""
    replayed = ReplayedUser(user, rows)
    for place, event in enumerate(events, start=1):
        if event.sequence != place:
            replayed.misfit(f"event {event.sequence} stands at place {place}")
        replayed.apply(event)
    return replayed


def _apply(event: Event, account: ReplayedAccount) -> str | None:
    to_balance, to_held = EFFECTS[event.type]
    amount = event.amount - event.captured if event.type in HOLD_ENDS else event.amount
    state = State(account.last.balance + to_balance * amount, account.last.held + to_held * amount)
    account.states[-1] = state
    account.changes.append(Change(event.type, event.source, len(account.states) - 1))
    if not 0 <= state.held <= state.balance:
        return f"leaves balance {state.balance}, held {state.held}"
    if not to_balance:
        return None
    account.seq += 1
    expected = (account.seq, to_balance * amount, state.balance)
    found = (event.entry_seq, event.entry_amount, event.balance_after)
    if found != expected:
        return f"must have made the entry (seq, amount, balance after) {expected}, not {found}"
    return None
