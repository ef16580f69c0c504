"""Jars are exactly those of their lock, or there are none."""

import hashlib
import threading
from pathlib import Path

import pytest

from devstack.errors import JarError
from devstack.jars import KAFKA, SWAGGER_UI, Jar, JarLock, fetched

GOOD = b"the jar as it was published"


def jar(name: str = "tool", content: bytes = GOOD) -> Jar:
    return Jar(
        coordinate=f"org.example:{name}:1.0",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


@pytest.fixture
def lock(tmp_path_factory):
    """Makes a lock of the jars that it is given."""
    path = tmp_path_factory.mktemp("lock") / "some-jars.lock"

    def write(*jars: Jar) -> JarLock:
        path.write_text("".join(f"{j.coordinate} {j.size} {j.sha256}\n" for j in jars))
        return JarLock(of="Something", path=path, main="org.example:tool")

    return write


class Repository:
    """Serves one content after the other; the last one stays."""

    def __init__(self, *contents: bytes) -> None:
        self.contents = list(contents)
        self.asked: list[str] = []

    def __call__(self, coordinate: str, folder: Path) -> Path:
        self.asked.append(coordinate)
        content = self.contents.pop(0) if len(self.contents) > 1 else self.contents[0]
        path = folder / "fetched.jar"
        path.write_bytes(content)
        return path


def test_missing_jar_is_fetched_once(lock, tmp_path):
    repository = Repository(GOOD)

    first = fetched(lock(jar()), folder=tmp_path, fetch=repository)
    second = fetched(lock(jar()), folder=tmp_path, fetch=repository)

    assert first == second == (tmp_path / "tool-1.0.jar",)
    assert first[0].read_bytes() == GOOD
    assert len(repository.asked) == 1


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(GOOD[:-1], id="truncated"),
        pytest.param(GOOD[:-1] + b"!", id="tampered, same size"),
        pytest.param(b"", id="empty"),
    ],
)
def test_kept_jar_that_differs_is_fetched_again(lock, tmp_path, kept):
    (tmp_path / "tool-1.0.jar").write_bytes(kept)

    (path,) = fetched(lock(jar()), folder=tmp_path, fetch=Repository(GOOD))

    assert path.read_bytes() == GOOD


def test_bad_download_is_tried_again(lock, tmp_path):
    repository = Repository(GOOD[:5], GOOD)

    (path,) = fetched(lock(jar()), folder=tmp_path, fetch=repository)

    assert path.read_bytes() == GOOD


def test_download_that_stays_wrong_is_refused_and_not_kept(lock, tmp_path):
    with pytest.raises(JarError, match=r"org\.example:tool:1\.0 .* differs from some-jars\.lock"):
        fetched(lock(jar()), folder=tmp_path, fetch=Repository(b"something else"))

    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_jar_that_is_not_in_the_lock_is_never_loaded_and_goes(lock, tmp_path):
    stranger = tmp_path / "stranger-6.6.jar"
    stranger.write_bytes(b"evil")

    paths = fetched(lock(jar()), folder=tmp_path, fetch=Repository(GOOD))

    assert stranger not in paths
    assert not stranger.exists()


def test_rest_of_a_killed_fetch_goes(lock, tmp_path):
    half = tmp_path / "fetch-abc"
    half.mkdir()
    (half / "half.jar").write_bytes(b"ha")

    fetched(lock(jar()), folder=tmp_path, fetch=Repository(GOOD))

    assert not half.exists()


def test_two_at_once_fetch_once(lock, tmp_path):
    repository = Repository(GOOD)
    ready = threading.Barrier(2)

    def fetch_all() -> None:
        ready.wait(timeout=5)
        fetched(lock(jar("one"), jar("two")), folder=tmp_path, fetch=repository)

    threads = [threading.Thread(target=fetch_all) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=5)

    assert sorted(repository.asked) == ["org.example:one:1.0", "org.example:two:1.0"]


def test_failure_of_one_download_is_told(lock, tmp_path):
    def no_network(coordinate: str, folder: Path) -> Path:
        raise JarError(f"{coordinate} could not be fetched")

    with pytest.raises(JarError, match="could not be fetched"):
        fetched(lock(jar()), folder=tmp_path, fetch=no_network)


@pytest.mark.parametrize(
    ("kept", "version", "count"), [(KAFKA, "4.3.1", 46), (SWAGGER_UI, "5.34.1", 1)]
)
def test_lock_names_each_file_once_by_sum_and_size(kept, version, count):
    jars = kept.jars

    assert kept.version == version
    assert kept.folder.name == f"{kept.path.name.removesuffix('-jars.lock')}-{version}"
    assert len(jars) == len({jar.file_name for jar in jars}) == count
    assert all(len(jar.sha256) == 64 and jar.size > 0 for jar in jars)
