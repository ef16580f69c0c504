"""`make run`: starts twice with its data, keeps its children running, leaves nothing behind."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from devstack.ports import free_port
from devstack.processes import still_runs
from devstack.waiting import wait_until

READY_S = 90.0
SECOND_START_S = 15.0
# Workers that could not leave their group are waited for until their session ends (10 s).
START_AFTER_KILL_S = 30.0
STOP_S = 10.0


class Run:
    """`python -m devstack` on a data folder and ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.output = folder / "output.txt"
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("HOLDFAST_")},
            "HOLDFAST_HOME": str(self.home),
            "HOLDFAST_GATEWAY__PORT": str(free_port()),
            "HOLDFAST_KAFKA__PORT": str(free_port()),
            "HOLDFAST_POSTGRES__PORT": str(free_port()),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, name: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command that ends by itself."""
        return subprocess.run(
            (sys.executable, "-m", "devstack", name),
            env=self.env,
            capture_output=True,
            text=True,
            timeout=READY_S,
            check=False,
        )

    def start(self) -> float:
        """Starts and waits until everything runs; returns how long that took."""
        since = time.monotonic()
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                (sys.executable, "-m", "devstack", "run"),
                env=self.env,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process = self.process
        wait_until(lambda: self.runs() or process.poll() is not None, timeout_s=READY_S)
        assert self.runs(), self.output.read_text()
        return time.monotonic() - since

    def runs(self) -> bool:
        assert self.process is not None
        return self.process.poll() is None and self.pids("supervisor") == [self.process.pid]

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Asks it to end and waits; returns its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=STOP_S + 2)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def told(self) -> dict[str, Any]:
        """What `run.json` says; nothing where there is none."""
        try:
            content: dict[str, Any] = json.loads((self.home / "run.json").read_text())
        except FileNotFoundError:
            return {"processes": []}
        return content

    def pids(self, role: str) -> list[int]:
        return [p["pid"] for p in self.told()["processes"] if p["role"] == role]

    def family(self) -> list[psutil.Process]:
        """Every process below the supervisor."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def gateway_answers(self) -> bool:
        return answers(self.told()["gateway"], "/health")

    def internals(self) -> list[str]:
        """The internal listeners that `run.json` tells of."""
        return [p["internal"] for p in self.told()["processes"] if p["internal"]]


def answers(address: str, path: str) -> bool:
    """Whether this is answered with 200."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=2)
    with contextlib.closing(connection):
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """One folder for all tests here: a later start finds the data of an earlier one."""
    made: Path = tmp_path_factory.mktemp("make-run")
    return made


@pytest.fixture
def run(folder: Path) -> Iterator[Run]:
    run = Run(folder)
    yield run
    run.kill()


@pytest.fixture
def running(run: Run) -> Iterator[Run]:
    run.start()
    yield run
    if run.process is not None and run.process.poll() is None:
        run.end()


def none_left(processes: list[psutil.Process]) -> Callable[[], bool]:
    return lambda: not any(map(still_runs, processes))


def replaced(run: Run, role: str, killed: int, others: list[int]) -> Callable[[], bool]:
    def is_so() -> bool:
        now = set(run.pids(role))
        return len(now) == 1 + len(others) and now >= set(others) and killed not in now

    return is_so


def test_everything_starts_and_ctrl_c_ends_it_in_order(run: Run):
    run.start()
    family = run.family()
    told = run.told()

    assert run.gateway_answers()
    assert [answers(address, "/metrics") for address in run.internals()] == [True] * 3
    assert not answers(told["gateway"], "/metrics")
    assert [len(run.pids(role)) for role in ("gateway", "worker", "kafka", "postgres")] == [
        1,
        2,
        1,
        1,
    ]
    assert sorted(b for shard in told["shards"] for b in shard["buckets"]) == list(range(32))
    assert told["kafka"]["bootstrap"] == f"127.0.0.1:{run.env['HOLDFAST_KAFKA__PORT']}"
    assert told["topics"]["try_confirm"] == "wallet.try-confirm.v1"

    since = time.monotonic()
    assert run.process is not None
    run.process.send_signal(signal.SIGINT)
    assert run.end(signal.SIGINT) == 0, "a second Ctrl-C broke the orderly stop"
    assert time.monotonic() - since < STOP_S
    assert none_left(family)()
    assert not (run.home / "run.json").exists()
    assert list((run.home / "processes").iterdir()) == []


def test_second_start_is_quick_and_keeps_keys_and_data(run: Run):
    run.start()
    keys = (run.home / "secrets.json").read_bytes()
    made = (run.home / "postgres" / "PG_VERSION").stat().st_ctime_ns
    run.end()

    took = run.start()

    assert took < SECOND_START_S
    assert (run.home / "secrets.json").read_bytes() == keys
    assert (run.home / "postgres" / "PG_VERSION").stat().st_ctime_ns == made
    assert run.end(signal.SIGTERM) == 0


def test_killed_children_are_started_again(running: Run):
    for role in ("gateway", "worker", "kafka", "postgres"):
        killed, *others = running.pids(role)
        os.kill(killed, signal.SIGKILL)

        assert wait_until(replaced(running, role, killed, others), timeout_s=30), role

    assert wait_until(running.gateway_answers, timeout_s=30)


def test_killed_supervisor_leaves_nothing_that_stops_the_next_start(run: Run):
    run.start()
    family = run.family()

    run.kill()
    took = run.start()

    assert none_left(family)()
    assert took < START_AFTER_KILL_S
    # A closed terminal.
    assert run.end(signal.SIGHUP) == 0


def test_ctrl_c_while_it_starts_ends_it(run: Run):
    with subprocess.Popen(
        (sys.executable, "-m", "devstack", "run"), env=run.env, stdout=subprocess.PIPE, text=True
    ) as process:
        run.process = None
        assert process.stdout is not None
        process.stdout.readline()
        family = psutil.Process(process.pid).children(recursive=True)

        process.send_signal(signal.SIGINT)

        assert process.wait(timeout=STOP_S) == 0
        assert wait_until(none_left(family), timeout_s=STOP_S)


def test_second_run_and_reset_are_refused_while_it_runs(running: Run):
    assert running.process is not None

    second = running.command("run")
    reset = running.command("reset")

    for refused in (second, reset):
        assert refused.returncode == 1
        assert f"another `make run` (process {running.process.pid}) uses" in refused.stderr
    assert running.runs()


@pytest.mark.parametrize("part", ["GATEWAY", "KAFKA", "POSTGRES"])
def test_taken_port_is_told_before_anything_starts(run: Run, part):
    name = f"HOLDFAST_{part}__PORT"
    port = int(run.env[name])

    with socket.create_server(("127.0.0.1", port)):
        refused = run.command("run")

    assert refused.returncode == 1
    assert f"port {port} is taken by another program; set {name} to a free one" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_reset_deletes_the_data_and_says_so(folder: Path, tmp_path: Path):
    run = Run(tmp_path)
    shutil.copytree(folder / "home", run.home)

    reset = run.command("reset")

    assert reset.returncode == 0
    assert f"deleted {run.home / 'postgres'}" in reset.stdout
    assert {path.name for path in run.home.iterdir()} <= {"lock"}
