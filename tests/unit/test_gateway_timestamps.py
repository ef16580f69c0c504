from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.timestamps import format_timestamp, parse_timestamp

AT = datetime(2026, 1, 31, 23, 59, 59, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-31T23:59:59.000001Z", AT),
        ("2026-01-31t23:59:59.000001z", AT),
        ("2026-02-01T00:59:59.000001+01:00", AT),
        ("2026-01-31T18:29:59.000001-05:30", AT),
        ("2026-01-31T23:59:59Z", AT.replace(microsecond=0)),
        ("2026-01-31T23:59:59.5Z", AT.replace(microsecond=500_000)),
        ("2026-01-31T23:59:59.000000001Z", AT),
        ("2026-01-31T23:59:59.000001000Z", AT),
        ("2026-01-31T23:59:59.999999999Z", datetime(2026, 2, 1, tzinfo=UTC)),
        ("2028-02-29T00:00:00Z", datetime(2028, 2, 29, tzinfo=UTC)),
    ],
)
def test_rfc_3339_is_read(text: str, at: datetime) -> None:
    parsed = parse_timestamp(text, rounds_up=True)

    assert parsed == at
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T23:59:59.000001Z",
        "2026-01-31T23:59:59.0000010Z",
        "2026-01-31T23:59:59.000001999Z",
    ],
)
def test_digits_that_no_time_has_may_be_left_out(text: str) -> None:
    assert parse_timestamp(text, rounds_up=False) == AT


@pytest.mark.parametrize("rounds_up", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "", "now", "0", "1767225600", "2026-01-31", "2026-01-31T23:59:59", "2026-01-31T23:59Z",
        "2026-01-31T23:59:59 01:00", "2026-01-31 23:59:59Z", "20260131T235959Z",
        "2026-01-31T23:59:59+0100", "2026-01-31T23:59:59+01", "2026-01-31T23:59:59.Z",
        "2026-01-31T23:59:59.0000000001Z", "2026-01-31T23:59:59,5Z", "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T23:59:60Z",
        "2026-01-31T23:59:59+24:00", "2026-01-31T23:59:59+00:60", "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "２026-01-31T23:59:59Z",
        "2026-W05-6T00:00:00Z", "2026-01-31T23:59:59Z\n", "-2026-01-31T23:59:59Z",
    ],
)  # fmt: skip
def test_anything_else_is_not(text: str, rounds_up: bool) -> None:
    assert parse_timestamp(text, rounds_up=rounds_up) is None


def test_the_last_moment_does_not_round_up() -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)

    assert parse_timestamp("9999-12-31T23:59:59.9999999Z", rounds_up=True) is None
    assert parse_timestamp("9999-12-31T23:59:59.9999999Z", rounds_up=False) == last


def test_times_are_written_in_utc_with_six_digits() -> None:
    noon = datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2)))

    assert format_timestamp(noon) == "2026-01-31T10:00:00.000000Z"
    assert format_timestamp(AT) == "2026-01-31T23:59:59.000001Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_reads_back(at: datetime) -> None:
    assert parse_timestamp(format_timestamp(at), rounds_up=True) == at
    assert parse_timestamp(format_timestamp(at), rounds_up=False) == at
