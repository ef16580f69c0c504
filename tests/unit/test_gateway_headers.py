import time

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.headers import bearer_token, require_idempotency_key, wait_seconds
from gateway.problems import Problem


def _headers(name: str, *values: str) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict([(name, value) for value in values]))


@pytest.mark.parametrize(
    ("spelled", "key"),
    [
        ("a", "a"),
        ("k" * 255, "k" * 255),
        ('"abc"', "abc"),
        ('"' + "k" * 255 + '"', "k" * 255),
        (r'"a\"b"', 'a"b'),
        ('a"b', 'a"b'),
        (r'"a\\b"', r"a\b"),
        (r"a\b", r"a\b"),
        ("a,b;c=d", "a,b;c=d"),
        ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
        ("!~", "!~"),
    ],
    ids=lambda text: text[:20],
)
def test_a_key_is_the_same_quoted_or_bare(spelled: str, key: str) -> None:
    assert require_idempotency_key(_headers("Idempotency-Key", spelled)) == key


@pytest.mark.parametrize(
    "spelled",
    [
        "", '""', '"', "k" * 256, "k" * 10_000, '"' + "k" * 256 + '"', "a b", '"a b"', "ключ",
        "a\x7f", "a\tb", "é", "a\udce9", '"abc', '"a"b"', r'"a\n"', r'"abc\"', '"abc";x=1',
    ],
    ids=lambda text: ascii(text[:20]),
)  # fmt: skip
def test_a_bad_key_is_a_400(spelled: str) -> None:
    with pytest.raises(Problem) as caught:
        require_idempotency_key(_headers("Idempotency-Key", spelled))

    assert (caught.value.status, caught.value.code) == (400, "invalid_header")


@pytest.mark.parametrize(
    ("values", "code"), [([], "missing_header"), (["a", "a"], "invalid_header")]
)
def test_a_key_is_given_once(values: list[str], code: str) -> None:
    with pytest.raises(Problem) as caught:
        require_idempotency_key(_headers("idempotency-key", *values))

    assert (caught.value.status, caught.value.code) == (400, code)


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ([], None),
        (["wait=5"], 5),
        (["wait=0"], 0),
        (["WAIT = 007"], 7),
        (['wait="10"'], 10),
        (["wait=30"], 30),
        (["wait=31"], 30),
        (["wait=" + "9" * 200], 30),
        (["wait=" + "9" * 5000], None),
        (["respond-async, wait=10; foo=bar"], 10),
        (["respond-async", "wait=10"], 10),
        (['note="a, wait=3", wait=4'], 4),
        (["wait=2, wait=9"], 2),
        (["wait"], None),
        (["wait="], None),
        (["wait=-1"], None),
        (["wait=1.5"], None),
        (["wait=５"], None),
        (["wait=1_0"], None),
        (['wait="5'], None),
        (["await=5"], None),
        (["x; wait=5"], None),
        (["return=minimal"], None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_prefer_wait(values: list[str], seconds: int | None) -> None:
    assert wait_seconds(_headers("Prefer", *values)) == seconds


def test_a_hostile_prefer_costs_nothing() -> None:
    began = time.perf_counter()

    assert wait_seconds(_headers("Prefer", '\\"' * 4000, '\\"' * 128)) is None
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize("spelled", ["Bearer abc.def-_~+/==", "bearer  abc.def-_~+/=="])
def test_a_bearer_token_is_read(spelled: str) -> None:
    assert bearer_token(_headers("Authorization", spelled)) == "abc.def-_~+/=="


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([], "unauthenticated"),
        ([""], "unauthenticated"),
        (["Basic dTpw"], "unauthenticated"),
        (["abc.def.ghi"], "unauthenticated"),
        (["Bearer"], "invalid_token"),
        (["Bearer "], "invalid_token"),
        (["Bearer a b"], "invalid_token"),
        (["Bearer é"], "invalid_token"),
        (["Bearer a\n"], "invalid_token"),
        (["Bearer a", "Bearer a"], "invalid_token"),
    ],
)
def test_a_bad_authorization_is_a_401(values: list[str], code: str) -> None:
    with pytest.raises(Problem) as caught:
        bearer_token(_headers("Authorization", *values))

    assert (caught.value.status, caught.value.code) == (401, code)
    assert caught.value.headers["WWW-Authenticate"].startswith("Bearer")
