"""How much of the world is explored: who pays whom, and what may happen meanwhile."""

from dataclasses import dataclass

from reliability.model.state import Transfer, Wallet, World
from reliability.model.table import OPEN

DEPOSIT = 50
WITHDRAWAL = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Pays:
    """A client's wish: one amount from one wallet to another, under a key of its own."""

    payer: int
    payee: int
    amount: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is explored.

    Attributes:
        wishes: what clients want; the index is the key.
        balances: of the wallets at the beginning.
        statuses: what each wallet's user may become, at any time; the first is the beginning.
        loses: whether Kafka may lose what it has, any part of it and at any time.
        expires: whether the clock may pass an expiry.
        cancels: whether payers may cancel.
        repeats: whether clients repeat their requests; then what they were told is tracked.
        moves_money: whether the first wallet may have a deposit and a withdrawal.
        attacked: whether somebody writes to the topics what we did not, or what is not due.
        limit: a balance that no wallet may reach.
    """

    wishes: tuple[Pays, ...] = (Pays(payer=0, payee=1),)
    balances: tuple[int, ...] = (100, 0)
    statuses: tuple[tuple[str, ...], ...] = ((OPEN,), (OPEN,))
    loses: bool = True
    expires: bool = True
    cancels: bool = True
    repeats: bool = False
    moves_money: bool = False
    attacked: bool = False
    limit: int = 1_000

    def beginning(self) -> World:
        """The world before anything happened."""
        wallets = tuple(
            Wallet(balance, 0, statuses[0])
            for balance, statuses in zip(self.balances, self.statuses, strict=True)
        )
        # A second row for a key stands ready: the rules must never get so far as to use it.
        rows_per_key = 2 if self.repeats else 1
        transfers = tuple(
            Transfer(key, wish.payer, wish.payee, wish.amount)
            for key, wish in enumerate(self.wishes)
            for _ in range(rows_per_key)
        )
        return World(wallets, transfers, (frozenset(),) * len(self.wishes), frozenset())
