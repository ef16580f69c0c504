"""What a person at the terminal is told: the only module that writes to it."""

import contextlib
import sys
import threading
import time
from typing import TextIO


class Progress:
    """Writes one line at a time, from any thread; a terminal that has gone is no error."""

    def __init__(self, tag: str, stream: TextIO | None = None) -> None:
        self._tag = tag
        self._stream = stream or sys.stdout
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """Writes a line with the tag before it."""
        self._write(f"[{self._tag}] {text}\n")

    def block(self, text: str) -> None:
        """Writes lines as they are."""
        self._write(f"{text}\n")

    def done(self, text: str, *, since: float) -> None:
        """Writes a line, and how long it took since that `time.monotonic()`."""
        self.say(f"{text} ({time.monotonic() - since:.1f} s)")

    def _write(self, text: str) -> None:
        # A closed terminal or pipe must not end an orderly stop halfway.
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()
