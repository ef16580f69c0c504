"""What a call may raise.

ClientError               anything below; its text says what to do next
├── ProblemError          the gateway refused, and says why (RFC 9457)
│   ├── SignInError       401: log in again
│   ├── ConflictError     409: it is too late for this, or somebody was first
│   ├── DeclinedError     422: not with this wallet, this amount, this payee: a person decides
│   └── TryLaterError     429 or 503 for all attempts: nothing happened; later, with the same key
├── NoAnswerError         it is not known whether it happened; the key finds out
├── NotOverError          a transfer was waited for and is not over yet
├── BrokenChainError      an entry is not what its hash says
└── UnexpectedAnswerError an answer that the contract does not have
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from client.answers import AnswerHead


class ClientError(Exception):
    """A call did not do what it is for; the text says what to do next."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """A field that is wrong: a JSON Pointer, a code of the contract, a sentence."""

    pointer: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem document, as the gateway tells it.

    Attributes:
        status: of HTTP.
        code: why; it never changes its meaning.
        title: the code in words.
        detail: what was wrong this time.
        errors: the fields that are wrong, if it is fields.
        trace_id: what a person who looks into it needs.
    """

    status: int
    code: str
    title: str
    detail: str
    errors: Sequence[FieldError]
    trace_id: str


# These are recorded under their key.
_NEW_KEY = "with a new key: this one keeps its answer"
_NEXT: Mapping[str, str] = MappingProxyType(
    {
        "idempotency_key_reused": "take a new key: this one belongs to another request",
        "invalid_credentials": "check e-mail and password",
        "operator_only": "log in as an operator; a new one logs in again",
        "unknown_payee": f"correct the payee, {_NEW_KEY}",
        "payee_closed": f"pay somebody else, {_NEW_KEY}",
        "payer_frozen": f"ask again when the wallet is open, {_NEW_KEY}",
        "payer_closed": f"ask again when the wallet is open, {_NEW_KEY}",
        "insufficient_funds": "deposit, or take a smaller amount, with a new key",
        "limit_exceeded": "take a new key on the next day (UTC), or under another limit",
        "already_debited": "read the transfer: it is on its way, and can only be refunded",
        "already_final": "read the transfer: it is over",
        "hold_closed": "read the hold: it is over",
        "email_taken": "log in, or take another e-mail",
        "internal_error": "report the trace id",
        "capture_too_large": "read the hold for what remains, or leave the amount out",
        "refund_too_large": "read the transfer for its amount_refunded, or leave the amount out",
    }
)
_NEXT_OF_STATUS: Mapping[int, str] = MappingProxyType(
    {
        401: "log in again",
        403: "ask somebody who may",
        404: "check the id, and whose it is",
        429: "send it again later, with the same key",
        503: "send it again later, with the same key",
    }
)


class ProblemError(ClientError):
    """The gateway refused.

    Args:
        problem: what it says.
        request: method and path.
        answer: what the answer says of itself; `replayed` is true for a recorded refusal.
        retry_after: seconds, where the gateway says when to ask again.
    """

    def __init__(
        self, problem: Problem, *, request: str, answer: AnswerHead, retry_after: float | None
    ) -> None:
        self.problem = problem
        self.request = request
        self.answer = answer
        self.retry_after = retry_after
        self.status = problem.status
        self.code = problem.code
        self.title = problem.title
        self.detail = problem.detail
        self.errors = problem.errors
        self.trace_id = problem.trace_id
        correct = "correct the request, and send it with the same key"
        advice = _NEXT.get(self.code) or _NEXT_OF_STATUS.get(self.status, correct)
        again = ", as its key was before," if answer.replayed else ""
        super().__init__(
            f"{request} was refused{again} with {self.status} {self.code}: {self.detail}"
            f" Next: {advice} (trace {self.trace_id})."
        )


class SignInError(ProblemError):
    """401: the token is missing, wrong or has ended, or the password is wrong."""


class ConflictError(ProblemError):
    """409: what is there does not allow it (any more); read it, then decide."""


class DeclinedError(ProblemError):
    """422: read and understood, and not to be done like this; `code` says why."""


class TryLaterError(ProblemError):
    """429 or 503 up to the last attempt: nothing has happened, and it may be sent again."""


class NoAnswerError(ClientError):
    """There was no answer that says whether it happened.

    Args:
        request: method and path.
        key: send the same request with this key to find out; None where there is none.
        attempts: how often it was sent.
        last: what came of the last.
        may_have_happened: false when it never left, or when it only reads.
    """

    def __init__(
        self, request: str, *, key: str | None, attempts: int, last: str, may_have_happened: bool
    ) -> None:
        self.request = request
        self.key = key
        self.attempts = attempts
        self.last = last
        self.may_have_happened = may_have_happened
        if not may_have_happened:
            advice = "Nothing has happened; is the gateway there? Send it again"
        elif key is None:
            advice = "It may have happened: send the very same request again, which is safe"
        else:
            advice = f"It may have happened: send the same request again with the key {key!r}"
        super().__init__(
            f"{request} had no answer in {attempts} attempts (the last: {last}). {advice}."
        )


class NotOverError(ClientError):
    """A transfer was waited for, and the time is over before it is.

    Args:
        transfer_id: which one.
        status: of it, when it was read last.
        after_s: how long was waited.
    """

    def __init__(self, transfer_id: str, *, status: str, after_s: float) -> None:
        self.transfer_id = transfer_id
        self.status = status
        super().__init__(
            f"transfer {transfer_id} is {status} after {after_s:g} s."
            " It goes on by itself: wait again, or read it later."
        )


class BrokenChainError(ClientError):
    """An entry is not what its hash says, or does not follow the one before it.

    Args:
        currency: of the account.
        seq: the number of the entry in it.
        hash_: of the entry, as it is shown.
        why: what is wrong.
    """

    def __init__(self, currency: str, seq: int, hash_: str, *, why: str) -> None:
        self.currency = currency
        self.seq = seq
        self.hash = hash_
        self.why = why
        super().__init__(
            f"entry {seq} of {currency} ({hash_}) is broken: {why}."
            " Keep what was read, and have the shard audited: `holdfast audit`."
        )


class UnexpectedAnswerError(ClientError):
    """An answer that the contract does not have here; it is not known what has happened.

    Args:
        request: method and path.
        answer: what the answer says of itself.
        what: what is wrong with it.
    """

    def __init__(self, request: str, *, answer: AnswerHead, what: str) -> None:
        self.request = request
        self.answer = answer
        self.status = answer.status
        self.trace_id = answer.trace_id
        key = f", with the key {answer.key!r}" if answer.key is not None else ""
        super().__init__(
            f"{request} was answered with {answer.status}: {what}{key}."
            f" Is this a Holdfast gateway of this version? Report it (trace {self.trace_id})."
        )
