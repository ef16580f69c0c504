"""Pinned packages are compared with a copy of the advisory database, and all are pinned."""

import re
from pathlib import Path

import pytest
import yaml

from devstack.advisories import advisories_on, main, pinned

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"


def database(folder: Path, *, name: str = "tool", **more: object) -> Path:
    """A database with one advisory."""
    affected = {"package": {"ecosystem": "PyPI", "name": name}, "versions": [], **more}
    path = folder / "vulns" / name / "PYSEC-2026-1.yaml"
    path.parent.mkdir(parents=True)
    advisory = {"id": "PYSEC-2026-1", "details": "It\nbreaks.", "affected": [affected]}
    path.write_text(yaml.safe_dump(advisory))
    return folder


def span(*events: dict[str, str]) -> dict[str, object]:
    return {"ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}


@pytest.mark.parametrize(
    "affected",
    [
        {"versions": ["1.4.0", "1.5.0"]},
        span({"introduced": "0"}),
        span({"introduced": "1.5.0"}, {"fixed": "1.5.1"}),
        span({"introduced": "0"}, {"last_affected": "1.5.0"}),
        span({"introduced": "1.0"}, {"fixed": "1.1"}, {"introduced": "1.4"}, {"fixed": "1.6"}),
    ],
)
def test_an_advisory_that_has_the_version_is_told(tmp_path, affected):
    (found,) = advisories_on({"tool": "1.5.0"}, database(tmp_path, **affected))

    assert (found.package, found.version, found.advisory) == ("tool", "1.5.0", "PYSEC-2026-1")
    assert found.says == "It breaks."


@pytest.mark.parametrize(
    "affected",
    [
        {"versions": ["1.4.9"]},
        span({"introduced": "0"}, {"fixed": "1.5.0"}),
        span({"introduced": "1.5.1"}),
        span({"introduced": "0"}, {"last_affected": "1.4.9"}),
        span({"introduced": "1.0"}, {"fixed": "1.1"}, {"introduced": "1.6"}),
        {"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]},
    ],
)
def test_one_that_has_others_is_not(tmp_path, affected):
    assert list(advisories_on({"tool": "1.5.0"}, database(tmp_path, **affected))) == []
    assert list(advisories_on({"other": "1.5.0"}, tmp_path)) == []


@pytest.mark.parametrize(("version", "code"), [("1.0", 1), ("2.0", 0)])
def test_the_exit_code_says_whether_one_applies(tmp_path, monkeypatch, version, code):
    lock = tmp_path / "some.lock"
    lock.write_text(f"tool=={version} \\\n    --hash=sha256:00\n")
    folder = database(tmp_path, versions=["1.0"])
    arguments = ["advisories", "--database", str(folder), "--lock", str(lock)]
    monkeypatch.setattr("sys.argv", arguments)

    assert main() == code


def test_what_is_no_database_is_no_success(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["advisories", "--database", str(tmp_path)])

    assert main() == 2
    assert "clone" in capsys.readouterr().err


def test_every_package_is_pinned_with_hashes_and_from_nowhere_in_particular():
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    names = [line for line in lines if line and not line.startswith(" ")]
    hashes = [line for line in lines if line.startswith("    --hash=sha256:")]
    declared = re.findall(r'^    "([\w.-]+)==', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert all(re.fullmatch(r"[\w.-]+==[\w.]+( ; .+)? \\", name) for name in names), names
    assert len(hashes) >= len(names) == len(pinned(LOCK))
    assert len(hashes) + len(names) == len([line for line in lines if line])
    assert declared
    assert {name.lower().replace("_", "-") for name in declared} <= pinned(LOCK).keys()
    assert not re.search(r"://", LOCK.read_text(encoding="utf-8"))
