"""Tokens that prove nothing: each is made by hand, since a library refuses to make most of them."""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Everybody has it: who takes the algorithm from the token takes it for the key of an HMAC.
PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo
4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0/IzW7yWR7QkrmBL7jTKEn5u
+qKhbwKfBstIs+bMY2Zkp18gnTxKLxoS2tFczGkPLPgizskuemMghRniWaoLcyeh
kd3qqGElvW/VDL5AaWTg0nLVkjRo9z+40RQzuVaE8AkAFmxZzow3x+VJYKdjykkJ
0iT9wCS0DRTXu269V264Vf/3jvredZiKRkgwlL9xNAwxXFg0x/XFw005UWVRIKdg
cKWTjpBP2dPwVZ4WWC+9aGVd+Gyn1o0CLelf4rEjGoXbAAEgAqeGUxrcIlbjXfbc
mwIDAQAB
-----END PUBLIC KEY-----
"""
# What people sign with when nobody has told them not to.
WEAK_SECRETS = (
    *(
        "",
        "secret",
        "password",
        "changeme",
        "holdfast",
        "jwt",
        "key",
        "test",
        "your-256-bit-secret",
    ),
    *("0" * 32, "x" * 32, "your_jwt_secret", "super-secret", "null", "undefined", "None"),
    "development-only-jwt-secret-that-everybody-knows",
    "super-secret-jwt-token-with-at-least-32-characters-long",
)
_HS256 = {"alg": "HS256", "typ": "JWT"}


@dataclass(frozen=True, slots=True)
class Forged:
    """One token, and what is wrong with it."""

    what: str
    token: str


def encoded(part: bytes) -> str:
    """As parts of a token are written."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def made(
    claims: bytes | dict[str, Any],
    *,
    secret: str,
    header: bytes | dict[str, Any] | None = None,
    digest: str = "sha256",
) -> str:
    """A token of exactly these bytes, with an HMAC under this key."""
    head = header if isinstance(header, bytes) else json.dumps(header or _HS256).encode()
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    signed = f"{encoded(head)}.{encoded(body)}"
    return f"{signed}.{encoded(hmac.new(secret.encode(), signed.encode(), digest).digest())}"


def forged_tokens(
    *, secret: str, good: str, claims: dict[str, Any], other: str
) -> Iterator[Forged]:
    """Tokens that must all be refused.

    Args:
        secret: the key of the system: who is judged by claims alone needs it.
        good: a token that is good.
        claims: what it says.
        other: the id of another user.
    """
    yield from _of_other_algorithms(secret, claims)
    yield from _of_other_keys(claims)
    yield from _with_wrong_claims(secret, claims)
    yield from _damaged(good, claims, other)


def _of_other_algorithms(secret: str, claims: dict[str, Any]) -> Iterator[Forged]:
    for alg in ("none", "None", "NONE", "nOnE", "", "HS256 ", "hs256", "RS256", "ES256", "PS256"):
        head = {"alg": alg, "typ": "JWT"}
        yield Forged(f"alg {alg!r}", made(claims, secret=secret, header=head))
        unsigned = made(claims, secret="", header=head).rpartition(".")[0]
        yield Forged(f"alg {alg!r}, an empty signature", unsigned + ".")
        yield Forged(f"alg {alg!r}, no signature", unsigned)
    for digest, alg in (("sha384", "HS384"), ("sha512", "HS512"), ("sha1", "HS1")):
        yield Forged(alg, made(claims, secret=secret, header={"alg": alg}, digest=digest))
    for alg in ("RS256", "HS256"):
        head = {"alg": alg, "typ": "JWT"}
        for key in (PUBLIC_KEY, PUBLIC_KEY.strip()):
            yield Forged(f"a public key under {alg}", made(claims, secret=key, header=head))
    yield Forged("no alg", made(claims, secret=secret, header={"typ": "JWT"}))
    yield Forged("two algs", made(claims, secret="", header=b'{"alg":"HS256","alg":"none"}'))
    yield Forged("alg null", made(claims, secret=secret, header={"alg": None}))
    yield Forged("crit", made(claims, secret=secret, header={**_HS256, "crit": ["exp"]}))
    yield Forged(
        "b64", made(claims, secret=secret, header={**_HS256, "b64": False, "crit": ["b64"]})
    )


