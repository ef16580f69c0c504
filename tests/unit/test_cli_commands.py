"""Every command is in docs/command-line.md, and has the options that all of its kind have."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from cli.main import build_app
from tests.unit.test_docs import read

PAGE = "docs/command-line.md"
ROW = re.compile(r"^\| `holdfast ([a-z ]+[a-z])(?: [A-Z ]+)?` \|", re.MULTILINE)


def commands(group: Any, *names: str) -> Iterator[tuple[str, Any]]:
    """Each command, by the words that a person types."""
    if not hasattr(group, "commands"):
        yield " ".join(names), group
        return
    for name, command in group.commands.items():
        yield from commands(command, *names, name)


COMMANDS = dict(commands(typer.main.get_command(build_app())))
OVER_HTTP = sorted(n for n, c in COMMANDS.items() if c.callback.__module__.startswith("cli.wallet"))


def test_the_commands_are_told():
    told = ROW.findall(read(PAGE))

    assert sorted(told) == sorted(COMMANDS)


def test_the_exit_codes_are_told():
    table = read(PAGE).partition("\n## How a command ends\n")[2]

    assert re.findall(r"^\| (\d+) \|", table, re.MULTILINE) == ["0", "1", "2", "130"]


@pytest.mark.parametrize("name", OVER_HTTP)
def test_what_goes_over_http_has_json_and_names_its_gateway(name: str):
    command = COMMANDS[name]
    options = {option for each in command.params for option in each.opts}

    assert {"--json", "--gateway"} <= options
    assert "password" not in {each.name for each in command.params}
    assert {"EMAIL", "PAYER"} & {each.metavar for each in command.params} or name == "whoami"
