"""The life of a hold as data: one table; the docs, the model and the tests follow it."""

from enum import StrEnum

from sagas.states import IllegalTransitionError
from shards.holds import HoldStatus


class HoldEvent(StrEnum):
    """What can happen to a hold; `capture` is the last one: those before it leave it open."""

    OPEN = "open"
    REJECT = "reject"
    CAPTURE = "capture"
    VOID = "void"
    EXPIRE = "expire"


# (status before, event) -> status after; None is "no row yet". What is not here is not allowed.
HOLD_TRANSITIONS: dict[tuple[HoldStatus | None, HoldEvent], HoldStatus] = {
    (None, HoldEvent.OPEN): HoldStatus.OPEN,
    (None, HoldEvent.REJECT): HoldStatus.REJECTED,
    (HoldStatus.OPEN, HoldEvent.CAPTURE): HoldStatus.CAPTURED,
    (HoldStatus.OPEN, HoldEvent.VOID): HoldStatus.VOIDED,
    (HoldStatus.OPEN, HoldEvent.EXPIRE): HoldStatus.EXPIRED,
}


def hold_transition(before: HoldStatus | None, event: HoldEvent) -> HoldStatus:
    """The status after `event`.

    Raises:
        IllegalTransitionError: the table has no such line.
    """
    try:
        return HOLD_TRANSITIONS[before, event]
    except KeyError:
        raise IllegalTransitionError(f"{event} is not allowed in status {before}") from None
