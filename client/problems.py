"""From an answer that refuses to the error that a caller catches."""

from client.answers import AnswerHead, RawAnswer
from client.errors import (
    ConflictError,
    DeclinedError,
    FieldError,
    Problem,
    ProblemError,
    SignInError,
    TryLaterError,
)
from client.fields import Fields, parse

_CONTENT_TYPE = "application/problem+json"
_KINDS: dict[int, type[ProblemError]] = {
    401: SignInError,
    409: ConflictError,
    422: DeclinedError,
    429: TryLaterError,
    503: TryLaterError,
}


def is_problem(raw: RawAnswer) -> bool:
    """Whether this answer says of itself that it is a problem document."""
    return raw.headers.get("content-type", "").startswith(_CONTENT_TYPE)


def read_problem(fields: Fields) -> Problem:
    """A problem document.

    Raises:
        ShapeError: it is none.
    """
    return Problem(
        status=fields.integer("status"),
        code=fields.text("code"),
        title=fields.text("title"),
        detail=fields.text("detail"),
        errors=fields.list("errors", _read_field_error) if fields.has("errors") else (),
        trace_id=fields.text("trace_id"),
    )


def problem_error(raw: RawAnswer, *, request: str, answer: AnswerHead) -> ProblemError:
    """The error that tells this refusal.

    Raises:
        ShapeError: it is no problem document.
    """
    problem = read_problem(parse(raw.body, answer))
    kind = _KINDS.get(raw.status, ProblemError)
    return kind(problem, request=request, answer=answer, retry_after=raw.retry_after_s)


def _read_field_error(fields: Fields) -> FieldError:
    return FieldError(fields.text("pointer"), fields.text("code"), fields.text("detail"))
