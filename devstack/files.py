"""Logs that do not grow for ever."""

from pathlib import Path

_LOG_BYTES_MAX = 10_000_000


def rotate(log: Path) -> None:
    """Puts a log that has grown large aside as `<name>.1`; the one before is dropped."""
    if log.is_file() and log.stat().st_size > _LOG_BYTES_MAX:
        log.replace(log.with_name(f"{log.name}.1"))
