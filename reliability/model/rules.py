"""The protocol as it is built. A broken variant overrides the one method that it breaks.

A step is one local transaction under the lock of its user, so it is one move. What it sends, it
sends after its commit: each step that sends has a second move in which its worker dies in between.
A worker that wakes late needs no move of its own: what it still sends is a message that comes late,
and the log keeps every message for ever; what it still settles lies in `handed`.
"""

from collections.abc import Iterator

from reliability.model.environment import forgeries, happenings
from reliability.model.holds import HoldRules
from reliability.model.payee import PayeeSide
from reliability.model.payer import PayerSide
from reliability.model.refunds import RefundRules
from reliability.model.state import (
    Message,
    Move,
    Transfer,
    World,
    genuine,
    send,
)
from reliability.model.table import (
    CANCEL,
    CONFIRM,
    HELD,
    IMPLIED,
    TRY_CONFIRM,
)


class Rules(HoldRules, RefundRules, PayerSide, PayeeSide):
    """All moves that are possible in a world."""

    def moves(self, world: World) -> Iterator[Move]:
        """Everything that may happen next."""
        yield from self.requests(world)
        for index, transfer in enumerate(world.transfers):
            for message in sorted(transfer.log):
                yield from self.deliver(world, index, message)
            for verdict in sorted(transfer.handed):
                yield from self.settle(world, index, verdict)
            if transfer.status in IMPLIED:
                yield from self.redrive(world, index)
            if self.scope.cancels:
                yield from self.cancel_by_payer(world, index)
            if self.scope.attacked:
                yield from self.attack(world, index)
        for hold in range(len(world.holds)):
            yield from self.expire_hold(world, hold)
        yield from self.happen(world)

    def happen(self, world: World) -> Iterator[Move]:
        """What is not the system's doing."""
        yield from happenings(self.scope, world)

    def deliver(self, world: World, index: int, message: Message) -> Iterator[Move]:
        """A worker takes a message of a topic."""
        if not self.believes(message):
            yield Move(index, "a message that is not ours is set aside", world, own=False)
        elif message.topic == TRY_CONFIRM:
            yield from self.try_confirm(world, index, message)
        elif message.topic == CONFIRM:
            yield from self.confirm(world, index, message)
        else:
            yield from self.cancel_by_clock(world, index)

    def believes(self, message: Message) -> bool:
        """The signature is over the step and all fields, and a step takes only its own."""
        return not message.forgery and message.step == message.topic

    def attack(self, world: World, index: int) -> Iterator[Move]:
        """Somebody writes to the topics; it comes at once, for it can be written at any time."""
        transfer = world.transfers[index]
        for message in forgeries(transfer):
            origin = message.forgery or f"a copy of {message.step}"
            for move in self.deliver(world, index, message):
                yield move._replace(what=f"on {message.topic}, {origin}: {move.what}", own=False)
        early = genuine(CANCEL, transfer.amount)
        for move in self.deliver(world, index, early):
            what = f"a worker whose clock is ahead sends cancel: {move.what}"
            yield move._replace(what=what, own=False)

    def redrive(self, world: World, index: int) -> Iterator[Move]:
        """The row says what to send."""
        transfer = world.transfers[index]
        yield from self.redrive_sends(world, index, self.implied(transfer))

    def implied(self, transfer: Transfer) -> str:
        """What redrive sends for a row that is not over."""
        is_due_to_end = transfer.status == HELD and transfer.expired
        return CANCEL if is_due_to_end else IMPLIED[transfer.status]

    def redrive_sends(self, world: World, index: int, step: str) -> Iterator[Move]:
        """Nothing new where Kafka has it already."""
        after = send(world, index, step)
        if after != world:
            yield Move(index, f"redrive sends {step}", after, own=True)
