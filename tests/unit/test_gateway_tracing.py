import re

import pytest

from gateway.tracing import trace_context

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN_ID = "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        (f"00-{TRACE_ID}-{SPAN_ID}-01", "01"),
        (f"00-{TRACE_ID}-{SPAN_ID}-00", "00"),
        (f"00-{TRACE_ID}-{SPAN_ID}-ff", "01"),
        (f"cc-{TRACE_ID}-{SPAN_ID}-01", "01"),
        (f"cc-{TRACE_ID}-{SPAN_ID}-01-what.the.future.holds", "01"),
    ],
)
def test_a_well_formed_traceparent_is_continued(header: str, flags: str) -> None:
    trace = trace_context([header])

    assert trace.trace_id == TRACE_ID
    assert re.fullmatch(rf"00-{TRACE_ID}-[0-9a-f]{{16}}-{flags}", trace.traceparent)
    assert SPAN_ID not in trace.traceparent


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [""],
        ["garbage"],
        [f"00-{TRACE_ID.upper()}-{SPAN_ID}-01"],
        [f"00-{'0' * 32}-{SPAN_ID}-01"],
        [f"00-{TRACE_ID}-{'0' * 16}-01"],
        [f"ff-{TRACE_ID}-{SPAN_ID}-01"],
        [f"00-{TRACE_ID}-{SPAN_ID}-01-more"],
        [f"00-{TRACE_ID}-{SPAN_ID}-1"],
        [f"00-{TRACE_ID}-{SPAN_ID}-01", f"00-{TRACE_ID}-{SPAN_ID}-01"],
    ],
)
def test_anything_else_begins_a_new_trace(headers: list[str]) -> None:
    trace = trace_context(headers)

    assert trace.trace_id != TRACE_ID
    assert re.fullmatch(rf"00-{trace.trace_id}-[0-9a-f]{{16}}-01", trace.traceparent)
    assert re.fullmatch(r"[0-9a-f]{32}", trace.trace_id)
