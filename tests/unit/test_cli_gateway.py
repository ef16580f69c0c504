"""Which gateway a command talks to, as whom, and what a shell completes of it."""

import json
from pathlib import Path

import pytest

from cli.errors import CommandError
from cli.main import build_app
from cli.wallet.gateway import complete_email, find_login, find_target
from cli.wallet.logins import Logins
from tests.unit.cli_rig import ALICE, BOB, a_login, as_nobody

GIVEN, CONFIGURED, RUNNING, LAST = (f"http://{name}.example:8080" for name in "gcrl")


@pytest.fixture
def logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Logins:
    return as_nobody(tmp_path, monkeypatch)


def start(folder: Path, gateway: str = RUNNING) -> None:
    (folder / ".holdfast").mkdir(exist_ok=True)
    (folder / ".holdfast" / "run.json").write_text(json.dumps({"gateway": gateway}))


def test_each_place_to_name_one_goes_before_the_next(
    logins: Logins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(CommandError, match=r"--gateway URL .* or start `make run`"):
        find_target("")
    kept = [a_login(gateway=LAST), a_login(gateway="http://older")]
    assert find_target("", kept=kept).url == LAST
    start(tmp_path)
    assert find_target("", kept=kept).url == RUNNING
    monkeypatch.setenv("HOLDFAST_GATEWAY__URL", f"{CONFIGURED}/")
    assert find_target("", kept=kept).url == CONFIGURED
    assert find_target(f"{GIVEN}/", kept=kept).url == GIVEN


@pytest.mark.parametrize(
    "url",
    [
        *("127.0.0.1:8080", "ftp://a", "http://", "http://a?b", "alice", "http://:80"),
        *("http://[::1", "http://a:99999999", "http://a:x", "http://a:0", "http://a..b"),
        *("http://a b", "http://a/\x1b[31m", "http://a/b c"),
    ],
)
def test_what_is_no_address_is_refused(logins: Logins, url: str):
    with pytest.raises(CommandError, match="--gateway is no address such as"):
        find_target(url)


def test_an_address_with_a_password_is_refused_and_not_told(logins: Logins):
    with pytest.raises(CommandError, match="no gateway takes one") as refused:
        find_target("http://alice:secret@127.0.0.1:8080")

    assert "secret" not in str(refused.value)


def test_an_address_is_spelled_in_one_way(logins: Logins):
    assert find_target("HTTP://127.0.0.1:8080/").url == "http://127.0.0.1:8080"
    assert find_target("http://[::1]:8080").url == "http://[::1]:8080"


def test_a_run_file_that_cannot_be_used_is_told(logins: Logins, tmp_path: Path):
    start(tmp_path)
    (tmp_path / ".holdfast" / "run.json").write_text("{")

    with pytest.raises(CommandError, match="start `make run` again, or give --gateway URL"):
        find_target("")


def test_the_last_login_is_taken_or_the_one_that_is_named(logins: Logins):
    with pytest.raises(CommandError, match="which gateway"):
        find_login(logins, email="", gateway="")
    alice, bob, elsewhere = a_login(gateway=GIVEN), a_login(BOB, gateway=GIVEN), a_login(BOB)
    for login in (alice, elsewhere, bob):
        logins.put(login)

    assert find_login(logins, email="", gateway="")[1] == bob
    assert find_login(logins, email="Alice@Example.com", gateway="")[1] == alice
    assert find_login(logins, email=BOB, gateway=elsewhere.gateway)[1] == elsewhere


def test_who_is_not_logged_in_is_told_the_command(logins: Logins):
    logins.put(a_login(gateway=LAST))

    with pytest.raises(CommandError) as missing:
        find_login(logins, email=BOB, gateway="")
    with pytest.raises(CommandError) as there:
        find_login(logins, email="", gateway=GIVEN)

    assert str(missing.value) == f"not logged in as {BOB} on {LAST}: holdfast login {BOB}"
    assert str(there.value) == (f"not logged in on {GIVEN}: holdfast login EMAIL --gateway {GIVEN}")


def test_a_login_that_has_ended_is_not_tried(logins: Logins):
    logins.put(a_login(ends_in_s=-1.0))

    with pytest.raises(CommandError, match=f"has ended: holdfast login {ALICE}"):
        find_login(logins, email="", gateway="")


def completed(words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("_HOLDFAST_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    with pytest.raises(SystemExit):
        build_app()([], prog_name="holdfast")
    return capsys.readouterr().out.split()


@pytest.mark.parametrize("words", ["holdfast send ", "holdfast balance --as ", "holdfast logout "])
def test_stored_e_mails_are_completed_and_nothing_else_is_read(
    logins: Logins,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
):
    for login in (a_login(), a_login(BOB), a_login(BOB, gateway=LAST)):
        logins.put(login)
    (tmp_path / ".env").write_text("HOLDFAST_NO_SUCH_SETTING=1\n")

    assert completed(words, monkeypatch, capsys) == [ALICE, BOB]
    assert completed(f"{words}bo", monkeypatch, capsys) == [BOB]


def test_a_damaged_file_completes_nothing(logins: Logins):
    assert complete_email("") == []
    logins.put(a_login())
    logins.path.write_text("{")

    assert complete_email("") == []
