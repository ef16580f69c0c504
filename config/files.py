"""Files that are never seen half written, and folders that one process at a time changes."""

import fcntl
import os
import tempfile
from pathlib import Path
from typing import TextIO


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


def locked(folder: Path) -> TextIO:
    """Waits for its turn with a folder, among processes that do the same.

    Args:
        folder: made if it is not there.

    Returns:
        What holds the turn: it ends when this is closed, at the end of a `with` for example, and
        when the process dies.

    Raises:
        OSError: it cannot be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / ".lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
    except BaseException:
        lock.close()
        raise
    return lock
