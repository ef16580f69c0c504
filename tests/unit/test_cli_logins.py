"""Logins: one file that only its owner reads, written whole, by one process at a time."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cli.errors import CommandError
from cli.wallet.logins import Logins, logins_folder
from tests.unit.cli_rig import ALICE, BOB, a_login


@pytest.fixture
def logins(tmp_path: Path) -> Logins:
    return Logins(tmp_path / "made" / "holdfast")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_its_owner_may_read_it(logins: Logins):
    before = os.umask(0)
    try:
        logins.put(a_login())
    finally:
        os.umask(before)

    assert (mode(logins.path), mode(logins.path.parent)) == (0o600, 0o700)


def test_what_was_open_to_others_is_closed_to_them(logins: Logins):
    logins.put(a_login())
    logins.path.chmod(0o644)
    logins.path.parent.chmod(0o755)

    logins.put(a_login(BOB))

    assert (mode(logins.path), mode(logins.path.parent)) == (0o600, 0o700)


def test_the_one_used_last_is_first_and_a_new_one_takes_the_place_of_the_old(logins: Logins):
    first, other, elsewhere = a_login(), a_login(BOB), a_login(gateway="http://elsewhere")
    for login in (first, other, elsewhere):
        logins.put(login)
    assert logins.all() == [elsewhere, other, first]

    logins.use(other)
    assert logins.all() == [other, elsewhere, first]

    again = a_login(ends_in_s=7_200)
    logins.put(again)
    assert logins.all() == [again, other, elsewhere]

    logins.remove([other, elsewhere])
    assert logins.all() == [again]


def test_nothing_is_written_where_the_last_one_is_used_again(logins: Logins):
    login = a_login()
    logins.put(login)
    before = logins.path.stat().st_ino

    logins.use(login)

    assert logins.path.stat().st_ino == before


def test_writers_at_once_lose_nothing_of_each_other(logins: Logins):
    emails = [f"user-{number}@example.com" for number in range(40)]
    with ThreadPoolExecutor(max_workers=8) as threads:
        list(threads.map(lambda email: Logins(logins.path.parent).put(a_login(email)), emails))

    assert sorted(login.email for login in logins.all()) == sorted(emails)
    assert sorted(path.name for path in logins.path.parent.iterdir()) == [".lock", "logins.json"]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"format": 2, "logins": []}', '{"format": 1, "logins": [{"email": "a"}]}'],
)
def test_a_damaged_file_is_told_and_never_overwritten(logins: Logins, content: str):
    logins.path.parent.mkdir(parents=True)
    logins.path.write_text(content)

    for attempt in (logins.all, lambda: logins.put(a_login())):
        with pytest.raises(CommandError, match=r"logins\.json cannot be used .*log in again"):
            attempt()
    assert logins.path.read_text() == content


def test_where_nothing_can_be_written_it_says_what_to_set(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(CommandError, match="set XDG_CONFIG_HOME"):
        Logins(tmp_path / "file" / "holdfast").put(a_login())


def test_a_token_is_kept_and_shown_in_no_text(logins: Logins):
    logins.put(a_login())

    (kept,) = json.loads(logins.path.read_text())["logins"]
    assert kept["token"] == f"token of {ALICE}"
    assert "token of" not in repr(logins.all())


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("/some/where", "/some/where/holdfast"),
        ("", "/home-of-mine/.config/holdfast"),
        ("relative", "/home-of-mine/.config/holdfast"),
    ],
)
def test_the_folder_is_that_of_xdg(monkeypatch: pytest.MonkeyPatch, given: str, found: str):
    monkeypatch.setenv("XDG_CONFIG_HOME", given)
    monkeypatch.setenv("HOME", "/home-of-mine")

    assert logins_folder() == Path(found)
