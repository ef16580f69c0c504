"""Amounts for people."""

from client import as_text


def grouped(minor: int, decimals: int) -> str:
    """Minor units in major ones, with thousands apart: `"1,234.50"`."""
    whole, point, part = as_text(minor, decimals).partition(".")
    return f"{int(whole):,}{point}{part}"
