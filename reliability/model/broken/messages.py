"""Messages with a rule broken: when they are sent, if they are believed, who repeats them."""

from collections.abc import Iterator

from typing_extensions import override

from reliability.model import ledger
from reliability.model.breaches import Breach
from reliability.model.environment import INVENTED, OTHER_AMOUNT
from reliability.model.rules import Rules
from reliability.model.state import Message, Move, Transfer, Verdict, World, lose, note, send
from reliability.model.table import (
    CANCEL,
    CONFIRM,
    DEBITED,
    HELD,
    NO_ROW,
    PAYEE_CLOSED,
    REFUSED,
    TRY_CONFIRM,
)
from reliability.model.variant import CALM, LOSSLESS, ONE, Variant

_DEAD = "has a dead letter"
_TRIED = "was redriven"


class OnlyMessages(Rules):
    """Only messages carry a transfer on, and the gateway always gets to send the first of them.

    This holds as long as Kafka loses nothing: what is in its log comes again until it is done.
    """

    @override
    def accept(self, world: World, index: int) -> Iterator[Move]:
        for move in super().accept(world, index):
            if move.world.transfers[index].log:
                yield move

    @override
    def redrive(self, world: World, index: int) -> Iterator[Move]:
        yield from ()


class RepeatedTryConfirmIsSilent(OnlyMessages):
    """A try-confirm that comes again is skipped: it is done already."""

    @override
    def repeat_debit(self, world: World, index: int) -> Iterator[Move]:
        yield from ()


class AckedAlthoughItRaised(OnlyMessages):
    """A message whose agent failed is acked, so that it does not come again."""

    @override
    def debit(self, world: World, index: int, message: Message) -> Iterator[Move]:
        for move in super().debit(world, index, message):
            if move.own:
                yield move
            else:
                what = f"{move.what}, and its message is acked"
                yield move._replace(what=what, world=lose(move.world, index, message))


class RedriveLeavesDebitedAlone(Rules):
    """After the debit, the settle lane is relied upon."""

    @override
    def redrive(self, world: World, index: int) -> Iterator[Move]:
        if world.transfers[index].status == HELD:
            yield from super().redrive(world, index)


class RedriveCancelsDebited(Rules):
    """Redrive sends cancel for all that has expired."""

    @override
    def implied(self, transfer: Transfer) -> str:
        return CANCEL if transfer.expired else super().implied(transfer)


class RedriveGivesUp(Rules):
    """Redrive stops after some attempts: one, here."""

    @override
    def redrive(self, world: World, index: int) -> Iterator[Move]:
        if _TRIED not in world.transfers[index].notes:
            for move in super().redrive(world, index):
                yield move._replace(world=note(move.world, index, _TRIED))


class DeadLetterStopsRedrive(Rules):
    """What has a dead letter is left to a person."""

    @override
    def happen(self, world: World) -> Iterator[Move]:
        yield from super().happen(world)
        for index, transfer in enumerate(world.transfers):
            for message in sorted(transfer.log):
                after = note(lose(world, index, message), index, _DEAD)
                yield Move(index, f"{message.step} becomes a dead letter", after, own=False)

    @override
    def redrive(self, world: World, index: int) -> Iterator[Move]:
        if _DEAD not in world.transfers[index].notes:
            yield from super().redrive(world, index)


class DeadLetterDecides(Rules):
    """A confirm that is set aside is taken for a no."""

    @override
    def confirm(self, world: World, index: int, message: Message) -> Iterator[Move]:
        yield from super().confirm(world, index, message)
        if world.transfers[index].status == DEBITED:
            after = ledger.refund(lose(world, index, message), index)
            yield Move(index, "confirm becomes a dead letter, and is returned", after, own=False)


class ConfirmSentBeforeCommit(Rules):
    """The confirm is sent in the transaction, whose COMMIT fails."""

    @override
    def debit(self, world: World, index: int, message: Message) -> Iterator[Move]:
        yield from super().debit(world, index, message)
        after = send(world, index, CONFIRM)
        yield Move(index, "try-confirm sends confirm, and its COMMIT fails", after, own=False)


