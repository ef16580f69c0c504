"""Ids, hashes and codes in paths: what is malformed is simply not there (404)."""

import re
from typing import Final
from uuid import UUID

from aiohttp import web

from gateway.problems import Problem
from shards.ids import parse_id

_HEX = "[0-9a-fA-F]"
_UUID = re.compile(rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}")
CURRENCY_PATTERN: Final = "[A-Za-z0-9]{3,10}"
HASH_PATTERN: Final = f"{_HEX}{{64}}"
_HASH = re.compile(HASH_PATTERN)
_CURRENCY = re.compile(CURRENCY_PATTERN)


def parse_uuid(text: str) -> UUID | None:
    """The id in the canonical 8-4-4-4-12 spelling, in either case; None for any other spelling.

    `UUID()` alone would also take braces, `urn:uuid:` and no dashes: several names for one thing.
    """
    return parse_id(text.lower()) if _UUID.fullmatch(text) else None


def parse_currency_code(text: str) -> str | None:
    """The code in upper case; None when no currency can have it."""
    return text.upper() if _CURRENCY.fullmatch(text) else None


def path_uuid(request: web.Request, name: str) -> UUID:
    """The id in this part of the path.

    Raises:
        Problem: 404 when it is malformed.
    """
    parsed = parse_uuid(request.match_info[name])
    if parsed is None:
        raise Problem("not_found")
    return parsed


def path_hash(request: web.Request, name: str) -> bytes:
    """The SHA-256 in this part of the path, 64 hex digits in either case.

    Raises:
        Problem: 404 when it is malformed.
    """
    text = request.match_info[name]
    if _HASH.fullmatch(text) is None:
        raise Problem("not_found")
    return bytes.fromhex(text)


def path_currency_code(request: web.Request, name: str = "currency") -> str:
    """The currency code in this part of the path, in upper case.

    Raises:
        Problem: 404 when no currency can have it.
    """
    parsed = parse_currency_code(request.match_info[name])
    if parsed is None:
        raise Problem("not_found")
    return parsed
