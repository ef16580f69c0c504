"""Trace ids: a well-formed W3C `traceparent` is continued, anything else begins a new trace."""

import re
import secrets
from collections.abc import Sequence

from aiohttp import web

from shards.records import record

_VERSION_00 = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
# A later version may have more fields, after a dash; its first four are those of version 00.
_LATER_VERSION = re.compile(
    r"(?!00|ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?"
)
_SAMPLED = 0x01


@record(kw_only=False)
class TraceContext:
    """The trace that a request belongs to.

    `traceparent` is what to send along: the same trace, with this request's span as the parent.
    """

    trace_id: str
    traceparent: str


def trace_context(traceparents: Sequence[str]) -> TraceContext:
    """The trace that these `traceparent` headers name, or a new one.

    None, several, or a malformed one begin a new trace: W3C Trace Context asks to ignore them.
    """
    parsed = _parse(traceparents[0].strip()) if len(traceparents) == 1 else None
    # The system's random source is asked once.
    random = secrets.token_hex(16 + 8)
    trace_id, flags = parsed or (random[:32], _SAMPLED)
    return TraceContext(trace_id, f"00-{trace_id}-{random[32:]}-{flags:02x}")


def _parse(header: str) -> tuple[str, int] | None:
    match = _VERSION_00.fullmatch(header) or _LATER_VERSION.fullmatch(header)
    if match is None:
        return None
    trace_id, parent_id, flags = match.groups()
    if not trace_id.strip("0") or not parent_id.strip("0"):
        return None
    return trace_id, int(flags, 16) & _SAMPLED


_TRACE = web.RequestKey("trace", TraceContext)


def trace_of(request: web.BaseRequest) -> TraceContext:
    """The trace of this request, the same at every call."""
    trace = request.get(_TRACE)
    if trace is None:
        trace = request[_TRACE] = trace_context(request.headers.getall("traceparent", ()))
    return trace
