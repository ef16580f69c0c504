"""What never became a request, and what is told of it."""

from aiohttp.http_exceptions import LineTooLong

from gateway.problems import Problem

# aiohttp has no error of its own for this.
_TOO_MANY_FIELDS = "Too many headers received"


class HeadLateError(Exception):
    """The head did not arrive in time."""


class HeadTooLargeError(Exception):
    """The head has more bytes than it may have."""


def problem_of_unread(status: int, error: BaseException | None) -> Problem:
    """What is told of an error that aiohttp, or `Connection`, met before there was a request."""
    if status >= 500:
        return Problem("internal_error")
    if isinstance(error, HeadLateError):
        return Problem("request_timeout")
    if isinstance(error, HeadTooLargeError | LineTooLong) or _TOO_MANY_FIELDS in str(error):
        return Problem("head_too_large")
    return Problem("bad_request")
