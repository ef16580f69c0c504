"""Holds as they are built: opened like a try, captured, voided, expired.

A hold is a row of its own on the payer's shard. Whatever is done to it is one transaction under the
payer's lock, so of capture, void and expiry exactly one ends it.
"""

from collections.abc import Iterator

from typing_extensions import override

from reliability.model import ledger
from reliability.model.gateway import ACCEPTED, CLOSED_409, REFUSED_422, Gateway
from reliability.model.scope import Captures
from reliability.model.state import NONE, Hold, Move, World, send
from reliability.model.table import (
    CAPTURE,
    CONFIRM,
    DEBITED,
    EXPIRED,
    EXPIRY,
    HOLD,
    NO_REASON,
    NO_ROW,
    OPEN,
    PAYEE_CANNOT,
    PAYER_MAY_NOT,
    REJECTED,
    VOID,
    VOIDED,
)


class HoldRules(Gateway):
    """What requests for holds lead to, and what the clock does to them."""

    @override
    def requests(self, world: World) -> Iterator[Move]:
        yield from super().requests(world)
        for hold in range(len(world.holds)):
            yield from self.request_hold(world, hold)
            if self.scope.voids:
                yield from self.void(world, hold)

    # --- opening

    def request_hold(self, world: World, hold: int) -> Iterator[Move]:
        """A client asks for a hold: the key first, then a decision."""
        row = world.holds[hold]
        if row.status == NO_ROW:
            yield from self.new_hold(world, hold)
        elif self.scope.repeats:
            answer = REFUSED_422 if row.status == REJECTED else ACCEPTED
            what = "finds the key and gives its first answer again"
            yield _move(hold, what, self.answered(world, row.key, answer))

    def new_hold(self, world: World, hold: int) -> Iterator[Move]:
        """A new request; the payee's shard is asked for advice, as by a try."""
        row = world.holds[hold]
        advice = PAYEE_CANNOT.get(world.wallets[row.payee].status, NO_REASON)
        for heard in (advice, NO_REASON) if advice else (NO_REASON,):
            refusal = self.refusal_of(world, row.payer, row.amount, heard)
            if refusal == NO_REASON:
                yield from self.open_hold(world, hold)
            else:
                yield from self.reject_hold(world, hold, refusal)

    def open_hold(self, world: World, hold: int) -> Iterator[Move]:
        """The reservation; its row has the key."""
        after = ledger.open_hold(world, hold)
        yield from self._hold_told(hold, "opens", after, answer=ACCEPTED)

    def reject_hold(self, world: World, hold: int, refusal: str) -> Iterator[Move]:
        """A no is a row too, so that the key has its answer."""
        after = ledger.write_hold_status(world, hold, REJECTED)
        for move in self._hold_told(hold, f"is rejected, {refusal}", after, answer=REFUSED_422):
            yield move._replace(reason=refusal)

    def _hold_told(self, hold: int, what: str, after: World, *, answer: str) -> Iterator[Move]:
        answered = self.answered(after, after.holds[hold].key, answer)
        yield _move(hold, what, answered, step=HOLD)
        if answered != after:
            yield _move(hold, f"{what}, and the gateway dies", after, step=HOLD)

    # --- capture

    @override
    def decide(self, world: World, index: int) -> Iterator[Move]:
        if world.transfers[index].hold == NONE:
            yield from super().decide(world, index)
        elif world.holds[world.transfers[index].hold].status not in (NO_ROW, REJECTED):
            yield from self.capture(world, index)

    def capture(self, world: World, index: int) -> Iterator[Move]:
        """A new capture. What the hold says comes first, then who pays."""
        transfer = world.transfers[index]
        hold = world.holds[transfer.hold]
        if not self.may_capture(hold):
            yield self.closed(world, index)
        elif transfer.amount > hold.amount - hold.captured:
            after = self.told(world, index, REFUSED_422)
            yield Move(index, "capture is more than remains", after, own=False, step=CAPTURE)
        else:
            payer = world.wallets[transfer.payer].status
            yield from self.decide_capture(world, index, PAYER_MAY_NOT.get(payer, NO_REASON))

    def may_capture(self, hold: Hold) -> bool:
        """Whether the hold is open, by its status and by the database's clock."""
        return hold.status == OPEN and not hold.expired

    def closed(self, world: World, index: int) -> Move:
        """A no that writes nothing; but a hold whose expiry has passed ends there and then."""
        hold = world.transfers[index].hold
        is_due = world.holds[hold].status == OPEN
        after = ledger.end_hold(world, hold, EXPIRED) if is_due else world
        after = self.told(after, index, CLOSED_409)
        return Move(index, "capture finds the hold closed", after, own=False, step=CAPTURE)

    def decide_capture(self, world: World, index: int, refusal: str) -> Iterator[Move]:
        """The hold allows it; its payer may not."""
        if refusal == NO_REASON:
            yield from self.take(world, index)
        else:
            yield from self.reject(world, index, refusal)

    def take(self, world: World, index: int) -> Iterator[Move]:
        """One transaction; the confirm is sent after it, or never."""
        yield from self.taken(index, self.captured(world, index))

    def captured(self, world: World, index: int) -> World:
        """Hold, money and transfer are written together."""
        wish = self.scope.wishes[world.transfers[index].key]
        assert isinstance(wish, Captures)
        return ledger.capture(world, index, final=wish.final)

    def taken(self, index: int, after: World) -> Iterator[Move]:
        """The capture is committed."""
        sent = send(self.told(after, index, ACCEPTED), index, CONFIRM)
        yield Move(index, "capture debits and sends confirm", sent, own=False, step=CAPTURE)
        what = "capture debits, and the gateway dies"
        yield Move(index, what, after, own=False, step=CAPTURE)

    @override
    def replay(self, world: World, index: int) -> Iterator[Move]:
        """A capture that comes again repeats its confirm, too."""
        transfer = world.transfers[index]
        is_on_its_way = transfer.hold != NONE and transfer.status == DEBITED
        for move in super().replay(world, index):
            after = send(move.world, index, CONFIRM) if is_on_its_way else move.world
            yield move._replace(world=after)

    # --- void and expiry

    def void(self, world: World, hold: int) -> Iterator[Move]:
        """The payee or an operator lets it go; a repeat is a yes, and does nothing."""
        if world.holds[hold].status == OPEN:
            yield self.ended(world, hold, VOIDED, step=VOID)

    def expire_hold(self, world: World, hold: int) -> Iterator[Move]:
        """A worker's loop finds what is due by the database's clock."""
        row = world.holds[hold]
        if row.status == OPEN and row.expired:
            yield self.ended(world, hold, EXPIRED, step=EXPIRY)

    def ended(self, world: World, hold: int, status: str, *, step: str) -> Move:
        """Ended without a capture; an expiry is the system's own doing."""
        after = ledger.end_hold(world, hold, status)
        return _move(hold, f"is {status}", after, step=step, own=step == EXPIRY)


def _move(hold: int, what: str, after: World, *, step: str = "", own: bool = False) -> Move:
    return Move(NONE, f"hold {hold + 1} {what}", after, own=own, step=step)
