"""All variants: what must hold, and what must be caught."""

from collections.abc import Iterator
from typing import Final

from typing_extensions import override

from reliability.model.broken import (
    captures,
    commits,
    gateway,
    holds,
    messages,
    payee,
    payer,
    refunds,
    spending,
)
from reliability.model.broken.messages import OnlyMessages, PayerNeedsNoSignature
from reliability.model.rules import Rules
from reliability.model.state import Move, World, forget, note, send
from reliability.model.table import (
    CANCELLED,
    CAPTURED,
    COMPLETED,
    CONFIRM,
    EXPIRED,
    HELD,
    REFUNDED,
    REJECTED,
    STATUSES,
    TRY_CONFIRM,
)
from reliability.model.unlocked import ReadsFirst
from reliability.model.variant import (
    ABSENT_PAYEE,
    BESIDE,
    CAPTURING,
    CHAIN,
    CIRCLE,
    DAYS,
    HOLD_ABSENT,
    HOLD_DAYS,
    HOLD_KEYED,
    KEYED,
    LIMIT_CHANGES,
    LIMITED,
    LIMITS,
    LONG_CHAIN,
    LONG_DAYS,
    LOSSLESS,
    ONE,
    ONE_HOLD,
    RACING,
    RACING_KEYED,
    REFUND_KEYED,
    REFUNDED_LATER,
    REFUNDING,
    REFUNDING_TWICE,
    ROUND,
    TOGETHER,
    TWO_LIMITED,
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


# Nothing is tried, so nothing is held by a transfer.
_NO_TRY: Final = frozenset({HELD, CANCELLED})

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
    Variant(name="one hold", rules=Rules, scope=ONE_HOLD, never=_NO_TRY),
    Variant(name="one hold, requests repeated", rules=Rules, scope=HOLD_KEYED, never=_NO_TRY),
    Variant(
        name="one hold, no such payee",
        rules=Rules,
        scope=HOLD_ABSENT,
        never=_NO_TRY | {COMPLETED},
    ),
    Variant(name="one hold, three captures", rules=Rules, scope=CAPTURING, never=_NO_TRY),
    Variant(name="a hold and a transfer for one balance", rules=Rules, scope=BESIDE),
    Variant(name="a hold and a transfer, without locks first", rules=ReadsFirst, scope=BESIDE),
    Variant(name="two refunds of one transfer", rules=Rules, scope=REFUNDING),
    Variant(name="two refunds, room for both", rules=Rules, scope=REFUNDING_TWICE),
    Variant(name="two refunds, without locks first", rules=ReadsFirst, scope=REFUNDING),
    Variant(name="a transfer and its refund", rules=Rules, scope=REFUNDED_LATER),
    Variant(name="one refund, its request repeated", rules=Rules, scope=REFUND_KEYED),
    Variant(name="two on a day, room for one", rules=Rules, scope=DAYS),
    Variant(name="two on a day, without locks first", rules=ReadsFirst, scope=DAYS),
    Variant(
        name="a limit that changes, without locks first",
        rules=ReadsFirst,
        scope=LIMIT_CHANGES,
        never=frozenset({REFUNDED}),
    ),
    Variant(
        name="three holds, days and limits",
        rules=Rules,
        scope=LIMITS,
        never=STATUSES,
        never_holds=frozenset({CAPTURED, EXPIRED}),
    ),
    Variant(
        name="two holds and days, without locks first",
        rules=ReadsFirst,
        scope=TWO_LIMITED,
        never=STATUSES,
        never_holds=frozenset({CAPTURED, EXPIRED}),
    ),
    Variant(
        name="captures of a hold, and days",
        rules=Rules,
        scope=HOLD_DAYS,
        never=_NO_TRY | {REJECTED},
        never_holds=frozenset({REJECTED}),
    ),
    Variant(name="a capture and its refund, and days", rules=Rules, scope=CHAIN),
    Variant(name="two racing, requests repeated", rules=Rules, scope=RACING_KEYED, large=True),
    Variant(name="three that pay round", rules=Rules, scope=ROUND, large=True),
    Variant(name="two on a day, and Kafka loses", rules=Rules, scope=LONG_DAYS, large=True),
    Variant(name="two captures, one refunded, and days", rules=Rules, scope=LONG_CHAIN, large=True),
)

BROKEN: Final = (
    *gateway.VARIANTS,
    *payer.VARIANTS,
    *payee.VARIANTS,
    *messages.VARIANTS,
    *commits.VARIANTS,
    *holds.VARIANTS,
    *captures.VARIANTS,
    *refunds.VARIANTS,
    *spending.VARIANTS,
)

VARIANTS: Final = (*HOLDING, *BROKEN)
