"""Amounts at the edge: strings in major units outside, integers in minor units inside.

No float is ever made.
"""

import re
from enum import StrEnum
from typing import Final

AMOUNT_DIGITS_MAX: Final = 27
_MINOR_MAX = 10**AMOUNT_DIGITS_MAX - 1
AMOUNT_PATTERN: Final = r"(0|[1-9][0-9]*)(?:\.([0-9]{1,18}))?"
_SPELLING = re.compile(AMOUNT_PATTERN)


class Rounding(StrEnum):
    """What becomes of digits that the currency does not have, where a request says so."""

    HALF_EVEN = "half_even"


class AmountError(Exception):
    """An amount that is refused; `code` is the problem's code, `detail` a sentence for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


def parse_amount(value: object, *, decimals: int, rounding: Rounding | None) -> int:
    """The minor units that an amount of a currency with so many decimals stands for.

    Args:
        value: as it was sent.
        decimals: those of the currency.
        rounding: what to do with more digits than these; None refuses them, and trailing zeros
            count as digits: `"1.50"` is too precise for a currency with one decimal.

    Raises:
        AmountError: `amount_not_string`, `amount_malformed`, `too_precise`, `amount_not_positive`
            or `amount_too_large` (10^27 minor units and over), looked for in this order, and the
            last two after rounding.
    """
    whole, fraction = _spelled(value)
    if rounding is None and len(fraction) > decimals:
        raise AmountError("too_precise", f"The currency has {decimals} digits after the point.")
    digits = (whole + fraction[:decimals].ljust(decimals, "0")).lstrip("0")
    # Counted and not compared: `int` refuses thousands of digits.
    if len(digits) > AMOUNT_DIGITS_MAX:
        raise _too_large()
    minor = _half_even(int(digits or "0"), rest=fraction[decimals:])
    if minor == 0:
        raise _not_positive()
    if minor > _MINOR_MAX:
        raise _too_large()
    return minor


def _half_even(minor: int, *, rest: str) -> int:
    """`minor`, or one more when the digits after it are more than a half, or a half and it odd."""
    half = "5".ljust(len(rest), "0")
    # Digits of one length are in the order of their values.
    is_more = rest > half or (rest == half and minor % 2 == 1)
    return minor + 1 if is_more else minor


def check_spelling(value: object) -> None:
    """Refuses what is no amount in any currency, for a request whose currency is not known.

    Raises:
        AmountError: `amount_not_string`, `amount_malformed` or `amount_not_positive`.
    """
    whole, fraction = _spelled(value)
    if not (whole + fraction).strip("0"):
        raise _not_positive()


def _not_positive() -> AmountError:
    return AmountError("amount_not_positive", "The amount must be more than zero.")


def _too_large() -> AmountError:
    return AmountError("amount_too_large", "The amount must be less than 10^27 minor units.")


def _spelled(value: object) -> tuple[str, str]:
    if not isinstance(value, str):
        raise AmountError("amount_not_string", 'The amount must be a string such as "12.50".')
    match = _SPELLING.fullmatch(value)
    if match is None:
        raise AmountError(
            "amount_malformed",
            'The amount must be digits, with a point and 1 to 18 digits if need be: "12.50".',
        )
    return match[1], match[2] or ""


def format_amount(minor: int, decimals: int) -> str:
    """Minor units as a string in major units with exactly the currency's decimals.

    Negative for an entry that takes money away. Without decimals there is no point.
    """
    if decimals == 0:
        return str(minor)
    sign = "-" if minor < 0 else ""
    whole, fraction = divmod(abs(minor), 10**decimals)
    return f"{sign}{whole}.{fraction:0{decimals}d}"
