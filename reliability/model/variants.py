"""All variants: what must hold, and what must be caught."""

from collections.abc import Iterator
from typing import Final

from typing_extensions import override

from reliability.model.broken import commits, gateway, messages, payee, payer
from reliability.model.broken.messages import OnlyMessages, PayerNeedsNoSignature
from reliability.model.rules import Rules
from reliability.model.state import Move, World, forget, note, send
from reliability.model.table import (
    COMPLETED,
    CONFIRM,
    REFUNDED,
    REJECTED,
    TRY_CONFIRM,
)
from reliability.model.unlocked import ReadsFirst
from reliability.model.variant import (
    ABSENT_PAYEE,
    CIRCLE,
    KEYED,
    LIMITED,
    LOSSLESS,
    ONE,
    RACING,
    RACING_KEYED,
    ROUND,
    TOGETHER,
    Variant,
)

_SENDS = "a worker has to send: "


class WakesLate(Rules):
    """What is sent lies in a worker's memory first, and is sent at any later time, or never.

    It must hold as the rules do, whose messages are sent at once and delivered late.
    """

    @override
    def debited(self, index: int, after: World) -> Iterator[Move]:
        kept = note(after, index, _SENDS + CONFIRM)
        yield Move(index, "try-confirm debits", kept, own=True, step=TRY_CONFIRM)

    @override
    def redrive_sends(self, world: World, index: int, step: str) -> Iterator[Move]:
        yield Move(index, f"redrive claims {step}", note(world, index, _SENDS + step), own=True)

    @override
    def happen(self, world: World) -> Iterator[Move]:
        yield from super().happen(world)
        for index, transfer in enumerate(world.transfers):
            for kept in sorted(transfer.notes):
                step = kept.removeprefix(_SENDS)
                without = forget(world, index, kept)
                after = send(without, index, step)
                yield Move(index, f"a worker sends {step}, late or not", after, own=True)
                yield Move(index, "the worker that had to send dies", without, own=False)


HOLDING: Final = (
    Variant(name="one transfer", rules=Rules, scope=ONE),
    Variant(name="one transfer, its request repeated", rules=Rules, scope=KEYED),
    Variant(
        name="one transfer, no such payee",
        rules=Rules,
        scope=ABSENT_PAYEE,
        never=frozenset({COMPLETED}),
    ),
    Variant(name="one transfer, workers that wake late", rules=WakesLate, scope=ONE),
    Variant(
        name="one transfer, no redrive, Kafka never loses",
        rules=OnlyMessages,
        scope=LOSSLESS,
        never=frozenset({REJECTED, REFUNDED}),
    ),
    Variant(name="one transfer, payer's side unsigned", rules=PayerNeedsNoSignature, scope=ONE),
    Variant(name="two racing for one balance", rules=Rules, scope=RACING),
    Variant(name="two racing, without locks first", rules=ReadsFirst, scope=RACING),
    Variant(name="two in flight together", rules=Rules, scope=TOGETHER),
    Variant(
        name="two, and room for one at the payee",
        rules=Rules,
        scope=LIMITED,
        never=frozenset({REJECTED}),
    ),
    Variant(name="two that pay each other", rules=Rules, scope=CIRCLE),
    Variant(name="two racing, requests repeated", rules=Rules, scope=RACING_KEYED, large=True),
    Variant(name="three that pay round", rules=Rules, scope=ROUND, large=True),
)

BROKEN: Final = (
    *gateway.VARIANTS,
    *payer.VARIANTS,
    *payee.VARIANTS,
    *messages.VARIANTS,
    *commits.VARIANTS,
)

VARIANTS: Final = (*HOLDING, *BROKEN)
