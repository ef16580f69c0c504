"""The data folder: one holder, one version of the data, one set of keys."""

import subprocess
import sys

import pytest

from devstack.errors import HomeError
from devstack.home import Home
from devstack.keys import load_keys


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "data")
    home.folder.mkdir()
    return home


def test_second_holder_is_refused_and_told_who_has_it(home):
    script = f"""
from pathlib import Path
from devstack.home import Home
with Home(Path({str(home.folder)!r})).held():
    print("held", flush=True)
    input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"

        with pytest.raises(HomeError, match=rf"another `make run` \(process {other.pid}\)"):
            home.held().__enter__()
        other.kill()

    with home.held():
        pass  # the kernel let go when the other died


def test_folder_is_made_for_its_owner_only(tmp_path):
    with Home(tmp_path / "a" / "b").held():
        assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(HomeError, match="set HOLDFAST_HOME to another"):
        Home(tmp_path / "file" / "data").held().__enter__()


def test_data_of_the_same_versions_is_accepted(home):
    for _ in range(2):
        home.check_versions({"Kafka": "4.3.1", "PostgreSQL": "18"})


def test_data_of_another_version_is_refused_with_a_way_out(home):
    home.check_versions({"Kafka": "4.3.1", "PostgreSQL": "18"})

    with pytest.raises(HomeError, match=r"data of PostgreSQL 18, and this is 19: `make reset`"):
        home.check_versions({"Kafka": "4.3.1", "PostgreSQL": "19"})


def test_version_of_a_server_that_is_elsewhere_does_not_matter(home):
    home.check_versions({"Kafka": "4.3.1", "PostgreSQL": "18"})

    home.check_versions({"PostgreSQL": "18"})


def test_keys_are_made_once_and_kept_from_others(home):
    keys = load_keys(home.keys_file)

    assert load_keys(home.keys_file) == keys
    assert home.keys_file.stat().st_mode & 0o777 == 0o600
    assert len(bytes.fromhex(keys.jwt_secret)) >= 32
    (secret,) = keys.message_keys.values()
    assert len(bytes.fromhex(secret)) >= 32
    assert secret != keys.jwt_secret


def test_delete_leaves_what_is_not_ours(home):
    load_keys(home.keys_file)
    (home.postgres / "base").mkdir(parents=True)
    (home.folder / "notes.txt").touch()

    gone = home.delete_data()

    assert sorted(gone) == [home.postgres, home.keys_file]
    assert [path.name for path in home.folder.iterdir()] == ["notes.txt"]
