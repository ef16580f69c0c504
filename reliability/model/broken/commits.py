"""Rows that do not last: commits that were acknowledged and are gone, rows that were deleted."""

from collections.abc import Iterator

from typing_extensions import override

from reliability.model import ledger
from reliability.model.breaches import Breach
from reliability.model.rules import Rules
from reliability.model.state import Move, World, note
from reliability.model.table import CREDITED, DEBITED, HELD, NO_ROW, OVER
from reliability.model.variant import CALM, KEYED, RICH, Variant

_DELETED = "was deleted"


class TryIsLost(Rules):
    """The payer's shard fails over, and a try that was answered is gone."""

    @override
    def happen(self, world: World) -> Iterator[Move]:
        yield from super().happen(world)
        for index, transfer in enumerate(world.transfers):
            if transfer.status == HELD:
                after = ledger.shift(world, transfer.payer, held=-transfer.amount)
                after = ledger.write_status(after, index, NO_ROW)
                yield Move(index, "the payer's shard fails over without the try", after, own=False)


class DebitIsLost(Rules):
    """The payer's shard fails over, and a debit whose confirm was sent is gone."""

    @override
    def happen(self, world: World) -> Iterator[Move]:
        yield from super().happen(world)
        for index, transfer in enumerate(world.transfers):
            if transfer.status == DEBITED:
                held = transfer._replace(status=HELD, debits=transfer.debits - 1)
                after = ledger.shift(
                    world.with_transfer(index, held),
                    transfer.payer,
                    balance=transfer.amount,
                    held=transfer.amount,
                )
                what = "the payer's shard fails over without the debit"
                yield Move(index, what, after, own=False)


class CreditIsLost(Rules):
    """The payee's shard fails over, and a credit that settle was told of is gone."""

    @override
    def happen(self, world: World) -> Iterator[Move]:
        yield from super().happen(world)
        for index, transfer in enumerate(world.transfers):
            if any(verdict.kind == CREDITED for verdict in transfer.verdicts):
                gone = transfer._replace(verdicts=frozenset(), credits=transfer.credits - 1)
                after = ledger.shift(
                    world.with_transfer(index, gone), transfer.payee, balance=-transfer.amount
                )
                what = "the payee's shard fails over without the credit"
                yield Move(index, what, after, own=False)


class TransfersDeleted(Rules):
    """Transfers that are over are deleted after a while, and their keys with them."""

    @override
    def happen(self, world: World) -> Iterator[Move]:
        yield from super().happen(world)
        for index, transfer in enumerate(world.transfers):
            if transfer.status in OVER and transfer.debits:
                # Its entries are still there; the id is not used again.
                after = note(ledger.write_status(world, index, NO_ROW), index, _DELETED)
                yield Move(index, "its row is deleted", after, own=False)

    @override
    def try_new(self, world: World, index: int) -> Iterator[Move]:
        is_used = _DELETED in world.transfers[index].notes
        yield from super().try_new(world, index + 1 if is_used else index)


VARIANTS = tuple(
    Variant(name=name, rules=rules, scope=scope, rule=rule, breach=breach)
    for name, rules, scope, rule, breach in (
        ("an acknowledged try is lost", TryIsLost, KEYED, "10", Breach.KEY),
        ("an acknowledged debit is lost", DebitIsLost, CALM, "10", Breach.MONEY),
        ("an acknowledged credit is lost", CreditIsLost, CALM, "10", Breach.MONEY),
        ("transfers deleted after a while", TransfersDeleted, RICH, "rows", Breach.KEY),
    )
)
