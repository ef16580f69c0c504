"""The commands of README.md, run as they stand there against a system of the test's own."""

import asyncio
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from e2e_tests.client import Client
from e2e_tests.system import BUCKETS, System

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GATEWAY_LINE = "GATEWAY=http://127.0.0.1:8080\n"
TOUR_LINE = 'PATH="$PWD/.venv/bin:$PATH"\n'
COMMANDS = Path(sys.executable).parent
MARK = "=== next block ==="


def script(section: str) -> str:
    """All sh blocks of a section as one script, so that variables are carried along."""
    _, _, text = README.read_text("utf-8").partition(f"\n## {section}\n")
    found = BLOCK.findall(text.partition("\n## ")[0])
    assert found, section
    return f"\necho; echo '{MARK}'\n".join(found)


def with_line(text: str, line: str, other: str) -> str:
    """The script with another line in place of one that it has once."""
    assert text.count(line) == 1, f"the README says {line!r} once, for this test"
    return text.replace(line, other)


async def run(text: str, **more: str) -> list[str]:
    """What each block printed.

    Args:
        text: the script.
        more: of its environment.
    """
    sh, curl = shutil.which("sh"), shutil.which("curl")
    if sh is None or curl is None:
        pytest.fail("the README's commands need sh and curl (Debian: apt install curl)")
    process = await asyncio.create_subprocess_exec(
        *(sh, "-eu", "-c", text),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **more},
    )
    async with asyncio.timeout(90):
        output, _ = await process.communicate()
    printed = output.decode()
    assert process.returncode == 0, printed
    return [part.strip() for part in printed.split(MARK)]


def body(printed: str) -> dict[str, Any]:
    """The JSON at the end of what a block printed."""
    parsed: dict[str, Any] = json.loads(printed[printed.index("{") :])
    return parsed


async def test_the_tour_does_what_it_says(system: System, running: Client, tmp_path: Path):
    text = with_line(script("Five minutes"), TOUR_LINE, f'PATH="{COMMANDS}:$PATH"\n')
    settings = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "HOLDFAST_GATEWAY__URL": running.base,
        "HOLDFAST_BUCKETS": str(BUCKETS),
        "HOLDFAST_SHARDS": json.dumps(
            [s.model_dump(mode="json") for s in system.settings.shard_settings]
        ),
    }

    logged_in, sent, again, held, history, checked = await run(text, **settings)

    assert logged_in.count("Logged in as") == 2
    (transfer,) = re.findall(r"^transfer +(\S{36})$", sent, re.MULTILINE)
    assert re.search(r"^status +completed$", sent, re.MULTILINE)
    assert f"{transfer}  (replayed" in again
    assert re.search(r"^EUR +87\.50 +20\.00 +67\.50$", held, re.MULTILINE)
    assert re.search(r"^amount +5\.00 EUR$", held, re.MULTILINE)
    assert re.search(r"^OK: [23] entries verified", history, re.MULTILINE)
    assert "OK: 64 invariants hold." in checked
    assert "OK: every hash is right" in checked


async def test_the_same_by_hand_does_what_it_says(running: Client):
    text = with_line(script("By hand"), GATEWAY_LINE, f"GATEWAY={running.base}\n")
    registered, me, deposit, paid, transfer, cancel, entries = await run(text)

    found = re.fullmatch(r"Alice is (\S{36}), Bob is (\S{36})", registered)
    assert found, registered
    alice, bob = found.groups()
    assert body(me)["id"] == alice
    assert body(deposit)["balance_after"] == "100.00"
    assert paid.startswith("HTTP/1.1 201"), paid
    assert "Idempotency-Replayed: true" in paid
    shown = body(transfer)
    assert shown["id"] == body(paid)["id"]
    assert (shown["payer_id"], shown["payee_id"], shown["amount"]) == (alice, bob, "12.50")
    assert [step["status"] for step in shown["timeline"]] == ["held", "debited", "completed"]
    assert body(cancel)["code"] == "already_debited"
    newest, first = body(entries)["data"]
    assert (newest["amount"], first["amount"]) == ("-12.50", "100.00")
    assert newest["prev_hash"] == first["hash"]
