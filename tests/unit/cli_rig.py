"""The command `holdfast` in this process: what it prints, and how it ends."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from cli.main import run
from cli.wallet.logins import Login, Logins
from client import Holdfast
from tests.unit.client_rig import OTHER, URL, USER, Script, Time

ALICE, BOB = "alice@example.com", "bob@example.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, parsed; it must have ended well."""
        assert (self.code, self.err) == (0, ""), self
        return json.loads(self.out)


def holdfast(*args: str, stdin: str = "") -> Ended:
    """Runs a command to its end; no terminal is there."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err), _reading(stdin):
        code = run(args)
    return Ended(code=code, out=out.getvalue(), err=err.getvalue())


@contextmanager
def _reading(text: str) -> Iterator[None]:
    before, sys.stdin = sys.stdin, StringIO(text)
    try:
        yield
    finally:
        sys.stdin = before


def a_login(email: str = ALICE, *, gateway: str = URL, ends_in_s: float = 3_600.0) -> Login:
    """A login as it is kept."""
    return Login(
        gateway=gateway,
        email=email,
        user_id=OTHER if email == BOB else USER,
        token=f"token of {email}",
        expires_at=datetime.now(UTC) + timedelta(seconds=ends_in_s),
    )


def as_nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Logins:
    """A shell in this folder, without settings and logins."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    for name in ("HOME", "GATEWAY__URL"):
        monkeypatch.delenv(f"HOLDFAST_{name}", raising=False)
    return Logins(folder / "holdfast")


def play(script: Script, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Has the commands talk to this script."""
    made = partial(Holdfast, transport=script, clock=Time().clock)
    monkeypatch.setattr("cli.wallet.asking.Holdfast", made)
    return script
