"""That a leak fails a test is shown by one that leaks."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.log_leaks import leaks_below, leaks_in

LEAKS = [
    '{"event": "login", "password": "correct horse battery"}',
    "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl",
    "DETAIL:  Key (email)=(alice@example.com) already exists.",
    "password_hash = $argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
    "cannot connect to postgresql://holdfast:hunter2@127.0.0.1:5432/x",
    "redis://:hunter2@127.0.0.1:6379/0 is away",
]
FINE = [
    "transfer 01981234-5678-8007-8000-000000000002 is held",
    "cannot connect to postgresql://holdfast@127.0.0.1:5432/x",
    "http://127.0.0.1:8080 at 2026-11-28T04:51:23.452785Z",
    'File "gateway/clients.py", line 230, in start',
]


@pytest.mark.parametrize("line", LEAKS)
def test_a_secret_is_found(line: str) -> None:
    assert leaks_in(f"a line\n{line}\nanother") == [line]


@pytest.mark.parametrize("line", FINE)
def test_what_is_none_is_not(line: str) -> None:
    assert leaks_in(line) == []


def test_logs_are_looked_at_and_files_of_messages_are_not(tmp_path: Path) -> None:
    folder = tmp_path / "looked at"
    for name in ("gateway.txt", "00000000000000000000.log", "data"):
        (folder / "inside" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "inside" / name).write_text(LEAKS[0])
    assert leaks_below(folder) == []

    (folder / "inside" / "kafka.out").write_text(f"a line\n{LEAKS[0]}")

    assert leaks_below(folder) == [f"kafka.out: {LEAKS[0]}"]
    (folder / "inside" / "kafka.out").unlink()


_TESTS = """
import logging, subprocess, sys

def test_to_standard_error():
    print("correct " + "horse", file=sys.stderr)

def test_to_a_log():
    logging.getLogger("x").warning("correct %s", "horse")

def test_from_another_process():
    subprocess.run([sys.executable, "-c", "import sys; sys.stderr.write('correct ' + 'horse')"])

def test_to_a_file(tmp_path):
    (tmp_path / "gateway.log").write_text("correct " + "horse")

def test_nothing():
    print("a line", file=sys.stderr)
"""


def test_a_test_that_leaks_fails(tmp_path: Path) -> None:
    (tmp_path / "test_leaking.py").write_text(_TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.log_leaks", "-q", "-rA", str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1, done.stdout
    assert re.findall(r"(?m)^(PASSED|FAILED|ERROR) .*::(\w+)", done.stdout) == [
        ("PASSED", "test_nothing"),
        ("FAILED", "test_to_standard_error"),
        ("FAILED", "test_to_a_log"),
        ("FAILED", "test_from_another_process"),
        ("FAILED", "test_to_a_file"),
    ]
