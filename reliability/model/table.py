"""What the model takes the life of a transfer to be: a list of its own.

The model imports nothing of the engine, so that the two cannot agree by mistake; a test compares
this list with the engine's table. Words are plain strings: states are hashed millions of times, and
the members of an enum are hashed ten times more slowly.
"""

from typing import Final, NamedTuple

NO_ROW: Final = ""
HELD: Final = "held"
DEBITED: Final = "debited"
COMPLETED: Final = "completed"
CANCELLED: Final = "cancelled"
REFUNDED: Final = "refunded"
REJECTED: Final = "rejected"

TRY: Final = "try"
TRY_CONFIRM: Final = "try-confirm"
CONFIRM: Final = "confirm"
SETTLE: Final = "settle"
CANCEL: Final = "cancel"

CREDITED: Final = "credited"
REFUSED: Final = "refused"

OPEN: Final = "open"
FROZEN: Final = "frozen"
CLOSED: Final = "closed"
ABSENT: Final = "absent"

NO_REASON: Final = ""
INSUFFICIENT_FUNDS: Final = "insufficient_funds"
UNKNOWN_PAYEE: Final = "unknown_payee"
PAYEE_CLOSED: Final = "payee_closed"
PAYER_FROZEN: Final = "payer_frozen"
PAYER_CLOSED: Final = "payer_closed"
BALANCE_LIMIT: Final = "balance_limit"
EXPIRED: Final = "expired"
CANCELLED_BY_PAYER: Final = "cancelled_by_payer"

# What a status of the payer or of the payee stands against. A frozen user may receive.
PAYER_MAY_NOT: Final = {FROZEN: PAYER_FROZEN, CLOSED: PAYER_CLOSED}
PAYEE_CANNOT: Final = {CLOSED: PAYEE_CLOSED, ABSENT: UNKNOWN_PAYEE}


class Line(NamedTuple):
    """One transition: which event leads where, which step causes it, and with which reasons."""

    before: str
    event: str
    after: str
    step: str
    reasons: frozenset[str]


class Taken(NamedTuple):
    """A transition that happened in some reachable state."""

    before: str
    after: str
    step: str
    reason: str


_NONE = frozenset({NO_REASON})
_PAYER = frozenset(PAYER_MAY_NOT.values())

LINES: Final = (
    Line(NO_ROW, "accept", HELD, TRY, _NONE),
    Line(
        NO_ROW,
        "reject",
        REJECTED,
        TRY,
        _PAYER | {INSUFFICIENT_FUNDS} | frozenset(PAYEE_CANNOT.values()),
    ),
    Line(HELD, "debit", DEBITED, TRY_CONFIRM, _NONE),
    Line(HELD, "cancel", CANCELLED, TRY_CONFIRM, _PAYER | {EXPIRED}),
    Line(HELD, "cancel", CANCELLED, CANCEL, frozenset({CANCELLED_BY_PAYER, EXPIRED})),
    Line(DEBITED, "complete", COMPLETED, SETTLE, _NONE),
    Line(
        DEBITED,
        "refund",
        REFUNDED,
        SETTLE,
        frozenset({PAYEE_CLOSED, UNKNOWN_PAYEE, BALANCE_LIMIT}),
    ),
)

DECLARED: Final = frozenset(
    Taken(line.before, line.after, line.step, reason) for line in LINES for reason in line.reasons
)
STATUSES: Final = frozenset(line.after for line in LINES)
OVER: Final = STATUSES - {line.before for line in LINES}
# The steps that a message asks for, and which of them redrive sends for what is not over. What is
# held and has expired is sent a cancel instead.
MESSAGES: Final = frozenset({TRY_CONFIRM, CONFIRM, CANCEL})
IMPLIED: Final = {HELD: TRY_CONFIRM, DEBITED: CONFIRM}
