"""What an error of a lower layer is to a client: one table."""

from gateway.in_flight import TooMuchInFlightError
from gateway.problems import Problem
from sagas.asking import LaneFullError
from sagas.currency_acts import DecimalsFixedError
from sagas.idempotency import KeyReusedError
from sagas.keyed_batch import UnknownWalletError
from sagas.operators import UnknownUserError, UserClosedError, WalletNotEmptyError
from sagas.refund_caps import NotCompletedError, RefundTooLargeError, TooManyRefundsError
from sagas.steps.capture import (
    CaptureTooLargeError,
    HoldClosedError,
    TooManyCapturesError,
    UnknownHoldError,
)
from sagas.steps.move import BalanceLimitError, WalletClosedError
from sagas.steps.open_hold import TooManyHoldsError
from sagas.steps.try_transfer import TooManyOpenError
from shards.errors import CommitUnknownError, ShardBusyError, ShardTransientError
from shards.users import EmailTakenError

# Error, code, detail (None: the code's own sentence); the first that fits counts.
_TABLE: tuple[tuple[type[Exception], str, str | None], ...] = (
    (
        KeyReusedError,
        "idempotency_key_reused",
        "This key was used for another request: take a new one.",
    ),
    (UnknownWalletError, "not_found", None),
    (UnknownHoldError, "not_found", None),
    (HoldClosedError, "hold_closed", None),
    (
        CaptureTooLargeError,
        "capture_too_large",
        "Less than that remains of the hold: leave the amount out to capture all of it.",
    ),
    (
        TooManyCapturesError,
        "too_many_captures",
        "One more is possible, if it is final or takes all that remains.",
    ),
    (NotCompletedError, "not_completed", None),
    (
        RefundTooLargeError,
        "refund_too_large",
        "Less than that, or nothing, is left to refund: GET the transfer for its amount_refunded.",
    ),
    (
        TooManyRefundsError,
        "too_many_refunds",
        "One more is possible, of all that is left: leave the amount out.",
    ),
    (UnknownUserError, "not_found", None),
    (UserClosedError, "user_closed", "A closed user stays closed."),
    (
        WalletNotEmptyError,
        "not_empty",
        "There is money in the wallet, or on its way out: withdraw it, and wait for the rest.",
    ),
    (DecimalsFixedError, "decimals_fixed", "The decimals of a currency never change."),
    (WalletClosedError, "wallet_closed", None),
    (BalanceLimitError, "balance_limit", None),
    (EmailTakenError, "email_taken", None),
    (
        TooManyOpenError,
        "too_many_open",
        "Repeat it with the same key when some of your transfers are over.",
    ),
    (
        TooManyHoldsError,
        "too_many_holds",
        "Repeat it with the same key when some of your holds are over.",
    ),
    (
        TooMuchInFlightError,
        "too_much_in_flight",
        "Transfers wait too long on your shard: repeat it later, with the same key.",
    ),
    (
        CommitUnknownError,
        "commit_unknown",
        "It is not known whether this took effect: repeat it, with its key if it has one.",
    ),
    (
        ShardBusyError,
        "busy",
        "Others are at these rows: repeat it, with its key if it has one.",
    ),
    (
        ShardTransientError,
        "shard_unavailable",
        "The database that has these rows does not answer: repeat it, with its key if it has one.",
    ),
    (LaneFullError, "busy", "Too many requests are waiting: repeat it with the same key."),
)


def translate(error: Exception) -> Problem | None:
    """The problem that tells this error; None says that it is a bug."""
    for kind, code, detail in _TABLE:
        if isinstance(error, kind):
            return Problem(code, detail)
    return None
