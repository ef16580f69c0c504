"""A test whose logs have a secret in them fails, whatever it is about.

A plugin of pytest, which the `conftest.py` of the whole tree is with it. It looks at what a test
wrote to standard error and to the log, and at the log files below its `tmp_path`: those of the
gateways, workers and servers that it started. Nothing is registered for that: passwords of tests
begin alike, and tokens, hashes of passwords, e-mails and addresses with a password have a form.
"""

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

SECRET = re.compile(
    # What users of tests and of the README have for passwords.
    r"correct horse|battery staple|wrong horse"
    # A token: the header and the claims of a JWT, and what else is signed by whom.
    r"|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}"
    r"|\$argon2id?\$"
    # An e-mail of a user.
    r"|[\w.+-]+@example\.(com|org|net|test)\b"
    # An address with a password in it.
    r"|\b\w+://[^\s:/@]*:[^\s:/@]+@"
)
# Kafka's files of messages end as logs do: 00000000000000000000.log.
_MESSAGES = re.compile(r"\d+\.log")
_SUFFIXES = (".log", ".out")
_SHOWN = 200


def leaks_in(text: str) -> list[str]:
    """The lines with a secret, of which so much is shown that it can be found."""
    if SECRET.search(text) is None:
        return []
    return [line[:_SHOWN] for line in text.splitlines() if SECRET.search(line)]


def leaks_in_file(path: Path) -> list[str]:
    """Those of a log, with its name; none where there is no such file any more."""
    try:
        text = path.read_text(errors="replace")
    except FileNotFoundError:
        return []
    return [f"{path.name}: {line}" for line in leaks_in(text)]


def leaks_below(folder: Path) -> list[str]:
    """Those of all logs below a folder."""
    return [leak for path in sorted(_logs_below(folder)) for leak in leaks_in_file(path)]


def _logs_below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.suffix in _SUFFIXES and not _MESSAGES.fullmatch(path.name) and path.is_file():
            yield path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fails the test, or the end of its fixtures, where a secret was written."""
    report = yield
    leaks = [
        leak
        for name, text in report.sections
        # Those of earlier phases are there again.
        if name in (f"Captured stderr {call.when}", f"Captured log {call.when}")
        for leak in leaks_in(text)
    ]
    funcargs: dict[str, Any] = getattr(item, "funcargs", {})
    folder = funcargs.get("tmp_path")
    if call.when == "call" and isinstance(folder, Path):
        leaks += leaks_below(folder)
    if leaks and report.outcome == "passed":
        report.outcome = "failed"
        report.longrepr = "a secret in a log:\n" + "\n".join(leaks)
    return report
