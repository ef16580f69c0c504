"""Errors of the HTTP edge: RFC 9457 problem documents, and the one table of their codes.

A handler raises `Problem`; the error boundary in `gateway.middleware` answers it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NotRequired

import orjson
from typing_extensions import TypedDict

CONTENT_TYPE = "application/problem+json"

# Each code that a client may meet: HTTP status and title. A code is part of the contract: it is
# never renamed, and never moves to another status.
KINDS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        # 400: the request cannot be read
        "bad_request": (400, "The request cannot be understood"),
        "malformed_json": (400, "The body is not well-formed JSON"),
        "missing_header": (400, "A required header is missing"),
        "invalid_header": (400, "A header is not well-formed"),
        # 401, 403: who
        "unauthenticated": (401, "A bearer token is required"),
        "invalid_token": (401, "The bearer token is not valid"),
        "invalid_credentials": (401, "E-mail or password is wrong"),
        "not_payer": (403, "Only the payer may do this"),
        "not_payee": (403, "Only the payee may do this"),
        "not_party": (403, "Only the payer or the payee may do this"),
        "operator_only": (403, "Only an operator may do this"),
        # 404 to 431: what
        "not_found": (404, "There is no such thing"),
        "method_not_allowed": (405, "The resource does not have this method"),
        "request_timeout": (408, "The request took too long to arrive"),
        "email_taken": (409, "The e-mail is in use"),
        "already_debited": (409, "The transfer is past its cancellation"),
        "already_final": (409, "The transfer is over"),
        "hold_closed": (409, "The hold is over"),
        "not_completed": (409, "The transfer is not completed"),
        "user_closed": (409, "The user is closed"),
        "not_empty": (409, "The wallet is not empty"),
        "decimals_fixed": (409, "The currency has other decimals"),
        "body_too_large": (413, "The body is too large"),
        "unsupported_media_type": (415, "The body must be application/json"),
        "expectation_failed": (417, "The expectation cannot be met"),
        "rate_limited": (429, "Too many requests"),
        "too_many_open": (429, "The payer has too many open transfers"),
        "too_many_holds": (429, "The payer has too many open holds"),
        "too_much_in_flight": (429, "Too many transfers wait"),
        "head_too_large": (431, "The request line or the headers are too large"),
        # 422: a value in the body or the query
        "missing": (422, "A field is missing"),
        "unknown_field": (422, "A field is not known"),
        "wrong_type": (422, "A field has the wrong JSON type"),
        "invalid_value": (422, "A field has a value that is not allowed"),
        "unknown_currency": (422, "There is no such currency"),
        "currency_disabled": (422, "The currency is disabled"),
        "amount_not_string": (422, "The amount must be a string"),
        "amount_malformed": (422, "The amount is not well-formed"),
        "amount_not_positive": (422, "The amount must be positive"),
        "amount_too_large": (422, "The amount is too large"),
        "too_precise": (422, "The amount has more digits than its currency"),
        # 422: a business no
        "insufficient_funds": (422, "There is not enough money available"),
        "limit_exceeded": (422, "The account's spending limit of the day leaves less"),
        "capture_too_large": (422, "Less than that remains of the hold"),
        "too_many_captures": (422, "The hold has as many captures as it may have"),
        "refund_too_large": (422, "Less than that is left to refund"),
        "too_many_refunds": (422, "The transfer has as many partial refunds as it may have"),
        "balance_limit": (422, "The balance would become too large"),
        "unknown_payee": (422, "There is no such payee"),
        "self_transfer": (422, "Payer and payee are the same"),
        "payee_closed": (422, "The payee's wallet is closed"),
        "payer_frozen": (422, "The payer's wallet is frozen"),
        "payer_closed": (422, "The payer's wallet is closed"),
        "wallet_closed": (422, "The wallet is closed"),
        "idempotency_key_reused": (422, "The key belongs to another request"),
        # 500, 503: ours
        "internal_error": (500, "Something went wrong on our side"),
        "busy": (503, "Too many requests are waiting"),
        "too_many_connections": (503, "Too many clients are connected"),
        "shard_unavailable": (503, "A database is away"),
        "commit_unknown": (503, "It is not known whether this took effect"),
    }
)

# What aiohttp refuses by itself, by status.
_CODE_OF_STATUS = {
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "body_too_large",
    415: "unsupported_media_type",
    417: "expectation_failed",
}

# When it is worth trying again, in seconds: every 503 and 429 says so.
_RETRY_AFTER_S = {"too_many_open": 2, "too_many_holds": 2, "too_much_in_flight": 10}

# RFC 9110 asks for a challenge with every 401; RFC 6750 says how to name a bad token.
_CHALLENGES = {
    "unauthenticated": "Bearer",
    "invalid_credentials": "Bearer",
    "invalid_token": 'Bearer error="invalid_token"',
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: where it is (JSON Pointer, or `/name` of a query parameter) and why."""

    pointer: str
    code: str
    detail: str


class ProblemDocument(TypedDict):
    """The members of a problem+json body."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    trace_id: str
    errors: NotRequired[list[FieldError]]


class Problem(Exception):  # noqa: N818 - RFC 9457's word, and the contract's
    """A refusal, as the client is told.

    Args:
        code: a key of `KINDS`; it gives the status and the title.
        detail: one sentence on this occurrence; the title by default. Never SQL, never a secret.
        errors: the wrong fields, if the refusal names any.
        headers: of the answer, besides those that every answer has; a 503 or 429 has `Retry-After`,
            by its code where none is given.
    """

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.title = KINDS[code]
        self.code = code
        self.detail = detail or f"{self.title}."
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        if self.status in (429, 503):
            self.headers.setdefault("Retry-After", str(_RETRY_AFTER_S.get(code, 1)))
        if code in _CHALLENGES:
            self.headers["WWW-Authenticate"] = _CHALLENGES[code]
        super().__init__(f"{self.status} {code}: {self.detail}")

    @classmethod
    def of_fields(cls, errors: Iterable[FieldError]) -> "Problem":
        """The 422 that names these wrong fields, of which there is at least one.

        The problem's code is that of the first.
        """
        listed = tuple(errors)
        first = listed[0]
        return cls(first.code, f"{first.pointer or 'body'}: {first.detail}", errors=listed)

    @classmethod
    def of_field(cls, pointer: str, code: str, detail: str) -> "Problem":
        """The 422 that names one wrong field."""
        return cls.of_fields([FieldError(pointer, code, detail)])

    def inside(self, pointer: str) -> "Problem":
        """The same of a value that is at `pointer` in its document."""
        if not self.errors:
            return self
        return Problem.of_fields(
            FieldError(pointer + error.pointer, error.code, error.detail) for error in self.errors
        )

    @classmethod
    def of_status(cls, status: int, headers: Mapping[str, str] | None = None) -> "Problem":
        """What aiohttp itself refused with this status."""
        fallback = "bad_request" if status < 500 else "internal_error"
        return cls(_CODE_OF_STATUS.get(status, fallback), headers=headers)

    def document(self, trace_id: str) -> ProblemDocument:
        """The problem+json body, for a request with this trace id."""
        document: ProblemDocument = {
            "type": f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "trace_id": trace_id,
        }
        if self.errors:
            document["errors"] = list(self.errors)
        return document

    def to_json(self, trace_id: str) -> bytes:
        """`document` as UTF-8 JSON."""
        return orjson.dumps(self.document(trace_id))
