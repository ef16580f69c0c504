import time
from decimal import ROUND_HALF_EVEN, Context, Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.money import AmountError, Rounding, check_spelling, format_amount
from gateway.money import parse_amount as parse

LARGEST = "9" * 25 + ".99"


def parse_amount(value: object, *, decimals: int, rounding: Rounding | None = None) -> int:
    return parse(value, decimals=decimals, rounding=rounding)


def rounded(value: object, *, decimals: int) -> int:
    return parse(value, decimals=decimals, rounding=Rounding.HALF_EVEN)


@pytest.mark.parametrize(
    ("text", "decimals", "minor"),
    [
        ("12.50", 2, 1250),
        ("12.5", 2, 1250),
        ("12", 2, 1200),
        ("0.01", 2, 1),
        ("7", 0, 7),
        ("0.000000000000000001", 18, 1),
        ("1.000000000000000000", 18, 10**18),
        (LARGEST, 2, 10**27 - 1),
        ("9" * 27, 0, 10**27 - 1),
    ],
)
def test_an_amount_is_read_in_minor_units(text: str, decimals: int, minor: int) -> None:
    assert parse_amount(text, decimals=decimals) == minor
    assert rounded(text, decimals=decimals) == minor


NOT_STRINGS: list[object] = [
    0,
    1,
    -1,
    1.0,
    1e2,
    float("nan"),
    10**400,
    True,
    False,
    None,
    [],
    {},
    ["1"],
]
MALFORMED = [
    "", " ", "-1", "-0", "+1", "1e2", "1E2", "NaN", "Infinity", "inf", " 7 ", "7 ", "\t7", "7\n",
    "1_000", "1,000", "1,5", "01", "00", "00.1", ".5", "5.", "1.2.3", "0x10", "１２", "١٢", "1２",
    "²", "1.０", "1\0", "one", "1." + "0" * 19, "€1",
]  # fmt: skip


@pytest.mark.parametrize("value", NOT_STRINGS, ids=lambda value: repr(value)[:20])
def test_only_strings_are_amounts(value: object) -> None:
    with pytest.raises(AmountError) as caught:
        parse_amount(value, decimals=2)

    assert caught.value.code == "amount_not_string"


@pytest.mark.parametrize("text", MALFORMED, ids=ascii)
def test_other_spellings_are_malformed(text: str) -> None:
    with pytest.raises(AmountError) as parsed:
        parse_amount(text, decimals=18)
    with pytest.raises(AmountError) as checked:
        check_spelling(text)

    assert parsed.value.code == checked.value.code == "amount_malformed"


