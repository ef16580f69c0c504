import pytest

from workers.incoming import Raw

TRACEPARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def raw(*headers: tuple[str, bytes]) -> Raw:
    return Raw(topic="t", partition=0, position=0, key=None, value=None, headers=headers)


def test_the_trace_of_a_message_is_that_of_its_header() -> None:
    assert raw(("other", b"x"), ("traceparent", TRACEPARENT)).traceparent == TRACEPARENT.decode()


@pytest.mark.parametrize(
    "value", [b"", b"garbage", b"\x00", b"\xff", TRACEPARENT + b"\x00", TRACEPARENT.upper()]
)
def test_a_header_that_names_no_trace_goes_no_further(value: bytes) -> None:
    assert raw(("traceparent", value)).traceparent == ""
