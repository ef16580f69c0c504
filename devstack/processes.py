"""Children that never outlive us: how they are started, asked to end, and ended."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import psutil

from devstack import launch
from devstack.errors import ServerError

# The kernel sends the death signal when the *thread* that forked ends. This one thread lives as
# long as the process, so children may be started from any thread.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


class Identity(StrEnum):
    """As whom a child runs (see `devstack.launch`)."""

    SAME = "same"
    NAMESPACE = "namespace"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run, and how it is asked to end.

    Attributes:
        name: its name in messages.
        argv: the program and its terms.
        output: what it writes is appended there.
        env: its whole environment.
        cwd: where it runs; where we do by default.
        stop_signal: how it is asked to end.
        identity: as whom it runs.
        mounts_of: the process whose file systems it sees, where that is not us.
    """

    name: str
    argv: tuple[str, ...]
    output: Path
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    identity: Identity = Identity.SAME
    mounts_of: int | None = None


class Child:
    """A running process of ours, in a session of its own; it gets `stop_signal` if we die.

    Making one starts it; what it writes is appended to `command.output`.
    """

    def __init__(self, command: Command) -> None:
        self.command = command
        self._process = _spawner.submit(_spawn, command).result()
        self.started_at = _start_time(self._process.pid)

    @property
    def pid(self) -> int:
        """Its process id, which stays known after its end."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended (negative: the signal), or None while it runs."""
        return self._process.poll()

    def alive(self) -> bool:
        """Whether it runs; a process that ended is reaped, so a zombie counts as dead."""
        return self._process.poll() is None

    def request_stop(self) -> None:
        """Asks it to end, and does not wait."""
        if self.alive():
            self._process.send_signal(self.command.stop_signal)

    def wait(self, *, timeout_s: float) -> bool:
        """Whether it ended within the time."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """Ends it at once (SIGKILL) and waits for that."""
        if self.alive():
            self._process.kill()
        self._process.wait()

    def stop(self, *, timeout_s: float) -> None:
        """Asks it to end, and kills it when it has not ended in time."""
        self.request_stop()
        if not self.wait(timeout_s=timeout_s):
            self.kill()


def run_to_end(command: Command, *, timeout_s: float) -> None:
    """Runs a command that ends by itself.

    Raises:
        ServerError: it failed, or did not end in time; carries the end of its output.
    """
    child = Child(command)
    if not child.wait(timeout_s=timeout_s):
        child.kill()
        raise ServerError(f"{command.name} did not end in {timeout_s:.0f} s", command.output)
    if child.exit_code != 0:
        raise ServerError(f"{command.name} ended with code {child.exit_code}", command.output)


def still_runs(process: psutil.Process) -> bool:
    """Whether that very process runs, which need not be a child of ours; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def send(process: psutil.Process, number: signal.Signals) -> None:
    """Sends a signal, which is no news to a process that has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _spawn(command: Command) -> subprocess.Popen[bytes]:
    launcher = (sys.executable, "-I", "-S", launch.__file__)
    mounts = "" if command.mounts_of is None else str(command.mounts_of)
    terms = (str(os.getpid()), str(int(command.stop_signal)), command.identity.value, mounts)
    command.output.parent.mkdir(parents=True, exist_ok=True)
    with command.output.open("ab") as output:
        return subprocess.Popen(
            (*launcher, *terms, *command.argv),
            env=dict(command.env),
            cwd=command.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _start_time(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0
