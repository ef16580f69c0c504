"""The nemesis, small: a stack of its own, under faults, and not a cent lost."""

import asyncio
import json
import sys
from pathlib import Path

SEED = 1
MINUTES_MAX = 3


async def test_a_smoke_run_of_the_nemesis_loses_nothing(tmp_path: Path):
    folder = tmp_path / "run"

    code, said = await chaos("--profile=smoke", f"--seed={SEED}", f"--folder={folder}")

    assert code == 0, said
    report = json.loads((folder / "report.json").read_text())
    assert report["violations"] == []
    assert report["took_s"] <= MINUTES_MAX * 60
    assert report["accepted"] >= 3_000
    assert sum(report["injected"].values()) >= 10
    assert len(report["injected"]) >= 6


async def chaos(*terms: str) -> tuple[int | None, str]:
    """Runs it as `make chaos` does; returns its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "reliability.chaos", *terms),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(300):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    return process.returncode, output.decode()
