"""Tries and holds as small batches run them: read without a lock, written if nothing changed."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from typing_extensions import override

from reliability.model.rules import Rules
from reliability.model.state import Move, World, forget, note
from reliability.model.table import (
    CANCELLED,
    CAPTURED,
    COMPLETED,
    DEBITED,
    EXPIRED,
    HELD,
    NO_REASON,
    NO_ROW,
    OPEN,
    REFUNDED,
    REJECTED,
    VOIDED,
)

_SAW = "saw "
_ON = " on day "
# How many events a transfer in this status has told of its payer.
_TOLD: Final = {
    NO_ROW: 0,
    HELD: 1,
    REJECTED: 1,
    DEBITED: 2,
    CANCELLED: 2,
    COMPLETED: 3,
    REFUNDED: 3,
}
_TOLD_BY_HOLD: Final = {NO_ROW: 0, OPEN: 1, REJECTED: 1, CAPTURED: 2, VOIDED: 2, EXPIRED: 2}


class _Seen(NamedTuple):
    """What a request has read, as a note keeps it."""

    version: str
    day: int

    @override
    def __str__(self) -> str:
        return f"{_SAW}{self.version}{_ON}{self.day}"


class ReadsFirst(Rules):
    """What a try or a hold has read may be acted upon while the payer has told no event since.

    It must hold as the rules do, which lock first; those are still there, for what is in the way of
    one without.
    """

    def events(self, world: World, wallet: int) -> int:
        """The number of a wallet's last event: the version of all that is its own."""
        told = sum(_TOLD[t.status] for t in world.transfers if t.payer == wallet)
        told += sum(t.credits for t in world.transfers if t.payee == wallet)
        return told + sum(_TOLD_BY_HOLD[h.status] for h in world.holds if h.payer == wallet)

    def version(self, world: World, wallet: int) -> str:
        """What is compared when it is written. A limit that is changed tells an event, too."""
        row = world.wallets[wallet]
        limit = row.spending.limit if row.spending else None
        return f"{row.status} {limit} {self.events(world, wallet)}"

    @override
    def try_new(self, world: World, index: int) -> Iterator[Move]:
        transfer = world.transfers[index]
        now = _Seen(self.version(world, transfer.payer), world.day)
        saw = _seen(transfer.notes)
        if saw is None:
            yield from super().try_new(world, index)
            if self.refusal(world, index, NO_REASON) == NO_REASON:
                after = note(world, index, str(now))
                yield Move(index, "try reads, without a lock, that it may", after, own=False)
            return
        unread = forget(world, index, str(saw))
        if saw.version == now.version:
            yield from _as_of(now.day, self.accept(unread._replace(day=saw.day), index))
        else:
            yield from super().try_new(unread, index)

    @override
    def new_hold(self, world: World, hold: int) -> Iterator[Move]:
        row = world.holds[hold]
        now = _Seen(self.version(world, row.payer), world.day)
        saw = _seen(row.notes)
        if saw is None:
            yield from super().new_hold(world, hold)
            if self.refusal_of(world, row.payer, row.amount, NO_REASON) == NO_REASON:
                after = world.with_hold(hold, row._replace(notes=frozenset({str(now)})))
                what = f"hold {hold + 1} is read, without a lock, to be possible"
                yield Move(-1, what, after, own=False)
            return
        unread = world.with_hold(hold, row._replace(notes=frozenset()))
        if saw.version == now.version:
            yield from _as_of(now.day, self.open_hold(unread._replace(day=saw.day), hold))
        else:
            yield from super().new_hold(unread, hold)


def _seen(notes: Iterable[str]) -> _Seen | None:
    """What was read and not yet acted upon."""
    for text in notes:
        if text.startswith(_SAW):
            version, _, day = text.removeprefix(_SAW).partition(_ON)
            return _Seen(version, int(day))
    return None


def _as_of(day: int, moves: Iterator[Move]) -> Iterator[Move]:
    """Moves that were decided by what was read, the day too; the clock is where it is now."""
    for move in moves:
        yield move._replace(world=move.world._replace(day=day))


class CountsDebitsOnly(ReadsFirst):
    """What only reserves is not counted."""

    @override
    def events(self, world: World, wallet: int) -> int:
        return sum(t.debits for t in world.transfers if t.payer == wallet)


class CountsNoHolds(ReadsFirst):
    """What a hold reserves tells no event."""

    @override
    def events(self, world: World, wallet: int) -> int:
        return super().events(world._replace(holds=()), wallet)


class LimitTellsNoEvent(ReadsFirst):
    """A limit is changed and no event is told."""

    @override
    def version(self, world: World, wallet: int) -> str:
        return f"{world.wallets[wallet].status} {self.events(world, wallet)}"
