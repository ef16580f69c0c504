"""Mounts a tmpfs that only it can see, and waits to be ended.

Run as a file by a Python of its own: `python -I -S disk_keeper.py FOLDER MEGABYTES`.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

READY = "mounted"

_CLONE_NEWNS = 0x00020000
_MS_REC = 0x4000
_MS_PRIVATE = 0x40000

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        raise SystemExit(f"{what}: {os.strerror(ctypes.get_errno())}")


def main(folder: str, megabytes: str) -> None:
    """Returns never."""
    _checked(_libc.unshare(_CLONE_NEWNS), "unshare")
    # What is mounted from now on is seen by nobody else.
    _checked(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "make mounts private")
    size = f"size={megabytes}m,mode=0755".encode()
    _checked(_libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, size), "mount tmpfs")
    Path(folder, READY).touch()
    while True:
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
