"""The life of a transfer as data: one table; the docs, the SQL checks and the tests follow it."""

from enum import StrEnum

from shards.users import UserStatus


class Status(StrEnum):
    """Where a transfer is in its life."""

    HELD = "held"
    DEBITED = "debited"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    REJECTED = "rejected"


class Event(StrEnum):
    """What can happen to a transfer."""

    ACCEPT = "accept"
    REJECT = "reject"
    CAPTURE = "capture"
    DEBIT = "debit"
    CANCEL = "cancel"
    COMPLETE = "complete"
    REFUND = "refund"


# (status before, event) -> status after; None is "no row yet". What is not here is not allowed.
TRANSITIONS: dict[tuple[Status | None, Event], Status] = {
    (None, Event.ACCEPT): Status.HELD,
    (None, Event.REJECT): Status.REJECTED,
    (None, Event.CAPTURE): Status.DEBITED,
    (Status.HELD, Event.DEBIT): Status.DEBITED,
    (Status.HELD, Event.CANCEL): Status.CANCELLED,
    (Status.DEBITED, Event.COMPLETE): Status.COMPLETED,
    (Status.DEBITED, Event.REFUND): Status.REFUNDED,
}

TERMINAL = frozenset(
    status for status in Status if not any(before is status for before, _ in TRANSITIONS)
)


class Reason(StrEnum):
    """Why a transfer, a hold or a movement did not go through."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    LIMIT_EXCEEDED = "limit_exceeded"
    UNKNOWN_PAYEE = "unknown_payee"
    PAYEE_CLOSED = "payee_closed"
    PAYER_FROZEN = "payer_frozen"
    PAYER_CLOSED = "payer_closed"
    BALANCE_LIMIT = "balance_limit"
    EXPIRED = "expired"
    CANCELLED_BY_PAYER = "cancelled_by_payer"


def refusal_of_payer(status: UserStatus) -> Reason | None:
    """Why a user with this status may not pay; None when it may."""
    match status:
        case UserStatus.FROZEN:
            return Reason.PAYER_FROZEN
        case UserStatus.CLOSED:
            return Reason.PAYER_CLOSED
        case UserStatus.OPEN:
            return None


class IllegalTransitionError(Exception):
    """An event that the status does not allow: a bug in the step that asked."""


def transition(before: Status | None, event: Event) -> Status:
    """The status after `event`.

    Raises:
        IllegalTransitionError: the table has no such line.
    """
    try:
        return TRANSITIONS[before, event]
    except KeyError:
        raise IllegalTransitionError(f"{event} is not allowed in status {before}") from None
