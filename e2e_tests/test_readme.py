"""The commands of README.md, run as they stand there against a system of the test's own."""

import asyncio
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from e2e_tests.client import Client

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GATEWAY_LINE = "GATEWAY=http://127.0.0.1:8080\n"
MARK = "=== next block ==="


def blocks() -> list[str]:
    """The sh blocks of the README that call curl, in order."""
    return [block for block in BLOCK.findall(README.read_text("utf-8")) if "curl" in block]


def script(gateway: str) -> str:
    """All blocks as one script, so that variables are carried along, for another gateway."""
    text = f"\necho; echo '{MARK}'\n".join(blocks())
    assert text.count(GATEWAY_LINE) == 1, "the README names its gateway once, for this test"
    return text.replace(GATEWAY_LINE, f"GATEWAY={gateway}\n")


async def run(text: str) -> list[str]:
    """What each block printed."""
    sh, curl = shutil.which("sh"), shutil.which("curl")
    if sh is None or curl is None:
        pytest.fail("the README's commands need sh and curl (Debian: apt install curl)")
    process = await asyncio.create_subprocess_exec(
        *(sh, "-eu", "-c", text), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    printed = output.decode()
    assert process.returncode == 0, printed
    return [part.strip() for part in printed.split(MARK)]


def body(printed: str) -> dict[str, Any]:
    """The JSON at the end of what a block printed."""
    parsed: dict[str, Any] = json.loads(printed[printed.index("{") :])
    return parsed


async def test_the_readme_does_what_it_says(running: Client):
    registered, me, deposit, paid, transfer, cancel, entries = await run(script(running.base))

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
