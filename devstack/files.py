"""Files that are never seen half written."""

import os
import tempfile
from pathlib import Path

_LOG_BYTES_MAX = 10_000_000


def write_whole(path: Path, text: str) -> None:
    """Replaces the file in one step, readable by its owner only, and safe after a power cut."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def rotate(log: Path) -> None:
    """Puts a log that has grown large aside as `<name>.1`; the one before is dropped."""
    if log.is_file() and log.stat().st_size > _LOG_BYTES_MAX:
        log.replace(log.with_name(f"{log.name}.1"))
