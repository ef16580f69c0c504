"""The world as the model sees it: rows of two shards, what Kafka has, what workers have in memory.

Everything is a tuple and never changes; a move makes another world.
"""

from functools import cache
from typing import Final, NamedTuple

from reliability.model.table import NO_REASON, NO_ROW

# Where a row names no other row.
NONE: Final = -1


class Spending(NamedTuple):
    """The part of an account's row that is about its daily limit.

    Attributes:
        limit: the most that may be spent on a day; None for no limit.
        spent: what was spent on `day`, less what was given back.
        day: the last UTC day on which something was spent.
    """

    limit: int | None
    spent: int = 0
    day: int = 0


class Wallet(NamedTuple):
    """A user with one account; `spending` only in scopes that have limits."""

    balance: int
    held: int
    status: str
    spending: Spending | None = None


class Message(NamedTuple):
    """What lies on a topic. `forgery` is empty when the bytes are as we signed them for `step`."""

    topic: str
    step: str
    amount: int
    forgery: str


class Verdict(NamedTuple):
    """A row on the payee's shard."""

    kind: str
    reason: str = NO_REASON


class Transfer(NamedTuple):
    """A transfer's rows on both shards, and what is under way for it.

    Attributes:
        key: the idempotency key of the request that made it, or may make it.
        payer: index of a wallet.
        payee: index of a wallet.
        amount: minor units.
        status: of the row on the payer's shard; `NO_ROW` before there is one.
        verdicts: rows on the payee's shard; as built, one at the most.
        debits: how often its amount left the payer.
        credits: how often its amount reached the payee.
        returns: how often its amount came back to the payer.
        log: what Kafka has. A set: what is in it comes any number of times, in any order, for ever.
        handed: verdicts on their way from confirm to settle in the memory of workers.
        expired: whether the database's clock has passed the expiry.
        notes: what only a broken variant remembers, such as something read and not yet acted upon.
        hold: index of the hold that it captures, or `NONE`.
        refund_of: index of the transfer that it refunds, or `NONE`.
        refunded: on the verdict's row, what refunds of this one have taken: under way or done.
        day: the UTC day to whose limit it counts; a capture's is its hold's.
    """

    key: int
    payer: int
    payee: int
    amount: int
    status: str = NO_ROW
    verdicts: frozenset[Verdict] = frozenset()
    debits: int = 0
    credits: int = 0
    returns: int = 0
    log: frozenset[Message] = frozenset()
    handed: frozenset[Verdict] = frozenset()
    expired: bool = False
    notes: frozenset[str] = frozenset()
    hold: int = NONE
    refund_of: int = NONE
    refunded: int = 0
    day: int = 0


class Hold(NamedTuple):
    """A hold's row on the payer's shard.

    Attributes:
        key: the idempotency key of the request that opened it, or may open it.
        payer: index of a wallet.
        payee: index of a wallet.
        amount: minor units.
        status: of the row; `NO_ROW` before there is one.
        captured: what captures have taken of it.
        expired: whether the database's clock has passed the expiry.
        day: the UTC day to whose limit it counts.
        notes: what only a broken variant remembers.
    """

    key: int
    payer: int
    payee: int
    amount: int
    status: str = NO_ROW
    captured: int = 0
    expired: bool = False
    day: int = 0
    notes: frozenset[str] = frozenset()


class World(NamedTuple):
    """One state of everything.

    Attributes:
        wallets: by index.
        transfers: by index; as many per key as requests with it could make.
        answers: by key, what its client was told; tracked only where clients repeat themselves.
        moved: the names of the deposits and withdrawals that happened.
        holds: by index.
        day: what the database's clock says; it may be set back.
    """

    wallets: tuple[Wallet, ...]
    transfers: tuple[Transfer, ...]
    answers: tuple[frozenset[str], ...]
    moved: frozenset[str]
    holds: tuple[Hold, ...] = ()
    day: int = 0

    def with_transfer(self, index: int, transfer: Transfer) -> "World":
        """The world with another transfer at `index`."""
        rows = self.transfers
        changed = (*rows[:index], transfer, *rows[index + 1 :])
        return World(self.wallets, changed, self.answers, self.moved, self.holds, self.day)

    def with_wallet(self, index: int, wallet: Wallet) -> "World":
        """The world with another wallet at `index`."""
        rows = self.wallets
        changed = (*rows[:index], wallet, *rows[index + 1 :])
        return World(changed, self.transfers, self.answers, self.moved, self.holds, self.day)

    def with_hold(self, index: int, hold: Hold) -> "World":
        """The world with another hold at `index`."""
        return self._replace(holds=(*self.holds[:index], hold, *self.holds[index + 1 :]))


class Move(NamedTuple):
    """One atomic thing that may happen: a local transaction with what follows it, or a fault.

    Attributes:
        transfer: index of the transfer it is about; -1 for none.
        what: what happens, for a person.
        world: the state after it.
        own: whether the system does it by itself; faults, clients and clocks are not its own.
        step: which step it is part of, if any.
        reason: with which reason it changes a status.
    """

    transfer: int
    what: str
    world: World
    own: bool
    step: str = ""
    reason: str = NO_REASON


@cache
def genuine(step: str, amount: int) -> Message:
    """The message that asks for a step, signed, on its own topic."""
    return Message(step, step, amount, "")


def send(world: World, index: int, step: str) -> World:
    """Kafka has the message that asks for `step`."""
    transfer = world.transfers[index]
    log = transfer.log | {genuine(step, transfer.amount)}
    return world.with_transfer(index, transfer._replace(log=log))


def lose(world: World, index: int, message: Message) -> World:
    """Kafka has it no more."""
    transfer = world.transfers[index]
    return world.with_transfer(index, transfer._replace(log=transfer.log - {message}))


def hand(world: World, index: int, verdict: Verdict) -> World:
    """A worker's settle lane has the verdict."""
    transfer = world.transfers[index]
    return world.with_transfer(index, transfer._replace(handed=transfer.handed | {verdict}))


def note(world: World, index: int, *words: str) -> World:
    """A broken variant remembers something."""
    transfer = world.transfers[index]
    return world.with_transfer(index, transfer._replace(notes=transfer.notes.union(words)))


def forget(world: World, index: int, word: str) -> World:
    """A broken variant has acted upon what it remembered."""
    transfer = world.transfers[index]
    return world.with_transfer(index, transfer._replace(notes=transfer.notes - {word}))


def tell(world: World, key: int, answer: str) -> World:
    """The client of a key is answered."""
    told = world.answers
    changed = (*told[:key], told[key] | {answer}, *told[key + 1 :])
    return World(world.wallets, world.transfers, changed, world.moved, world.holds, world.day)
