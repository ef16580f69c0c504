"""Amounts: text in major units on the way, integers of minor units to reckon with. Never a float.

The gateway shows amounts with exactly the digits of their currency, so leaving the point out is
all there is to it.
"""

import re

_AMOUNT = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")


def as_minor(text: str, decimals: int | None = None) -> int:
    """The minor units of an amount as the gateway shows it: `"-12.50"` is `-1250`.

    Args:
        text: the amount.
        decimals: those of its currency, to be sure that it has them; None where nobody knows.

    Raises:
        ValueError: this is not such an amount.
    """
    match = _AMOUNT.fullmatch(text) if text.isascii() else None
    if match is None:
        raise ValueError(f"{text!r} is no amount")
    sign, whole, part = match.groups(default="")
    if decimals is not None and len(part) != decimals:
        raise ValueError(f"{text!r} is no amount with {decimals} decimals")
    return int(sign + whole + part)


def as_text(minor: int, decimals: int) -> str:
    """Minor units as the gateway spells them: `1250` of a currency with 2 decimals is `"12.50"`."""
    sign, digits = ("-", -minor) if minor < 0 else ("", minor)
    if decimals == 0:
        return f"{sign}{digits}"
    whole, part = divmod(digits, 10**decimals)
    return f"{sign}{whole}.{part:0{decimals}}"
