"""What the model takes the life of a transfer, and of a hold, to be: lists of its own.

The model imports nothing of the engine, so that the two cannot agree by mistake; a test compares
the list of transfers with the engine's table. Words are plain strings: states are hashed millions
of times, and the members of an enum are hashed ten times more slowly.
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
CAPTURE: Final = "capture"

CREDITED: Final = "credited"
REFUSED: Final = "refused"

OPEN: Final = "open"
FROZEN: Final = "frozen"
CLOSED: Final = "closed"
ABSENT: Final = "absent"

# A hold is open like a user, and has expired like a transfer, in the same words.
CAPTURED: Final = "captured"
VOIDED: Final = "voided"
HOLD: Final = "hold"
VOID: Final = "void"
EXPIRY: Final = "expiry"

NO_REASON: Final = ""
INSUFFICIENT_FUNDS: Final = "insufficient_funds"
UNKNOWN_PAYEE: Final = "unknown_payee"
PAYEE_CLOSED: Final = "payee_closed"
PAYER_FROZEN: Final = "payer_frozen"
PAYER_CLOSED: Final = "payer_closed"
BALANCE_LIMIT: Final = "balance_limit"
LIMIT_EXCEEDED: Final = "limit_exceeded"
EXPIRED: Final = "expired"
CANCELLED_BY_PAYER: Final = "cancelled_by_payer"

# What a status of the payer or of the payee stands against. A frozen user may receive.
PAYER_MAY_NOT: Final = {FROZEN: PAYER_FROZEN, CLOSED: PAYER_CLOSED}
PAYEE_CANNOT: Final = {CLOSED: PAYEE_CLOSED, ABSENT: UNKNOWN_PAYEE}


class Line(NamedTuple):
    """One transition: which event leads where, which step causes it, and with which reasons.

    A hold has no steps, only what is asked of it and the expiry: `step` names these.
    """

    before: str
    event: str
    after: str
    step: str
    reasons: frozenset[str]


class Taken(NamedTuple):
    """A transition of a transfer or of a hold that happened in some reachable state."""

    row: str
    before: str
    after: str
    step: str
    reason: str


_NONE = frozenset({NO_REASON})
_PAYER = frozenset(PAYER_MAY_NOT.values())
_RESERVING = _PAYER | {INSUFFICIENT_FUNDS, LIMIT_EXCEEDED} | frozenset(PAYEE_CANNOT.values())

LINES: Final = (
    Line(NO_ROW, "accept", HELD, TRY, _NONE),
    Line(NO_ROW, "reject", REJECTED, TRY, _RESERVING),
    Line(NO_ROW, "capture", DEBITED, CAPTURE, _NONE),
    Line(NO_ROW, "reject", REJECTED, CAPTURE, _PAYER),
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

# The same of a hold. A capture that leaves a rest changes no status, and is not here.
HOLD_LINES: Final = (
    Line(NO_ROW, "open", OPEN, HOLD, _NONE),
    Line(NO_ROW, "reject", REJECTED, HOLD, _RESERVING),
    Line(OPEN, "capture", CAPTURED, CAPTURE, _NONE),
    Line(OPEN, "void", VOIDED, VOID, _NONE),
    Line(OPEN, "expire", EXPIRED, EXPIRY, _NONE),
    Line(OPEN, "expire", EXPIRED, CAPTURE, _NONE),
)

TRANSFER: Final = "transfer"
DECLARED: Final = frozenset(
    Taken(row, line.before, line.after, line.step, reason)
    for row, lines in ((TRANSFER, LINES), (HOLD, HOLD_LINES))
    for line in lines
    for reason in line.reasons
)
STATUSES: Final = frozenset(line.after for line in LINES)
OVER: Final = STATUSES - {line.before for line in LINES}
HOLD_STATUSES: Final = frozenset(line.after for line in HOLD_LINES)
HOLD_OVER: Final = HOLD_STATUSES - {line.before for line in HOLD_LINES}
# The steps that a message asks for, and which of them redrive sends for what is not over. What is
# held and has expired is sent a cancel instead.
MESSAGES: Final = frozenset({TRY_CONFIRM, CONFIRM, CANCEL})
IMPLIED: Final = {HELD: TRY_CONFIRM, DEBITED: CONFIRM}
