"""What a shell completes of the command `holdfast`, with nothing but what every system has."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOLDFAST = Path(sys.executable).with_name("holdfast")

# What bash does when a person presses the key after the words "$@".
COMPLETE = """
eval "$(holdfast --show-completion)"
COMP_WORDS=(holdfast "$@")
COMP_CWORD=$#
_holdfast_completion holdfast
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(folder: Path, *words: str) -> list[str]:
    (folder / "holdfast").unlink(missing_ok=True)
    (folder / "holdfast").symlink_to(HOLDFAST)
    ended = subprocess.run(
        ["/bin/bash", "--norc", "-c", COMPLETE, "bash", *words],
        env={"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["op"], ["operator"]),
        (["operator", ""], ["add", "list", "remove"]),
        (["trail", "--ta"], ["--target"]),
    ],
    ids=" ".join,
)
def test_bash_completes_commands_and_options(tmp_path: Path, words: list[str], expected: list[str]):
    assert sorted(set(completed(tmp_path, *words)) & set(expected)) == expected


def test_nothing_is_asked_of_a_shard_for_an_id_or_an_e_mail(tmp_path: Path):
    """No system runs here, and its settings would be refused: who completes, reads neither."""
    (tmp_path / ".env").write_text("HOLDFAST_NO_SUCH_SETTING=1\n", encoding="utf-8")

    assert completed(tmp_path, "operator", "add", "") == []
    assert completed(tmp_path, "dead", "show", "") == []


def test_the_command_starts_without_what_only_servers_need():
    """Each press of the key starts it anew: Faust alone would double the time."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import cli.main, sys; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout.split()

    assert "typer" in loaded
    assert not {"faust", "aiohttp", "devstack", "prometheus_client"} & set(loaded)
