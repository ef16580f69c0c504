import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from uuid import UUID

import pytest

from gateway.problems import Problem
from gateway.tokens import Principal, Role, Tokens, WeakSecretError

SECRET = "0123456789abcdef0123456789abcdef"
USER_ID = UUID("01890a5d-ac96-8b1c-8000-0123456789ab")
PUBLIC_KEY = (
    "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJB\n-----END PUBLIC KEY-----\n"
)


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> Tokens:
    return Tokens(SECRET, ttl_s=3600, clock=clock)


def _encode(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _sign(
    claims: object,
    *,
    header: object = None,
    secret: str = SECRET,
    digest: Callable[..., "hashlib._Hash"] = hashlib.sha256,
) -> str:
    """A JWT made by hand: a library would refuse to make most of these."""
    head = json.dumps({"alg": "HS256", "typ": "JWT"} if header is None else header).encode()
    signed = f"{_encode(head)}.{_encode(json.dumps(claims).encode())}"
    return f"{signed}.{_encode(hmac.new(secret.encode(), signed.encode(), digest).digest())}"


def _claims(**overrides: object) -> dict[str, object]:
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": "holdfast",
        "aud": "holdfast",
        "sub": str(USER_ID),
        "iat": now,
        "exp": now + 60,
        **overrides,
    }
    return {name: value for name, value in claims.items() if value != "absent"}


def _refused(tokens: Tokens, token: str) -> bool:
    with pytest.raises(Problem) as caught:
        tokens.verify(token)
    return (caught.value.status, caught.value.code) == (401, "invalid_token")


@pytest.mark.parametrize("role", list(Role))
def test_a_minted_token_speaks_for_its_user(tokens: Tokens, role: Role) -> None:
    token = tokens.mint(USER_ID, role)

    assert tokens.verify(token) == tokens.verify(token) == Principal(USER_ID, role)


def test_a_token_without_a_role_is_a_users(tokens: Tokens) -> None:
    assert tokens.verify(_sign(_claims())) == Principal(USER_ID, Role.USER)


@pytest.mark.parametrize(
    "claims",
    [
        *(_claims(**{name: "absent"}) for name in ("exp", "iat", "sub", "aud", "iss")),
        *(_claims(**{name: None}) for name in ("exp", "iat", "sub", "aud", "iss")),
        _claims(exp=int(time.time()) - 1),
        _claims(exp=0),
        _claims(exp="soon"),
        _claims(exp=True),
        _claims(exp=1e300),
        _claims(exp=[]),
        _claims(iat=int(time.time()) + 3600),
        _claims(iat="now"),
        _claims(iat=1.5),
        _claims(nbf=int(time.time()) + 3600),
        _claims(aud="other"),
        _claims(aud=["holdfast"]),
        _claims(aud={}),
        _claims(iss="other"),
        _claims(iss=["holdfast"]),
        _claims(iss=5),
        _claims(sub="alice"),
        _claims(sub=""),
        _claims(sub=5),
        _claims(sub=USER_ID.hex),
        _claims(sub=f"{{{USER_ID}}}"),
        _claims(sub=f"{USER_ID}\n"),
        _claims(role="root"),
        _claims(role=["operator"]),
        _claims(role={}),
        _claims(role=None),
        _claims(role=True),
        [],
        "claims",
        5,
    ],
    # Without the clock: processes that share the tests out must name them alike.
    ids=lambda claims: re.sub(r"\d{10}", "T", json.dumps(claims))[-60:],
)
def test_bad_claims_are_refused(tokens: Tokens, claims: object) -> None:
    assert _refused(tokens, _sign(claims))


@pytest.mark.parametrize(
    "header",
    [
        *({"alg": alg} for alg in ("none", "None", "nOnE", "", "RS256", "ES256", "HS1", "hs256")),
        {"alg": None},
        {"alg": ["HS256"]},
        {"typ": "JWT"},
        {"alg": "HS256", "crit": ["exp"]},
        {"alg": "HS256", "kid": ["../../dev/null"]},
        [],
        "header",
    ],
    ids=json.dumps,
)
def test_bad_headers_are_refused(tokens: Tokens, header: object) -> None:
    assert _refused(tokens, _sign(_claims(), header=header))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_hash_is_refused_though_the_key_is_right(tokens: Tokens, algorithm: str) -> None:
    digest = hashlib.sha384 if algorithm == "HS384" else hashlib.sha512

    assert _refused(tokens, _sign(_claims(), header={"alg": algorithm}, digest=digest))


