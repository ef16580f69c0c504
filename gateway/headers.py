"""Headers: `Idempotency-Key` and its answer, `Prefer: wait=N` and `Authorization: Bearer`."""

import re
from typing import Final

from multidict import CIMultiDictProxy

from gateway.problems import Problem

WAIT_SECONDS_MAX: Final = 30
KEY_LENGTH_MAX: Final = 255

Headers = CIMultiDictProxy[str]

_VISIBLE_ASCII = re.compile(rf"[!-~]{{1,{KEY_LENGTH_MAX}}}")
# The text between the quotes of an RFC 8941 string: a quote and a backslash have one before them.
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_ESCAPED = re.compile(r'\\(["\\])')


def require_idempotency_key(headers: Headers) -> str:
    """The idempotency key of a request that must have one.

    A key that begins with a quote is an RFC 8941 string, and what it stands for is the key: a
    backslash before a quote or a backslash goes. Any other key is taken as it is. So `"abc"` and
    `abc` are one key.

    Raises:
        Problem: 400 `missing_header`, or `invalid_header` when it is given twice, is not 1 to 255
            visible ASCII characters, or has an unfinished quote or an unknown escape.
    """
    return parse_idempotency_key(_single(headers, "Idempotency-Key"))


def parse_idempotency_key(spelled: str) -> str:
    """The key that a header value spells, quoted or bare.

    Raises:
        Problem: 400 `invalid_header`.
    """
    key = spelled
    if spelled.startswith('"'):
        quoted = _QUOTED.fullmatch(spelled)
        key = _ESCAPED.sub(r"\1", quoted[1]) if quoted else ""
    if _VISIBLE_ASCII.fullmatch(key) is None:
        raise Problem(
            "invalid_header",
            f"Idempotency-Key must be 1 to {KEY_LENGTH_MAX} visible ASCII characters, "
            "quoted or bare.",
        )
    return key


def replay_headers(*, replayed: bool) -> dict[str, str]:
    """What tells a client that an earlier request with its key was answered."""
    return {"Idempotency-Replayed": "true"} if replayed else {}


def _single(headers: Headers, name: str) -> str:
    values = headers.getall(name, [])
    if not values:
        raise Problem("missing_header", f"The header {name} is required.")
    if len(values) > 1:
        raise Problem("invalid_header", f"The header {name} must be given once.")
    return values[0]


# A preference of RFC 7240: a token, its value, and parameters that no preference of ours has.
_QUOTED_STRING = r'"(?:[^"\\]|\\.)*"'
_PREFERENCE = re.compile(rf"(?:[^,\"]|{_QUOTED_STRING})+")
# Finding where a quoted text ends takes the square of the length when it never does.
_PREFER_LENGTH_MAX = 256
_WAIT = re.compile(r'wait[ \t]*=[ \t]*(?:([0-9]+)|"([0-9]+)")[ \t]*(?:;.*)?', re.IGNORECASE)


def wait_seconds(headers: Headers) -> int | None:
    """How long the client would wait for the end of a transfer: `Prefer: wait=N`, at most 30.

    None without the preference. What is malformed or longer than 256 characters is ignored; of
    several the first well-formed one counts.
    """
    sane = (value for value in headers.getall("Prefer", []) if len(value) <= _PREFER_LENGTH_MAX)
    for header in sane:
        for preference in _PREFERENCE.findall(header):
            if match := _WAIT.fullmatch(preference.strip(" \t")):
                digits = (match[1] or match[2]).lstrip("0") or "0"
                # The length first: a number of thousands of digits is never converted.
                return WAIT_SECONDS_MAX if len(digits) > 2 else min(int(digits), WAIT_SECONDS_MAX)
    return None


_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


def bearer_token(headers: Headers) -> str:
    """The token of `Authorization: Bearer`.

    Raises:
        Problem: 401 `unauthenticated` without such a header, `invalid_token` when it is given
            twice or what follows cannot be a token.
    """
    values = headers.getall("Authorization", [])
    if not any(value[:6].lower() == "bearer" for value in values):
        raise Problem("unauthenticated")
    match = _BEARER.fullmatch(values[0]) if len(values) == 1 else None
    if match is None:
        raise Problem("invalid_token")
    return match[1]
