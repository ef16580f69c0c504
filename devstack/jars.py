"""Kafka's jars: exactly those of `kafka-jars.lock`, by size and SHA-256, or none.

They are fetched by their Maven coordinates once, into a folder of the virtual environment that
`make run` and the tests share and `make reset` leaves alone. Only whole, checked files are moved
there, and the class path names each file, so nothing that is not in the lock is ever loaded.

The lock is what `org.apache.kafka:kafka_2.13` and `org.apache.logging.log4j:log4j-slf4j-impl` need,
as jgo resolves them when each is written with `!` (without it, one downgrades the other's). The
versions are all in it, so nothing is resolved here.
"""

import fcntl
import hashlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.background import each_in_background
from devstack.errors import JarError
from devstack.maven import download

LOCK_FILE = Path(__file__).with_name("kafka-jars.lock")
KAFKA = "org.apache.kafka:kafka_2.13"
_ATTEMPTS = 3
_DOWNLOADS_AT_ONCE = 4

Download = Callable[[str, Path], Path]
"""Fetches a coordinate into an empty folder and returns the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """One line of the lock."""

    coordinate: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """Its name in the class path folder, as Maven names it."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"

    def is_intact(self, path: Path) -> bool:
        """Whether that file is this jar, byte for byte."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256


def read_lock(path: Path = LOCK_FILE) -> tuple[Jar, ...]:
    """The jars of a lock file, whose lines read `coordinate size sha256`."""
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line]
    return tuple(Jar(coordinate=c, size=int(size), sha256=sha) for c, size, sha in rows)


def kafka_version() -> str:
    """The version of Kafka in the lock."""
    versions = dict(jar.coordinate.rsplit(":", 1) for jar in read_lock())
    return versions[KAFKA]


def default_folder() -> Path:
    """Where the jars are kept: in the virtual environment, one folder per version of Kafka."""
    return Path(sys.prefix, "share", "holdfast", f"kafka-{kafka_version()}")


def class_path(
    folder: Path | None = None,
    *,
    jars: tuple[Jar, ...] | None = None,
    fetch: Download = download,
    report: Callable[[str], None] = lambda _: None,
) -> tuple[Path, ...]:
    """The files of Kafka, fetched where they are missing or differ from the lock.

    Safe to call from several processes at once: one of them fetches, the others wait for it.

    Args:
        folder: where they are kept; `default_folder()` if not given.
        jars: the lock; `kafka-jars.lock` if not given.
        fetch: how one jar is fetched.
        report: told before and after something is fetched.

    Raises:
        JarError: a jar could not be fetched, or what came is not what the lock says.
    """
    folder = folder or default_folder()
    jars = jars or read_lock()
    paths = tuple(folder / jar.file_name for jar in jars)
    if not _broken(jars, folder):
        return paths
    with _one_at_a_time(folder):
        wanted = _broken(jars, folder)
        if wanted:
            size_mb = sum(jar.size for jar in wanted) / 1e6
            since = time.monotonic()
            report(f"fetching {len(wanted)} jars of Kafka, {size_mb:.0f} MB")
            _fetch_all(wanted, folder, fetch)
            report(f"Kafka's jars are here and checked ({time.monotonic() - since:.1f} s)")
        _drop_strangers(jars, folder)
    return paths


def _broken(jars: tuple[Jar, ...], folder: Path) -> list[Jar]:
    return [jar for jar in jars if not jar.is_intact(folder / jar.file_name)]


def _fetch_all(jars: list[Jar], folder: Path, fetch: Download) -> None:
    # Jars land in a new folder each time: a cached half of a file is a thing that cannot be.
    workspace = Path(tempfile.mkdtemp(prefix="fetch-", dir=folder))
    try:
        each_in_background(
            jars,
            lambda jar: _fetch_one(jar, workspace, folder / jar.file_name, fetch),
            threads=_DOWNLOADS_AT_ONCE,
        )
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def _fetch_one(jar: Jar, workspace: Path, target: Path, fetch: Download) -> None:
    for _ in range(_ATTEMPTS):
        fetched = fetch(jar.coordinate, Path(tempfile.mkdtemp(dir=workspace)))
        if jar.is_intact(fetched):
            fetched.replace(target)
            return
    raise JarError(
        f"{jar.coordinate} arrived {_ATTEMPTS} times with a size or SHA-256 that differs from"
        f" {LOCK_FILE.name}: something between here and the repository changes files"
    )


def _drop_strangers(jars: tuple[Jar, ...], folder: Path) -> None:
    """Removes jars of an older lock, and what a killed fetch left."""
    known = {jar.file_name for jar in jars}
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix == ".jar" and path.name not in known:
            path.unlink()


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("a")
    except OSError as error:
        raise JarError(f"Kafka's jars cannot be kept in {folder}: {error.strerror}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
