"""A small file system of a server's own, which can be filled without harm to anyone else.

A tmpfs in a mount namespace that a child process keeps open: nobody outside sees it, and it is gone
when that child ends, however it ends.
"""

import asyncio
import errno
import os
import sys
import time
from pathlib import Path

from devstack.processes import Child, Command
from reliability.chaos.stack import disk_keeper
from reliability.chaos.stack.errors import Refused

_START_S = 10.0
_POLL_S = 0.02
_PIECE_BYTES = 16 << 20
_LAST_PIECE_BYTES = 4096


class Disk:
    """A file system of limited size; `mount`, then use it by `pid`, then `stop`.

    Args:
        folder: where it is, for processes that see what `pid` sees.
        size_mb: how much goes in.
        log: what the child that keeps it writes.
    """

    def __init__(self, folder: Path, *, size_mb: int, log: Path) -> None:
        self.folder = folder.resolve()
        self._size_mb = size_mb
        self._log = log
        self._keeper: Child | None = None

    @property
    def pid(self) -> int:
        """The process that sees it."""
        if self._keeper is None:
            raise ValueError("the disk was not mounted")
        return self._keeper.pid

    async def mount(self) -> None:
        """Makes it.

        Raises:
            Refused: the kernel does not let us.
        """
        if not sys.platform.startswith("linux") or os.geteuid() != 0:
            raise Refused("a file system of its own takes root on Linux")
        self.folder.mkdir(parents=True, exist_ok=True)
        argv = (sys.executable, "-I", "-S", disk_keeper.__file__)
        terms = (str(self.folder), str(self._size_mb))
        command = Command(name="disk", argv=(*argv, *terms), output=self._log)
        keeper = await asyncio.to_thread(Child, command)
        self._keeper = keeper
        deadline = time.monotonic() + _START_S
        while not (self._inside / disk_keeper.READY).exists():
            if not keeper.alive() or time.monotonic() > deadline:
                said = self._log.read_text(errors="replace").strip().splitlines()
                await self.stop()
                raise Refused(f"no file system of its own: {said[-1] if said else 'no answer'}")
            await asyncio.sleep(_POLL_S)

    async def fill(self) -> None:
        """Takes all that is left."""
        await asyncio.to_thread(self._fill)

    async def free(self) -> None:
        """Gives it back."""
        await asyncio.to_thread((self._inside / "filler").unlink, missing_ok=True)

    async def stop(self) -> None:
        """Ends it, with all that is in it."""
        if self._keeper is not None:
            await asyncio.to_thread(self._keeper.kill)

    @property
    def _inside(self) -> Path:
        return Path(f"/proc/{self.pid}/root", *self.folder.parts[1:])

    def _fill(self) -> None:
        with (self._inside / "filler").open("ab") as filler:
            piece = _PIECE_BYTES
            while piece >= _LAST_PIECE_BYTES:
                try:
                    os.posix_fallocate(filler.fileno(), filler.tell(), piece)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    piece //= 2
                filler.seek(0, os.SEEK_END)
