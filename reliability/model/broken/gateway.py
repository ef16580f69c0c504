"""The try with a rule broken: keys, reservations, locks."""

from collections.abc import Iterator

from typing_extensions import override

from reliability.model import ledger
from reliability.model.breaches import Breach
from reliability.model.gateway import ACCEPTED, REFUSED_422
from reliability.model.rules import Rules
from reliability.model.state import Move, World, forget, note, send, tell
from reliability.model.table import INSUFFICIENT_FUNDS, NO_REASON, NO_ROW, TRY, TRY_CONFIRM
from reliability.model.unlocked import CountsDebitsOnly
from reliability.model.variant import KEYED, RACING, RICH, Variant

_READ = "was read"
_NO_KEY = "its key is not written"


class KeyWrittenLater(Rules):
    """The reservation is committed, and its key in a second transaction."""

    @override
    def find(self, world: World, key: int) -> int | None:
        found = super().find(world, key)
        unknown = found is None or _NO_KEY in world.transfers[found].notes
        return None if unknown else found

    @override
    def accept(self, world: World, index: int) -> Iterator[Move]:
        yield from super().accept(world, index)
        after = note(ledger.accept(world, index), index, _NO_KEY)
        what = "try holds, and the gateway dies before it writes the key"
        yield Move(index, what, after, own=False, step=TRY)


class KeyLookedUpLast(Rules):
    """What can change is looked at first: the payee, here."""

    @override
    def replay(self, world: World, index: int) -> Iterator[Move]:
        if self.advice(world, index) == NO_REASON:
            yield from super().replay(world, index)
        else:
            after = tell(world, world.transfers[index].key, REFUSED_422)
            yield Move(index, "try finds the payee closed, before the key", after, own=False)


class RefusalWithoutRow(Rules):
    """A no is answered and not written down, so that the key is decided again."""

    @override
    def reject(self, world: World, index: int, refusal: str) -> Iterator[Move]:
        after = self.told(world, index, REFUSED_422)
        yield Move(index, f"try rejects, {refusal}, and writes no row", after, own=False)


class KeyWithoutLock(Rules):
    """The key is looked up without a lock, and no constraint says who was first."""

    @override
    def request(self, world: World, key: int) -> Iterator[Move]:
        for index, transfer in enumerate(world.transfers):
            if transfer.key != key or transfer.status != NO_ROW:
                continue
            if _READ in transfer.notes:
                yield from self.try_new(forget(world, index, _READ), index)
            elif self.find(world, key) is None:
                after = note(world, index, _READ)
                yield Move(index, "try finds that its key is new", after, own=False)


class UnknownCommitAnsweredNo(Rules):
    """The connection breaks during COMMIT, and the client is told that nothing happened."""

    @override
    def accept(self, world: World, index: int) -> Iterator[Move]:
        yield from super().accept(world, index)
        after = self.told(ledger.accept(world, index), index, REFUSED_422)
        what = "try holds, the COMMIT is not answered, the client is told no"
        yield Move(index, what, after, own=False, step=TRY)


class AnsweredBeforeCommit(Rules):
    """The client hears 202, and then the commit fails."""

    @override
    def accept(self, world: World, index: int) -> Iterator[Move]:
        yield from super().accept(world, index)
        after = self.told(world, index, ACCEPTED)
        yield Move(index, "try answers 202, and its COMMIT fails", after, own=False)


class TryReadsBeforeItLocks(Rules):
    """The balance is read without the lock, or in the statement that waits for it."""

    @override
    def try_new(self, world: World, index: int) -> Iterator[Move]:
        if _READ in world.transfers[index].notes:
            after = send(ledger.accept(forget(world, index, _READ), index), index, TRY_CONFIRM)
            yield Move(index, "try holds by what it read", after, own=False, step=TRY)
        elif self.refusal(world, index, NO_REASON) == NO_REASON:
            after = note(world, index, _READ)
            yield Move(index, "try reads a balance that is enough", after, own=False)


class TryDoesNotReserve(Rules):
    """The try accepts, and leaves the balance to try-confirm."""

    @override
    def refusal(self, world: World, index: int, advice: str) -> str:
        refusal = super().refusal(world, index, advice)
        return NO_REASON if refusal == INSUFFICIENT_FUNDS else refusal


class BatchSeesOneBalance(Rules):
    """The requests of a batch are all decided by what was there before the batch."""

    @override
    def request(self, world: World, key: int) -> Iterator[Move]:
        yield from super().request(world, key)
        new = [i for i, t in enumerate(world.transfers) if t.status == NO_ROW]
        if len(new) > 1 and all(self.refusal(world, i, NO_REASON) == NO_REASON for i in new):
            after = world
            for index in new:
                after = ledger.accept(after, index)
            yield Move(-1, "a batch of tries, each decided by itself", after, own=False, step=TRY)


VARIANTS = tuple(
    Variant(name=name, rules=rules, scope=scope, rule=rule, breach=breach)
    for name, rules, scope, rule, breach in (
        ("key not in the try's transaction", KeyWrittenLater, RICH, "1", Breach.KEY),
        ("key looked up after the checks", KeyLookedUpLast, KEYED, "1", Breach.KEY),
        ("refusal not recorded under its key", RefusalWithoutRow, KEYED, "1", Breach.KEY),
        ("key looked up without a lock", KeyWithoutLock, RICH, "1", Breach.KEY),
        ("try reads before it locks", TryReadsBeforeItLocks, RACING, "2", Breach.OVERDRAFT),
        ("unlocked try counts debits only", CountsDebitsOnly, RACING, "2", Breach.OVERDRAFT),
        ("try does not reserve", TryDoesNotReserve, RACING, "3", Breach.OVERDRAFT),
        ("batch decided by one balance", BatchSeesOneBalance, RACING, "3", Breach.OVERDRAFT),
        ("try: COMMIT unknown told as a no", UnknownCommitAnsweredNo, KEYED, "10", Breach.KEY),
        ("try answers before its commit", AnsweredBeforeCommit, KEYED, "10", Breach.KEY),
    )
)
