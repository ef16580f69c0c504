"""The gateway as it is built: the try, and the key that comes first."""

from collections.abc import Iterator

from reliability.model import ledger
from reliability.model.scope import Scope
from reliability.model.spending import may_spend
from reliability.model.state import (
    NONE,
    Move,
    World,
    send,
    tell,
)
from reliability.model.table import (
    CAPTURE,
    HELD,
    INSUFFICIENT_FUNDS,
    LIMIT_EXCEEDED,
    NO_REASON,
    NO_ROW,
    PAYEE_CANNOT,
    PAYER_MAY_NOT,
    REJECTED,
    TRY,
    TRY_CONFIRM,
)

ACCEPTED = "202"
REFUSED_422 = "422"
CLOSED_409 = "409"


class Gateway:
    """What requests lead to.

    Args:
        scope: how much of the world there is.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def requests(self, world: World) -> Iterator[Move]:
        """Everything that clients may ask for."""
        for key in range(len(self.scope.wishes)):
            yield from self.request(world, key)

    def request(self, world: World, key: int) -> Iterator[Move]:
        """A client asks for a transfer, a capture or a refund: the key first, then a decision."""
        found = self.find(world, key)
        if found is not None:
            if self.scope.repeats:
                yield from self.replay(world, found)
            return
        for index, transfer in enumerate(world.transfers):
            if transfer.key == key and transfer.status == NO_ROW:
                yield from self.decide(world, index)
                return

    def decide(self, world: World, index: int) -> Iterator[Move]:
        """A request whose key is new."""
        yield from self.try_new(world, index)

    def find(self, world: World, key: int) -> int | None:
        """The transfer that the key stands for."""
        for index, transfer in enumerate(world.transfers):
            if transfer.key == key and transfer.status != NO_ROW:
                return index
        return None

    def replay(self, world: World, index: int) -> Iterator[Move]:
        """A repeated request has its first answer, and repeats the message that follows."""
        transfer = world.transfers[index]
        is_no = transfer.status == REJECTED
        after = tell(world, transfer.key, REFUSED_422 if is_no else ACCEPTED)
        if transfer.status == HELD:
            after = send(after, index, TRY_CONFIRM)
        yield Move(index, "try finds the key and gives its first answer again", after, own=False)

    def try_new(self, world: World, index: int) -> Iterator[Move]:
        """A new request. The payee's shard is asked for advice, or is away and taken on trust."""
        advice = self.advice(world, index)
        for heard in (advice, NO_REASON) if advice else (NO_REASON,):
            refusal = self.refusal(world, index, heard)
            if refusal == NO_REASON:
                yield from self.accept(world, index)
            else:
                yield from self.reject(world, index, refusal)

    def advice(self, world: World, index: int) -> str:
        """What the payee's shard says to the gateway; nothing relies on it."""
        payee = world.wallets[world.transfers[index].payee]
        return PAYEE_CANNOT.get(payee.status, NO_REASON)

    def refusal(self, world: World, index: int, advice: str) -> str:
        """Why a new request is refused, under the payer's lock."""
        transfer = world.transfers[index]
        return self.refusal_of(world, transfer.payer, transfer.amount, advice)

    def refusal_of(self, world: World, payer: int, amount: int, advice: str) -> str:
        """Why a wallet may not reserve an amount, for a transfer or for a hold."""
        row = world.wallets[payer]
        refusal = PAYER_MAY_NOT.get(row.status, advice)
        if refusal != NO_REASON:
            return refusal
        if row.balance - row.held < amount:
            return INSUFFICIENT_FUNDS
        return NO_REASON if may_spend(world, payer, amount) else LIMIT_EXCEEDED

    def accept(self, world: World, index: int) -> Iterator[Move]:
        """The reservation; its row has the key."""
        after = ledger.accept(world, index)
        answered = self.told(after, index, ACCEPTED)
        sent = send(answered, index, TRY_CONFIRM)
        yield Move(index, "try holds, answers 202 and sends try-confirm", sent, own=False, step=TRY)
        yield Move(index, "try holds, and the gateway dies", after, own=False, step=TRY)

    def reject(self, world: World, index: int, refusal: str) -> Iterator[Move]:
        """A no is a row too, so that the key has its answer."""
        step = TRY if world.transfers[index].hold == NONE else CAPTURE
        after = ledger.reject(world, index)
        answered = self.told(after, index, REFUSED_422)
        what = f"{step} rejects, {refusal}"
        yield Move(index, what, answered, own=False, step=step, reason=refusal)
        if answered != after:
            what = f"{step} rejects, {refusal}, and the gateway dies"
            yield Move(index, what, after, own=False, step=step, reason=refusal)

    def told(self, world: World, index: int, answer: str) -> World:
        """The client has its answer; remembered only where clients ask again."""
        return self.answered(world, world.transfers[index].key, answer)

    def answered(self, world: World, key: int, answer: str) -> World:
        """The same of a key."""
        return tell(world, key, answer) if self.scope.repeats else world
