"""The payee's side with a rule broken: verdicts and credits."""

from collections.abc import Iterator

from typing_extensions import override

from reliability.model import ledger
from reliability.model.breaches import Breach
from reliability.model.rules import Rules
from reliability.model.state import Message, Move, Verdict, World, forget, hand, note
from reliability.model.table import CONFIRM, CREDITED, OVER, PAYEE_CLOSED, REFUSED
from reliability.model.variant import CALM, ONE, Variant

_READ = "open was read"


class NoVerdictKey(Rules):
    """Nothing recognises a confirm that comes again."""

    @override
    def confirm(self, world: World, index: int, message: Message) -> Iterator[Move]:
        yield from self.give_verdict(world, index, self.verdict(world, index, message), message)


class TwoVerdictKeys(Rules):
    """Credits have one key and refusals another: both can be."""

    @override
    def confirm(self, world: World, index: int, message: Message) -> Iterator[Move]:
        verdict = self.verdict(world, index, message)
        if verdict in world.transfers[index].verdicts:
            yield from self.repeat_verdict(world, index, verdict)
        else:
            yield from self.give_verdict(world, index, verdict, message)


class RefusalNotRecorded(Rules):
    """A no is said and not written down; when the payee opens again, it is a yes."""

    @override
    def give_verdict(
        self, world: World, index: int, verdict: Verdict, message: Message
    ) -> Iterator[Move]:
        if verdict.kind == CREDITED:
            yield from super().give_verdict(world, index, verdict, message)
        else:
            after = hand(world, index, verdict)
            what = "confirm says refused, and writes no row"
            yield Move(index, what, after, own=True, step=CONFIRM)


class AwayIsNo(Rules):
    """A shard that does not answer is taken for one that has said no."""

    @override
    def confirm(self, world: World, index: int, message: Message) -> Iterator[Move]:
        yield from super().confirm(world, index, message)
        after = hand(world, index, Verdict(REFUSED, PAYEE_CLOSED))
        yield Move(index, "the payee's shard is away, taken for a no", after, own=False)


class VerdictBeforeCredit(Rules):
    """The verdict's row first, the credit after it."""

    @override
    def give_verdict(
        self, world: World, index: int, verdict: Verdict, message: Message
    ) -> Iterator[Move]:
        yield from super().give_verdict(world, index, verdict, message)
        after = ledger.give_verdict(world, index, verdict, amount=0)
        what = "confirm writes the verdict, and dies before it credits"
        yield Move(index, what, after, own=False, step=CONFIRM)


class CreditBeforeVerdict(Rules):
    """The credit first, the verdict's row after it."""

    @override
    def give_verdict(
        self, world: World, index: int, verdict: Verdict, message: Message
    ) -> Iterator[Move]:
        yield from super().give_verdict(world, index, verdict, message)
        if verdict.kind == CREDITED:
            after = ledger.credit(world, index, amount=message.amount)
            what = "confirm credits, and dies before it writes the verdict"
            yield Move(index, what, after, own=False, step=CONFIRM)


class ClosedPayeeIsAnError(Rules):
    """A payee that cannot take it is an error, tried again for ever."""

    @override
    def give_verdict(
        self, world: World, index: int, verdict: Verdict, message: Message
    ) -> Iterator[Move]:
        if verdict.kind == CREDITED:
            yield from super().give_verdict(world, index, verdict, message)


class PayeeReadBeforeTheLock(Rules):
    """Confirm looks at the payee, waits for the lock, and credits by what it saw."""

    @override
    def confirm(self, world: World, index: int, message: Message) -> Iterator[Move]:
        transfer = world.transfers[index]
        if _READ in transfer.notes and not transfer.verdicts:
            unread = forget(world, index, _READ)
            yield from self.give_verdict(unread, index, Verdict(CREDITED), message)
        elif not transfer.verdicts and self.verdict(world, index, message).kind == CREDITED:
            after = note(world, index, _READ)
            yield Move(index, "confirm reads that the payee is open", after, own=True)
        else:
            yield from super().confirm(world, index, message)


class VerdictHandedBeforeCommit(Rules):
    """Settle hears a verdict whose commit fails."""

    @override
    def give_verdict(
        self, world: World, index: int, verdict: Verdict, message: Message
    ) -> Iterator[Move]:
        yield from super().give_verdict(world, index, verdict, message)
        after = hand(world, index, verdict)
        what = f"confirm hands {verdict.kind} to settle, and its COMMIT fails"
        yield Move(index, what, after, own=False)


class RepeatedConfirmIsSilent(Rules):
    """A confirm that comes again is skipped: it is done already."""

    @override
    def repeat_verdict(self, world: World, index: int, verdict: Verdict) -> Iterator[Move]:
        yield from ()


class SettleBelievesMessages(Rules):
    """Settle is a topic like the others, and believes what comes there."""

    @override
    def happen(self, world: World) -> Iterator[Move]:
        yield from super().happen(world)
        for index in range(len(world.transfers)):
            for verdict in (Verdict(CREDITED), Verdict(REFUSED, PAYEE_CLOSED)):
                after = hand(world, index, verdict)
                what = f"somebody writes a settle that says {verdict.kind}"
                yield Move(index, what, after, own=False)


class VerdictsDeleted(Rules):
    """Verdicts of transfers that are over are deleted after a while."""

    @override
    def happen(self, world: World) -> Iterator[Move]:
        yield from super().happen(world)
        for index, transfer in enumerate(world.transfers):
            if transfer.verdicts and transfer.status in OVER:
                after = world.with_transfer(index, transfer._replace(verdicts=frozenset()))
                yield Move(index, "its verdict is deleted", after, own=False)


VARIANTS = tuple(
    Variant(name=name, rules=rules, scope=scope, rule=rule, breach=breach)
    for name, rules, scope, rule, breach in (
        ("payee read before the lock", PayeeReadBeforeTheLock, ONE, "2", Breach.FORBIDDEN),
        ("no verdict that recognises a repeat", NoVerdictKey, CALM, "5", Breach.MONEY),
        ("two keys for verdicts", TwoVerdictKeys, ONE, "5", Breach.MONEY),
        ("refused, and not recorded", RefusalNotRecorded, ONE, "5", Breach.MONEY),
        ("a shard that is away is a no", AwayIsNo, CALM, "5", Breach.MONEY),
        ("verdict, then credit", VerdictBeforeCredit, CALM, "5", Breach.MONEY),
        ("credit, then verdict", CreditBeforeVerdict, CALM, "5", Breach.MONEY),
        ("a closed payee is an error", ClosedPayeeIsAnError, ONE, "5", Breach.STRANDED),
        ("repeated confirm says nothing", RepeatedConfirmIsSilent, CALM, "8", Breach.STRANDED),
        ("settle believes messages", SettleBelievesMessages, CALM, "9", Breach.MONEY),
        ("verdict handed over before commit", VerdictHandedBeforeCommit, CALM, "10", Breach.MONEY),
        ("verdicts deleted after a while", VerdictsDeleted, CALM, "rows", Breach.MONEY),
    )
)
