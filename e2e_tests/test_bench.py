"""The benchmark, from its servers to its audit, on a small system."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from pathlib import Path

import psutil
import pytest

from devstack.processes import still_runs

_SMALL = ("--clients", "32", "--shards", "2", "--workers", "1", "--buckets", "4")
_FEW = ("--users", "40", "--entries", "100")


async def start_bench(folder: Path, *terms: str) -> Process:
    return await create_subprocess_exec(
        *(sys.executable, "-m", "bench", "one", "--folder", str(folder), *_SMALL, *_FEW, *terms),
        stdout=PIPE,
        stderr=PIPE,
    )


async def bench_one(folder: Path, *terms: str) -> dict:
    process = await start_bench(folder, *terms)
    async with asyncio.timeout(120):
        output, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    return json.loads(output)


async def test_a_case_is_measured_and_audited(tmp_path: Path):
    timing = ("--rate", "20", "--warmup", "1", "--seconds", "2")
    line = await bench_one(tmp_path, "--mode", "open", *timing)

    assert (line["audit"], line["problem"], line["failed"]) == ("ok", None, 0)
    assert 10 < line["completed"] < 90
    assert line["completed_per_s"] == round(line["completed"] / line["seconds"], 1)
    assert 0 < line["answer_ms"]["p50"] <= line["latency_ms"]["p50"] <= line["latency_ms"]["max"]
    assert all(line["cpu_ms_per_transfer"][role] > 0 for role in ("gateway", "workers"))
    assert line["per_transfer"]["wal_bytes"] > 500
    # A try-confirm each, now and then two in one; the worker reads its own confirms.
    assert 0.5 < line["per_transfer"]["messages"] < 1.5
    assert line["memory_mib"].keys() == {"gateway", "worker-1", "postgresql", "kafka"}
    assert line["items_per_batch"].keys() >= {"try", "steps"}
    assert line["shape"]["rate"] == 20
    assert line["versions"]["postgresql"].startswith("18.")


@pytest.mark.slow
async def test_ctrl_c_under_load_ends_everything(tmp_path: Path):
    process = await start_bench(tmp_path, "--seconds", "60")
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while b"load runs" not in await process.stderr.readline():
            assert process.returncode is None
    children = psutil.Process(process.pid).children(recursive=True)
    names = {child.name() for child in children}

    process.send_signal(signal.SIGINT)

    async with asyncio.timeout(30):
        _, said = await process.communicate()
    assert process.returncode == 130
    assert said.decode().endswith("[bench] stopped\n")
    assert {"postgres", "java"} <= names
    assert not any(map(still_runs, children))
