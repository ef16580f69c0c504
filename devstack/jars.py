"""Jars that are fetched: exactly those of a lock file, by size and SHA-256, or none.

They are fetched by their Maven coordinates once, into a folder of the virtual environment that
`make run` and the tests share and `make reset` leaves alone. Only whole, checked files are moved
there, and the class path names each file, so nothing that is not in the lock is ever loaded.

Kafka's lock is what `org.apache.kafka:kafka_2.13` and `org.apache.logging.log4j:log4j-slf4j-impl`
need, as jgo resolves them when each is written with `!` (without it, one downgrades the other's).
The versions are all in it, so nothing is resolved here. Swagger UI's is one jar, which has no code
for Java in it: a jar is what the pages are published as.
"""

import hashlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from config.files import locked
from devstack.background import each_in_background
from devstack.errors import JarError
from devstack.maven import download

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


@dataclass(frozen=True, slots=True, kw_only=True)
class JarLock:
    """The jars of one thing.

    Attributes:
        of: its name for people.
        path: the lock file, whose lines read `coordinate size sha256`.
        main: group and artifact of the jar that has its version.
    """

    of: str
    path: Path
    main: str

    @property
    def jars(self) -> tuple[Jar, ...]:
        """The lines of the file."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        rows = [line.split() for line in lines if line]
        return tuple(Jar(coordinate=c, size=int(size), sha256=sha) for c, size, sha in rows)

    @property
    def version(self) -> str:
        """The version that is locked."""
        return dict(jar.coordinate.rsplit(":", 1) for jar in self.jars)[self.main]

    @property
    def folder(self) -> Path:
        """Where its jars are kept: in the virtual environment, one folder per version."""
        name = f"{self.path.name.removesuffix('-jars.lock')}-{self.version}"
        return Path(sys.prefix, "share", "holdfast", name)


KAFKA: Final = JarLock(
    of="Kafka",
    path=Path(__file__).with_name("kafka-jars.lock"),
    main="org.apache.kafka:kafka_2.13",
)
SWAGGER_UI: Final = JarLock(
    of="Swagger UI",
    path=Path(__file__).with_name("swagger-ui-jars.lock"),
    main="org.webjars:swagger-ui",
)


def fetched(
    lock: JarLock,
    *,
    folder: Path | None = None,
    fetch: Download = download,
    report: Callable[[str], None] = lambda _: None,
) -> tuple[Path, ...]:
    """The files of a lock, fetched where they are missing or differ from it.

    Safe to call from several processes at once: one of them fetches, the others wait for it.

    Args:
        lock: what is wanted.
        folder: where they are kept; that of the lock if not given.
        fetch: how one jar is fetched.
        report: told before and after something is fetched.

    Raises:
        JarError: a jar could not be fetched, or what came is not what the lock says.
    """
    folder = folder or lock.folder
    jars = lock.jars
    paths = tuple(folder / jar.file_name for jar in jars)
    if not _broken(jars, folder):
        return paths
    with one_at_a_time(folder):
        wanted = _broken(jars, folder)
        if wanted:
            size_mb = sum(jar.size for jar in wanted) / 1e6
            since = time.monotonic()
            report(f"fetching {lock.of} ({len(wanted)} jars, {size_mb:.0f} MB)")
            _fetch_all(wanted, lock, folder=folder, fetch=fetch)
            report(f"{lock.of} is here and checked ({time.monotonic() - since:.1f} s)")
        _drop_strangers(jars, folder)
    return paths


def _broken(jars: tuple[Jar, ...], folder: Path) -> list[Jar]:
    return [jar for jar in jars if not jar.is_intact(folder / jar.file_name)]


def _fetch_all(jars: list[Jar], lock: JarLock, *, folder: Path, fetch: Download) -> None:
    # Jars land in a new folder each time: a cached half of a file is a thing that cannot be.
    workspace = Path(tempfile.mkdtemp(prefix="fetch-", dir=folder))

    def fetch_one(jar: Jar) -> None:
        _checked(jar, lock, workspace, fetch).replace(folder / jar.file_name)

    try:
        each_in_background(
            jars,
            fetch_one,
            threads=_DOWNLOADS_AT_ONCE,
        )
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def _checked(jar: Jar, lock: JarLock, workspace: Path, fetch: Download) -> Path:
    for _ in range(_ATTEMPTS):
        path = fetch(jar.coordinate, Path(tempfile.mkdtemp(dir=workspace)))
        if jar.is_intact(path):
            return path
    raise JarError(
        f"{jar.coordinate} arrived {_ATTEMPTS} times with a size or SHA-256 that differs from"
        f" {lock.path.name}: something between here and the repository changes files"
    )


def _drop_strangers(jars: tuple[Jar, ...], folder: Path) -> None:
    """Removes jars of an older lock, and what a killed fetch left."""
    known = {jar.file_name for jar in jars}
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix == ".jar" and path.name not in known:
            path.unlink()


def one_at_a_time(folder: Path) -> TextIO:
    """Makes a folder of jars, and keeps other processes from changing it until this is closed.

    Raises:
        JarError: it cannot be made.
    """
    try:
        return locked(folder)
    except OSError as error:
        raise JarError(f"jars cannot be kept in {folder}: {error.strerror}") from error