@pytest.mark.parametrize(
    ("text", "decimals", "code"),
    [
        ("0", 2, "amount_not_positive"),
        ("0.00", 2, "amount_not_positive"),
        ("0", 0, "amount_not_positive"),
        ("0.000", 2, "too_precise"),
        ("1.500", 2, "too_precise"),
        ("1.0", 0, "too_precise"),
        ("0.001", 2, "too_precise"),
        ("1" + "0" * 27, 0, "amount_too_large"),
        ("1" + "0" * 25, 2, "amount_too_large"),
        ("1" + "0" * 9, 18, "amount_too_large"),
        ("9" * 65_000, 2, "amount_too_large"),
        ("9" * 65_000 + ".999", 2, "too_precise"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_an_amount_fits_its_currency(text: str, decimals: int, code: str) -> None:
    with pytest.raises(AmountError) as caught:
        parse_amount(text, decimals=decimals)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "decimals", "minor"),
    [
        ("1.004", 2, 100),
        ("1.006", 2, 101),
        ("1.005", 2, 100),
        ("1.015", 2, 102),
        ("1.0050", 2, 100),
        ("1.00500000000000001", 2, 101),
        ("1.00499999999999999", 2, 100),
        ("1.500", 2, 150),
        ("1.5", 0, 2),
        ("2.5", 0, 2),
        ("9.995", 2, 1000),
        ("0.015", 2, 2),
        ("0.00000000000000001", 18, 10),
        (LARGEST + "4", 2, 10**27 - 1),
        ("9" * 27 + ".4", 0, 10**27 - 1),
    ],
)
def test_digits_that_the_currency_does_not_have_are_rounded_half_to_even(
    text: str, decimals: int, minor: int
) -> None:
    assert rounded(text, decimals=decimals) == minor


@pytest.mark.parametrize(
    ("text", "decimals", "code"),
    [
        ("0.000", 2, "amount_not_positive"),
        ("0.005", 2, "amount_not_positive"),
        ("0.5", 0, "amount_not_positive"),
        ("0.00499", 2, "amount_not_positive"),
        (LARGEST + "5", 2, "amount_too_large"),
        ("9" * 27 + ".5", 0, "amount_too_large"),
        ("1" + "0" * 27 + ".1", 0, "amount_too_large"),
        ("9" * 65_000 + ".999", 2, "amount_too_large"),
        ("1.", 2, "amount_malformed"),
        ("0." + "0" * 19, 2, "amount_malformed"),
        (1.005, 2, "amount_not_string"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_amount_after_rounding_is_refused(
    text: object, decimals: int, code: str
) -> None:
    with pytest.raises(AmountError) as caught:
        rounded(text, decimals=decimals)

    assert caught.value.code == code


def outcome(text: str, decimals: int) -> int | str:
    try:
        return rounded(text, decimals=decimals)
    except AmountError as error:
        return error.code


# Digits enough for every amount that can be spelled here: nothing is rounded on the way.
EXACT = Context(prec=200, rounding=ROUND_HALF_EVEN)


@given(
    st.from_regex(r"(0|[1-9][0-9]{0,29})(\.[0-9]{1,18})?", fullmatch=True)
    # Halves are what it is about, and rare among all numbers.
    | st.from_regex(r"(0|[1-9][0-9]{0,25})\.[0-9]{0,9}50{0,8}", fullmatch=True),
    st.integers(0, 18),
)
@example("9" * 25 + ".995", 2)
@example("0.5", 0)
def test_rounding_is_that_of_decimal(text: str, decimals: int) -> None:
    exact = Decimal(text).scaleb(decimals, context=EXACT)
    minor = int(exact.to_integral_value(context=EXACT))
    too_large = "amount_too_large" if minor >= 10**27 else None
    refusal = too_large if minor else "amount_not_positive"

    assert outcome(text, decimals) == (refusal or minor)


@pytest.mark.parametrize("text", ["0", "0.0", "0.000000000000000000"])
def test_zero_is_no_amount_in_any_currency(text: str) -> None:
    with pytest.raises(AmountError) as caught:
        check_spelling(text)

    assert caught.value.code == "amount_not_positive"


def test_spelling_is_all_that_is_asked_without_a_currency() -> None:
    check_spelling("0.000000000000000001")
    check_spelling("9" * 65_000)

    with pytest.raises(AmountError):
        parse_amount("9" * 65_000, decimals=0)


def test_work_is_bounded() -> None:
    began = time.perf_counter()
    for text in ("9" * 65_000, "0" * 65_000, "1." + "0" * 65_000, "0." + "0" * 65_000):
        with pytest.raises(AmountError):
            parse_amount(text, decimals=18)
        with pytest.raises(AmountError):
            rounded(text, decimals=0)

    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize(
    ("minor", "decimals", "text"),
    [
        (0, 2, "0.00"),
        (1, 2, "0.01"),
        (-1, 2, "-0.01"),
        (-1250, 2, "-12.50"),
        (100, 0, "100"),
        (-100, 0, "-100"),
        (10**37 - 1, 18, "9" * 19 + "." + "9" * 18),
    ],
)
def test_an_amount_is_written_with_the_currencys_digits(
    minor: int, decimals: int, text: str
) -> None:
    assert format_amount(minor, decimals) == text


@given(st.integers(1, 10**27 - 1), st.integers(0, 18))
def test_what_is_written_reads_back(minor: int, decimals: int) -> None:
    assert parse_amount(format_amount(minor, decimals), decimals=decimals) == minor


@given(st.integers(-(10**37), 10**37), st.integers(0, 18))
def test_exactly_the_currencys_digits_are_written(minor: int, decimals: int) -> None:
    whole, point, fraction = format_amount(minor, decimals).partition(".")

    assert (len(fraction), bool(point)) == (decimals, decimals > 0)
    assert int(whole + fraction) == minor


@given(st.text(alphabet="0123456789.", max_size=40), st.integers(0, 18))
def test_no_text_is_read_as_anything_but_its_value(text: str, decimals: int) -> None:
    try:
        minor = parse_amount(text, decimals=decimals)
    except AmountError:
        return

    whole, _, fraction = text.partition(".")
    assert minor * 10 ** len(fraction) == int(whole + fraction) * 10**decimals
    assert 0 < minor < 10**27
