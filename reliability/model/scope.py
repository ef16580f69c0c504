"""How much of the world is explored: who pays whom, and what may happen meanwhile."""

from dataclasses import dataclass

from reliability.model.state import Hold, Spending, Transfer, Verdict, Wallet, World
from reliability.model.table import COMPLETED, CREDITED, OPEN

DEPOSIT = 50
WITHDRAWAL = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Pays:
    """A client's wish: one amount from one wallet to another, under a key of its own.

    `is_done` when it has happened before the beginning, and all that is left of it are its rows.
    """

    payer: int
    payee: int
    amount: int = 60
    is_done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Captures:
    """The wish to take an amount of a hold; `final` gives up what is left of it."""

    hold: int = 0
    amount: int = 40
    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunds:
    """The wish to send an amount of the transfer of another wish back."""

    of: int = 0
    amount: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is explored.

    Attributes:
        wishes: what clients want; the index is the key.
        holds: what clients want to be held; their keys come after those of the wishes.
        balances: of the wallets at the beginning.
        statuses: what each wallet's user may become, at any time; the first is the beginning.
        limits: what each wallet's daily limit may become, likewise; empty where nothing is counted.
        days: how many days may pass.
        turns_back: whether the clock may be set back.
        loses: whether Kafka may lose what it has, any part of it and at any time.
        expires: whether the clock may pass an expiry.
        cancels: whether payers may cancel.
        voids: whether holds may be voided.
        repeats: whether clients repeat their requests; then what they were told is tracked.
        moves_money: whether the first wallet may have a deposit and a withdrawal.
        attacked: whether somebody writes to the topics what we did not, or what is not due.
        limit: a balance that no wallet may reach.
    """

    wishes: tuple[Pays | Captures | Refunds, ...] = (Pays(payer=0, payee=1),)
    holds: tuple[Pays, ...] = ()
    balances: tuple[int, ...] = (100, 0)
    statuses: tuple[tuple[str, ...], ...] = ((OPEN,), (OPEN,))
    limits: tuple[tuple[int | None, ...], ...] = ()
    days: int = 0
    turns_back: bool = False
    loses: bool = True
    expires: bool = True
    cancels: bool = True
    voids: bool = True
    repeats: bool = False
    moves_money: bool = False
    attacked: bool = False
    limit: int = 1_000

    def beginning(self) -> World:
        """The world before anything happened."""
        wallets = tuple(
            Wallet(balance, 0, statuses[0], self._spending(index))
            for index, (balance, statuses) in enumerate(
                zip(self.balances, self.statuses, strict=True)
            )
        )
        transfers = tuple(row for key in range(len(self.wishes)) for row in self._rows(key))
        holds = tuple(
            Hold(len(self.wishes) + index, wish.payer, wish.payee, wish.amount)
            for index, wish in enumerate(self.holds)
        )
        answers = (frozenset[str](),) * (len(self.wishes) + len(self.holds))
        return World(wallets, transfers, answers, frozenset(), holds)

    def _spending(self, wallet: int) -> Spending | None:
        return Spending(self.limits[wallet][0]) if self.limits else None

    @property
    def rows_per_key(self) -> int:
        """How many transfers stand ready for a key: the rules must never get to the second."""
        return 2 if self.repeats else 1

    def _rows(self, key: int) -> tuple[Transfer, ...]:
        """The rows that a wish may get; of one that is done, the row that it has."""
        wish = self.wishes[key]
        first = other = self._row(key)
        if isinstance(wish, Pays) and wish.is_done:
            first = other._replace(
                status=COMPLETED, verdicts=frozenset({Verdict(CREDITED)}), debits=1, credits=1
            )
        return (first, other)[: self.rows_per_key]

    def _row(self, key: int) -> Transfer:
        wish = self.wishes[key]
        match wish:
            case Captures():
                hold = self.holds[wish.hold]
                return Transfer(key, hold.payer, hold.payee, wish.amount, hold=wish.hold)
            case Refunds():
                first = self._row(wish.of)
                index = wish.of * self.rows_per_key
                return Transfer(key, first.payee, first.payer, wish.amount, refund_of=index)
            case Pays():
                return Transfer(key, wish.payer, wish.payee, wish.amount)
