"""Amounts: integers of minor units inside, strings on the way. No float comes near them."""


def as_text(minor: int, decimals: int) -> str:
    """Minor units as the API spells them: `1250` of a currency with 2 decimals is `"12.50"`."""
    if decimals == 0:
        return str(minor)
    whole, part = divmod(minor, 10**decimals)
    return f"{whole}.{part:0{decimals}}"


def as_minor(text: str, decimals: int) -> int:
    """What `as_text` wrote.

    Raises:
        ValueError: not an amount with exactly these decimals.
    """
    whole, _, part = text.partition(".")
    if len(part) != decimals or not f"{whole}{part}".isdecimal():
        raise ValueError(f"{text!r} is no amount with {decimals} decimals")
    return int(whole + part)


def grouped(minor: int, decimals: int) -> str:
    """As `as_text`, with thousands apart, for people."""
    whole, point, part = as_text(minor, decimals).partition(".")
    return f"{int(whole):,}{point}{part}"
