import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.emails import parse_email


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("a@b", "a@b"),
        ("Alice@Example.TEST", "alice@example.test"),
        ("e\u0301@x", "\u00e9@x"),
        ("\u00c9@X", "\u00e9@x"),
        ("a+b.c!#$%&'*/=?^_`{|}~@x", "a+b.c!#$%&'*/=?^_`{|}~@x"),
        ("a" * 252 + "@b", "a" * 252 + "@b"),
    ],
)
def test_an_address_has_one_spelling(text: str, email: str) -> None:
    assert parse_email(text) == email


@pytest.mark.parametrize(
    "text",
    [
        "", "@", "a@", "@b", "ab", "abc", "a@b@c", "a@@b", "a b@c", " a@b", "a@b ", "a@b\n",
        "a\t@b", "a\0@b", "a\x7f@b", "a\x85@b", "a\u00a0@b", "a\u2028@b", "a\u3000@b", "a＠b",
        "a" * 253 + "@b", "a@" + "b" * 100_000, "a\u200b@b", "a\u202e@b", "\ufeffa@b", "a\u00ad@b",
        "a\u2066@b", "a\u200d@b", "a@b\U000e0041", "a\u3164@b", "a\ufe0f@b", "a\u034f@b",
        "a\u2800@b",
    ],
    ids=lambda text: ascii(text[:12]),
)  # fmt: skip
def test_what_has_not_the_form_is_refused(text: str) -> None:
    assert parse_email(text) is None


def test_work_is_bounded() -> None:
    began = time.perf_counter()

    assert parse_email("a@b" + "\u0301\u0323" * 30_000) is None
    assert time.perf_counter() - began < 0.5


@given(st.text(max_size=20), st.text(max_size=20))
def test_reading_twice_changes_nothing(local: str, domain: str) -> None:
    email = parse_email(f"{local}@{domain}")

    assert email is None or parse_email(email) == email
