"""The folder with all data of `make run`: who may use it, and what it was made by."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from config.files import write_whole
from config.running import run_file
from devstack.errors import HomeError


class Home:
    """One data folder, which one process at a time may hold.

    Args:
        folder: where it is; made when it is held first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.postgres = self.folder / "postgres"
        self.kafka = self.folder / "kafka"
        self.logs = self.folder / "logs"
        self.processes = self.folder / "processes"
        self.run_file = run_file(self.folder)
        self.keys_file = self.folder / "secrets.json"
        self._versions = self.folder / "versions.json"
        self._lock = self.folder / "lock"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps every other process out; the kernel lets go of it when we die.

        Raises:
            HomeError: another process holds it, or it cannot be written.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = self._lock.open("a+")
        except OSError as error:
            raise HomeError(
                f"{self.folder} cannot be used ({error.strerror}); set HOLDFAST_HOME to another"
            ) from error
        with lock:
            self._take(lock.fileno())
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def check_versions(self, ours: Mapping[str, str]) -> None:
        """Makes sure that the data is of our versions, and notes them where there is none yet.

        Args:
            ours: name of a server to the version whose data it reads.

        Raises:
            HomeError: another version wrote it.
        """
        found: dict[str, str] = {}
        if self._versions.is_file():
            found = json.loads(self._versions.read_text(encoding="utf-8"))
        for name, version in ours.items():
            if found.get(name, version) != version:
                raise HomeError(
                    f"{self.folder} holds data of {name} {found[name]}, and this is {version}:"
                    " `make reset` deletes it, or set HOLDFAST_HOME to another folder"
                )
        if {**found, **ours} != found:
            write_whole(self._versions, json.dumps({**found, **ours}, indent=2))

    def delete_data(self) -> list[Path]:
        """Deletes what `make run` made, and nothing else; returns what was there.

        The lock stays until the end, so that nobody starts on a folder that is half gone.
        """
        # What `initdb` was at when it was ended lies beside its folder.
        half_made = self.postgres.with_name(f"{self.postgres.name}.new")
        parts = (self.postgres, half_made, self.kafka, self.logs, self.processes)
        files = (self.run_file, self.keys_file, self._versions)
        gone = [path for path in (*parts, *files) if path.exists()]
        for path in gone:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        return gone

    def _take(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._lock.read_text(encoding="utf-8") or "unknown"
            raise HomeError(
                f"another `make run` (process {holder}) uses {self.folder}; stop that one first,"
                " or set HOLDFAST_HOME to another folder"
            ) from None
