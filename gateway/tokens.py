"""Access tokens: JWTs signed with HS256, and nothing else."""

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import jwt

from gateway.path_ids import parse_uuid
from gateway.problems import Problem

ISSUER: Final = "holdfast"
AUDIENCE: Final = "holdfast"
SECRET_BYTES_MIN: Final = 32
# A key that was drawn has more, whatever it was drawn from: of 32 hex digits all but four in a
# hundred millions.
SECRET_KINDS_MIN: Final = 8
# Long enough, and in everybody's guesses: they stand in manuals.
_PUBLISHED: Final = frozenset(
    (
        "super-secret-jwt-token-with-at-least-32-characters-long",
        "your-256-bit-secret-your-256-bit-secret",
        "a-string-secret-at-least-256-bits-long",
        "your_super_secret_jwt_key_change_in_production",
        "0123456789abcdefghijklmnopqrstuvwxyz",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "abcdefghijklmnopqrstuvwxyz123456",
        "00112233445566778899aabbccddeeff",
    )
)
_ALGORITHM: Final = "HS256"
_TOKEN_LENGTH_MAX: Final = 2048
# Three parts in Base64 without padding, the last of 32 bytes: PyJWT would take other spellings.
_FORM: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}")
# Gateways' clocks differ a little: a token may come from one that is ahead.
_CLOCK_SKEW_S: Final = 30


class Role(StrEnum):
    """What a user may do."""

    USER = "user"
    OPERATOR = "operator"


_ROLES = {role.value: role for role in Role}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sends a request."""

    user_id: UUID
    role: Role


class WeakSecretError(Exception):
    """The signing secret is too short to be one, or easily guessed."""


class Tokens:
    """Mints and verifies the tokens of one system.

    Args:
        secret: the HS256 key.
        ttl_s: life of a token.
        cache_size: verified tokens that are remembered, to spare their next signature check.
        clock: seconds since the epoch.

    Raises:
        WeakSecretError: the secret has less than 32 bytes, less than 8 different ones, or stands
            in a manual.
    """

    def __init__(
        self,
        secret: str,
        *,
        ttl_s: int,
        cache_size: int = 10_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        _require_strong(secret)
        self.ttl_s = ttl_s
        self._secret = secret
        self._clock = clock
        self._cache_size = cache_size
        self._verified: OrderedDict[str, tuple[Principal, int]] = OrderedDict()

    def mint(self, user_id: UUID, role: Role) -> str:
        """A token for this user, good for `ttl_s` seconds."""
        now = int(self._clock())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "role": role.value,
            "iat": now,
            "exp": now + self.ttl_s,
        }
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM)

    def verify(self, token: str) -> Principal:
        """Who this token speaks for.

        Raises:
            Problem: 401 `invalid_token`: not signed by us with HS256, expired, from the future, for
                somebody else, without one of exp, iat, sub, aud and iss, or malformed.
        """
        known = self._verified.get(token)
        principal, expires_at = known or self._decode(token)
        if expires_at <= self._clock():
            self._verified.pop(token, None)
            raise Problem("invalid_token", "The bearer token has expired.")
        self._remember(token, principal, expires_at)
        return principal

    def _remember(self, token: str, principal: Principal, expires_at: int) -> None:
        self._verified[token] = (principal, expires_at)
        self._verified.move_to_end(token)
        if len(self._verified) > self._cache_size:
            self._verified.popitem(last=False)

    def _decode(self, token: str) -> tuple[Principal, int]:
        if len(token) > _TOKEN_LENGTH_MAX or _FORM.fullmatch(token) is None:
            raise Problem("invalid_token")
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                # Times are checked here, against the clock we are given: PyJWT reads its own.
                options={
                    "require": ["exp", "iat", "sub", "aud", "iss"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "strict_aud": True,
                },
            )
        except (jwt.PyJWTError, RecursionError) as error:  # a header can be nested too deep
            raise Problem("invalid_token") from error
        return self._read_claims(claims)

    def _read_claims(self, claims: dict[str, Any]) -> tuple[Principal, int]:
        subject = parse_uuid(claims["sub"])
        role = _ROLES.get(str(claims.get("role", Role.USER)))
        expires_at, issued_at = claims["exp"], claims["iat"]
        times_are_integers = type(expires_at) is int and type(issued_at) is int
        if subject is None or role is None or not times_are_integers:
            raise Problem("invalid_token")
        if issued_at > self._clock() + _CLOCK_SKEW_S:
            raise Problem("invalid_token", "The bearer token is from the future.")
        return Principal(subject, role), expires_at


def _require_strong(secret: str) -> None:
    text = secret.encode()
    if len(text) < SECRET_BYTES_MIN:
        raise WeakSecretError(f"the token secret must have {SECRET_BYTES_MIN} bytes or more")
    if len(set(text)) < SECRET_KINDS_MIN or secret.lower() in _PUBLISHED:
        raise WeakSecretError("the token secret is easily guessed: draw one")
