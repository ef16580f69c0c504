"""Request bodies: read within bounds, parsed strictly, and fingerprinted.

Python's `json` accepts NaN, lets the last of two equal keys win and rounds numbers; a ledger must
not. What is refused here is a 400; what the values mean is for `gateway.schemas` (422).
"""

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import Final, NoReturn, TypeAlias

from aiohttp import web

from gateway.problems import Problem

BODY_BYTES_MAX: Final = 64 * 1024
# How long a body may take to arrive; every application that reads bodies says it.
BODY_SECONDS = web.AppKey("body_seconds", float)
_DEPTH_MAX: Final = 32
# Metadata may have 50 keys, and nothing as many: each field that is wrong costs more than it sends.
_FIELDS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class RawNumber:
    """A JSON number that is not an integer, as it was written: never a float."""

    text: str


JsonValue: TypeAlias = "bool | int | RawNumber | str | list[JsonValue] | JsonObject | None"
JsonObject: TypeAlias = "dict[str, JsonValue]"


async def read_json(request: web.Request, *, bytes_max: int = BODY_BYTES_MAX) -> JsonValue:
    """The body of a request that must have one.

    Raises:
        Problem: 415 unless it is `application/json` in UTF-8, 413 over `bytes_max`, 408 when it
            does not arrive in time, 400 `malformed_json` for everything that is not strict JSON.
    """
    _check_media_type(request)
    return parse_json(await _read_bytes(request, bytes_max))


async def read_optional_json(request: web.Request) -> JsonValue:
    """The body of a request that may come without one; an empty body is an empty object.

    Raises:
        Problem: as `read_json`, if there is a body.
    """
    body = await _read_bytes(request, BODY_BYTES_MAX)
    if not body:
        return {}
    _check_media_type(request)
    return parse_json(body)


def _check_media_type(request: web.Request) -> None:
    encodings = request.headers.getall("Content-Encoding", [])
    # Chunks are undone here; whatever else was done to a body is not.
    transfer_coding = request.headers.get("Transfer-Encoding", "chunked")
    is_json = (
        request.content_type == "application/json"
        and (request.charset or "utf-8").lower() == "utf-8"
    )
    is_plain = transfer_coding.lower() == "chunked" and all(
        encoding.lower() == "identity" for encoding in encodings
    )
    if not is_json or not is_plain:
        raise Problem("unsupported_media_type")


async def _read_bytes(request: web.Request, bytes_max: int) -> bytes:
    if (request.content_length or 0) > bytes_max:
        raise _too_large(bytes_max)
    body = bytearray()
    try:
        if request.content.is_eof():
            # All of it came with the head, as most do: nothing to wait for, and no deadline.
            body += request.content.read_nowait()
            if len(body) > bytes_max:
                raise _too_large(bytes_max)
            return bytes(body)
        async with asyncio.timeout(request.config_dict[BODY_SECONDS]):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > bytes_max:
                    raise _too_large(bytes_max)
    except TimeoutError as error:
        raise Problem("request_timeout", headers={"Connection": "close"}) from error
    except (web.RequestPayloadError, ConnectionError) as error:
        raise Problem("bad_request", "The body could not be read to its end.") from error
    return bytes(body)


def _too_large(bytes_max: int) -> Problem:
    return Problem("body_too_large", f"A body has at most {bytes_max} bytes.")


def parse_json(body: bytes) -> JsonValue:
    """The value that this JSON text stands for.

    Raises:
        Problem: 400 `malformed_json`: bad syntax, an empty text, anything after the value, invalid
            UTF-8, a byte order mark, duplicate keys, NaN and Infinity, lone surrogates, integers
            of thousands of digits, too deep nesting, objects of more fields than any may have.
    """
    try:
        value: JsonValue = _DECODER.decode(body.decode())
        _check_depth(value, _DEPTH_MAX)
        # An escape can spell a lone surrogate, which UTF-8 cannot.
        if b"\\u" in body:
            _check_surrogates(value)
    except UnicodeError as error:
        raise Problem("malformed_json", "The body is not valid Unicode.") from error
    except json.JSONDecodeError as error:
        raise Problem("malformed_json", f"{error.msg} at character {error.pos}.") from error
    except (_RefusedError, RecursionError, ValueError) as error:
        # ValueError: an integer with more digits than Python converts.
        detail = str(error) if isinstance(error, _RefusedError) else None
        raise Problem("malformed_json", detail) from error
    return value


class _RefusedError(Exception):
    """JSON that the grammar allows, or Python does, and we do not."""


def _object(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    if len(pairs) > _FIELDS_MAX:
        raise _RefusedError(f"An object has at most {_FIELDS_MAX} fields.")
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _RefusedError("A key appears twice in one object.")
    return members


def _constant(text: str) -> NoReturn:
    raise _RefusedError(f"{text} is not a JSON value.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=RawNumber, parse_constant=_constant
)


def _check_depth(value: JsonValue, depth: int) -> None:
    if not isinstance(value, dict | list):
        return
    if depth == 0:
        raise _RefusedError(f"Values are nested more than {_DEPTH_MAX} deep.")
    for item in value.values() if isinstance(value, dict) else value:
        # Most values are strings: they are not worth a call.
        if type(item) is not str:
            _check_depth(item, depth - 1)


def _check_surrogates(value: JsonValue) -> None:
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, dict | list):
        for item in value:
            _check_surrogates(item)
        for item in value.values() if isinstance(value, dict) else ():
            _check_surrogates(item)


def fingerprint(operation: str, resource: str, body: JsonValue) -> bytes:
    """SHA-256 over what a request asks for, to tell a repeat from another use of its key.

    Key order and white space do not matter; every value counts as it was written (`"12.5"` and
    `"12.50"` differ). Different requests have different texts under the hash: each value has its
    type and its length before it.
    """
    parts = [_text(operation), _text(resource)]
    _write(body, parts)
    return hashlib.sha256(b"".join(parts)).digest()


def _write(value: JsonValue, parts: list[bytes]) -> None:
    # The kinds by how often they come: most values are strings.
    if isinstance(value, str):
        parts.append(_text(value))
    elif isinstance(value, dict):
        parts.append(b"o%d:" % len(value))
        for key in sorted(value):
            parts.append(_text(key))
            _write(value[key], parts)
    elif isinstance(value, list):
        parts.append(b"a%d:" % len(value))
        for item in value:
            _write(item, parts)
    else:
        parts.append(_scalar(value))


def _text(value: str) -> bytes:
    text = value.encode()
    return b"s%d:%b" % (len(text), text)


def _scalar(value: bool | int | RawNumber | None) -> bytes:
    match value:
        case None:
            return b"n"
        case bool():  # before int, which it is one of
            return b"t" if value else b"f"
        case int():
            return b"i%d;" % value
        case RawNumber():
            return b"d%b;" % value.text.encode()