def _of_other_keys(claims: dict[str, Any]) -> Iterator[Forged]:
    for weak in WEAK_SECRETS:
        yield Forged(f"signed with {weak!r}", made(claims, secret=weak))
    for name, value in (
        ("kid", "../../../../../../dev/null"),
        ("kid", "/dev/null"),
        ("kid", "' UNION SELECT '' --"),
        ("kid", "|id"),
        ("kid", ""),
        ("jku", "https://127.0.0.1:1/keys"),
        ("x5u", "https://127.0.0.1:1/certificate"),
        ("jwk", {"kty": "oct", "k": ""}),
        ("jwk", {"kty": "oct", "k": encoded(b"mine")}),
        ("x5c", [encoded(b"mine")]),
    ):
        for key in ("", "mine"):
            forged = made(claims, secret=key, header={**_HS256, name: value})
            yield Forged(f"{name} {value!r}, signed with {key!r}", forged)


def _with_wrong_claims(secret: str, claims: dict[str, Any]) -> Iterator[Forged]:
    now = int(time.time())
    for name in ("exp", "iat", "sub", "aud", "iss"):
        less = {key: value for key, value in claims.items() if key != name}
        yield Forged(f"no {name}", made(less, secret=secret))
        yield Forged(f"{name} null", made({**claims, name: None}, secret=secret))
    expiries: tuple[Any, ...] = (now - 1, now - 60, 0, -1, str(now + 60), now + 60.5, True, [])
    issued: tuple[Any, ...] = (now + 60, now + 3_600, 2**63, str(now), now + 0.5, True, {})
    wrong: tuple[dict[str, Any], ...] = (
        *({"exp": exp} for exp in expiries),
        *({"iat": iat} for iat in issued),
        *({"nbf": nbf} for nbf in (now + 60, now + 3_600, "soon")),
        *({"aud": aud} for aud in ("other", "", "holdfast ", ["holdfast"], ["other", "holdfast"])),
        *({"iss": iss} for iss in ("other", "", "HOLDFAST", ["holdfast"], "holdfast\0")),
        *({"sub": sub} for sub in ("alice", "", "me", 5, [claims["sub"]], claims["sub"] + "\n")),
        *({"sub": sub} for sub in (f"{{{claims['sub']}}}", claims["sub"].replace("-", ""))),
        *({"role": role} for role in ("root", "", "Operator", ["operator"], None, True)),
    )
    for changed in wrong:
        yield Forged(str(changed), made({**claims, **changed}, secret=secret))
    yield Forged("no claims", made(b"{}", secret=secret))
    yield Forged("a list of claims", made(json.dumps([claims]).encode(), secret=secret))
    yield Forged("claims that are no JSON", made(b"claims", secret=secret))
    yield Forged("nested claims", made(b"[" * 900, secret=secret))
    yield Forged("huge", made({**claims, "more": "x" * 4_000}, secret=secret))


def _damaged(good: str, claims: dict[str, Any], other: str) -> Iterator[Forged]:
    head, body, signature = good.split(".")
    for what, changed in (
        ("another user", {**claims, "sub": other}),
        ("an operator", {**claims, "role": "operator"}),
        ("a longer life", {**claims, "exp": claims["exp"] + 86_400}),
    ):
        yield Forged(what, f"{head}.{encoded(json.dumps(changed).encode())}.{signature}")
    twice = json.dumps(claims)[:-1] + f', "sub": "{other}"}}'
    yield Forged("sub twice", f"{head}.{encoded(twice.encode())}.{signature}")
    first = '{"exp": 1, ' + twice[1:]
    yield Forged("exp twice", f"{head}.{encoded(first.encode())}.{signature}")
    for what, token in (
        ("an empty signature", f"{head}.{body}."),
        ("no signature", f"{head}.{body}"),
        ("half a signature", f"{head}.{body}.{signature[:20]}"),
        ("a signature of zeros", f"{head}.{body}.{'A' * len(signature)}"),
        ("four parts", f"{good}.{signature}"),
        ("five parts", f"{good}.{signature}.{signature}"),
        ("a part before it", f".{good}"),
        ("one part", good.replace(".", "")),
        ("padding", f"{head}.{body}.{signature}="),
        ("what some decoders skip", f"{head}.{body}.{signature[:9]}~{signature[9:]}"),
        ("the other alphabet of Base64", f"{head}.{body}+.{signature}"),
        ("more after it", f"{good}A"),
        ("a space inside", f"{head}. {body}.{signature}"),
        ("two of them", f"{good} {good}"),
        ("two of them and a comma", f"{good}, {good}"),
        ("quotes", f'"{good}"'),
        ("percent signs", good.replace(".", "%2E")),
        ("a letter of another alphabet", good.replace("e", "е", 1)),
        ("full-width dots", good.replace(".", "．")),
        ("nothing but dots", ".."),
        ("parts of nothing", "e30.e30."),
        ("very much", "A" * 7_000),
    ):
        yield Forged(what, token)