class UnknownCommitTakenForDone(Rules):
    """The connection breaks during COMMIT; it did not happen, and is told as if it had."""

    @override
    def debit(self, world: World, index: int, message: Message) -> Iterator[Move]:
        yield from super().debit(world, index, message)
        after = send(world, index, CONFIRM)
        what = "try-confirm hears nothing of its COMMIT, which failed, and sends confirm"
        yield Move(index, what, after, own=False)


class NoSignature(Rules):
    """Whatever comes is believed."""

    @override
    def believes(self, message: Message) -> bool:
        return True


class SignatureWithoutStep(Rules):
    """The signature is over the fields and not over the step."""

    @override
    def believes(self, message: Message) -> bool:
        return not message.forgery


class SignatureWithoutAmount(Rules):
    """The signature is over the ids and not over the amount."""

    @override
    def believes(self, message: Message) -> bool:
        is_signed = message.forgery in ("", OTHER_AMOUNT)
        return is_signed and message.step == message.topic


class PayerNeedsNoSignature(Rules):
    """Try-confirm and cancel believe whatever comes: they go by the row, so this holds."""

    @override
    def believes(self, message: Message) -> bool:
        return message.topic in (TRY_CONFIRM, CANCEL) or super().believes(message)


class DebitByMessage(PayerNeedsNoSignature):
    """Try-confirm debits the amount that its message says."""

    @override
    def debit(self, world: World, index: int, message: Message) -> Iterator[Move]:
        yield from self.debited(index, ledger.debit(world, index, amount=message.amount))


class MessageMakesRow(PayerNeedsNoSignature):
    """A try-confirm that names no transfer makes one."""

    @override
    def try_confirm(self, world: World, index: int, message: Message) -> Iterator[Move]:
        if world.transfers[index].status == NO_ROW and message.forgery == INVENTED:
            after = ledger.write_status(world, index, HELD)
            yield Move(index, "try-confirm makes a row", after, own=True)
        else:
            yield from super().try_confirm(world, index, message)


class RefusedByMessage(Rules):
    """A message on the payer's topics may say that the payee's shard refused."""

    @override
    def cancel_by_clock(self, world: World, index: int) -> Iterator[Move]:
        yield from super().cancel_by_clock(world, index)
        if world.transfers[index].status == DEBITED:
            yield self.settled(world, index, Verdict(REFUSED, PAYEE_CLOSED))


VARIANTS = tuple(
    Variant(name=name, rules=rules, scope=scope, rule=rule, breach=breach)
    for name, rules, scope, rule, breach in (
        ("a cancel message ends a debit", RefusedByMessage, ONE, "5", Breach.MONEY),
        (
            "repeated try-confirm says nothing",
            RepeatedTryConfirmIsSilent,
            LOSSLESS,
            "8",
            Breach.STRANDED,
        ),
        ("confirm believes any message", NoSignature, ONE, "9", Breach.MONEY),
        ("signature without the step", SignatureWithoutStep, ONE, "9", Breach.MONEY),
        ("signature without the amount", SignatureWithoutAmount, ONE, "9", Breach.MONEY),
        ("debit of what the message says", DebitByMessage, ONE, "9", Breach.MONEY),
        ("a message makes a transfer", MessageMakesRow, ONE, "9", Breach.HELD),
        ("confirm sent before the commit", ConfirmSentBeforeCommit, CALM, "10", Breach.MONEY),
        ("unknown COMMIT taken for done", UnknownCommitTakenForDone, CALM, "10", Breach.MONEY),
        ("no redrive, and Kafka loses", OnlyMessages, CALM, "Kafka", Breach.STRANDED),
        (
            "acked although the step raised",
            AckedAlthoughItRaised,
            LOSSLESS,
            "Kafka",
            Breach.STRANDED,
        ),
        ("redrive leaves debited alone", RedriveLeavesDebitedAlone, CALM, "6", Breach.STRANDED),
        ("redrive cancels what is debited", RedriveCancelsDebited, CALM, "Kafka", Breach.STRANDED),
        ("redrive gives up", RedriveGivesUp, CALM, "Kafka", Breach.STRANDED),
        ("a dead letter stops redrive", DeadLetterStopsRedrive, CALM, "Kafka", Breach.STRANDED),
        ("a dead letter decides", DeadLetterDecides, CALM, "Kafka", Breach.MONEY),
    )
)
