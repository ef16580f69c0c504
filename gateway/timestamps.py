"""Timestamps: RFC 3339. Out always UTC with six digits and Z, in with any offset."""

import re
from datetime import UTC, datetime, timedelta

_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?"
    r"([Zz]|[+-][0-9]{2}:[0-5][0-9])"
)


def format_timestamp(at: datetime) -> str:
    """An aware time as `2026-01-31T23:59:59.000001Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def parse_timestamp(text: str, *, rounds_up: bool) -> datetime | None:
    """The time in UTC; None when it is not RFC 3339 with an offset or Z.

    Up to nine digits of a second are read, and times inside have six.

    Args:
        text: the time as it was sent.
        rounds_up: whether the seventh digit and on round up, which keeps both `since <= at` and
            `at < until` exact, or are left out, which keeps `at <= then` exact.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    date, time, fraction, offset = match.groups()
    digits = (fraction or "").ljust(9, "0")
    try:
        at = datetime.fromisoformat(f"{date}T{time}.{digits[:6]}{offset.upper()}")
        added = timedelta(microseconds=1 if rounds_up and int(digits[6:]) else 0)
        return at.astimezone(UTC) + added
    except (ValueError, OverflowError):  # no such date, or outside the years 1 to 9999
        return None