@pytest.mark.parametrize("secret", [PUBLIC_KEY, "", "secret", SECRET[:-1], SECRET + "0"])
@pytest.mark.parametrize(
    "header",
    [
        {"alg": "HS256"},
        {"alg": "HS256", "kid": "../../../dev/null"},
        {"alg": "HS256", "jku": "https://evil.example/keys"},
        {"alg": "HS256", "jwk": {"kty": "oct", "k": ""}},
    ],
    ids=json.dumps,
)
def test_another_key_is_refused_whatever_the_header_says(
    tokens: Tokens, secret: str, header: object
) -> None:
    assert _refused(tokens, _sign(_claims(), header=header, secret=secret))


def _unsigned(alg: str) -> str:
    head = _encode(json.dumps({"alg": alg}).encode())
    return f"{head}.{_encode(json.dumps(_claims()).encode())}."


GOOD = _sign(_claims(exp=int(time.time()) + 86_400))


@pytest.mark.parametrize(
    "token",
    [
        *(_unsigned(alg) for alg in ("none", "None", "nOnE", "HS256")),
        GOOD.rpartition(".")[0],
        GOOD.rpartition(".")[0] + ".",
        GOOD + ".",
        GOOD + "A",
        GOOD + "=",
        GOOD[:-9] + "~" + GOOD[-9:],
        GOOD[:-2],
        "." + GOOD,
        GOOD.replace(".", ""),
        "",
        ".",
        "..",
        "a.b.c",
        "é.é.é",
        _encode(b"[" * 1500) + ".e30.AAAA",
        _encode(b'{"alg":"HS256"') + ".e30.AAAA",
        _sign(_claims(padding="x" * 4096)),
        "A" * 100_000,
    ],
    ids=lambda token: f"{len(token)}-{token[:12]!a}",
)
def test_a_damaged_token_is_refused(tokens: Tokens, token: str) -> None:
    assert _refused(tokens, token)


def test_a_changed_payload_breaks_the_signature(tokens: Tokens) -> None:
    head, _, signature = GOOD.split(".")
    forged = _encode(json.dumps(_claims(role="operator")).encode())

    assert _refused(tokens, f"{head}.{forged}.{signature}")


def test_a_remembered_token_expires_all_the_same(tokens: Tokens, clock: Clock) -> None:
    token = tokens.mint(USER_ID, Role.USER)
    tokens.verify(token)

    clock.now += 3601

    assert _refused(tokens, token)
    assert _refused(tokens, token)


def test_a_token_of_a_gateway_whose_clock_is_a_little_ahead_is_good(clock: Clock) -> None:
    ahead = Tokens(SECRET, ttl_s=60, clock=lambda: clock.now + 10)

    token = ahead.mint(USER_ID, Role.USER)

    assert Tokens(SECRET, ttl_s=60, clock=clock).verify(token).user_id == USER_ID


def test_the_memory_of_tokens_is_bounded(clock: Clock) -> None:
    tokens = Tokens(SECRET, ttl_s=60, cache_size=3, clock=clock)

    for number in range(10):
        tokens.verify(tokens.mint(UUID(int=number), Role.USER))

    assert len(tokens._verified) == 3
    assert [principal.user_id.int for principal, _ in tokens._verified.values()] == [7, 8, 9]


def test_refused_tokens_are_not_remembered(tokens: Tokens) -> None:
    assert _refused(tokens, GOOD + "A")

    assert not tokens._verified


@pytest.mark.parametrize(
    "secret",
    [
        *("", "x" * 31, "é" * 15, "0" * 64, "x" * 32, "secret" * 6, "password" * 4, "changeme" * 4),
        *("ab" * 32, "1234567" * 9),
        "super-secret-jwt-token-with-at-least-32-characters-long",
        "A-String-Secret-At-Least-256-Bits-Long",
        "00112233445566778899AABBCCDDEEFF",
    ],
)
def test_a_weak_secret_is_refused_at_the_start(secret: str) -> None:
    with pytest.raises(WeakSecretError):
        Tokens(secret, ttl_s=60)
