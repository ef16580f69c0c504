"""Processes that a killed supervisor left behind: remembered in files, ended at the next start.

On Linux the kernel ends children with their parent; this is for the rest: systems that cannot, and
children that did not heed it.
"""

import json
import os
import signal
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from config.files import write_whole
from devstack.processes import Child, send, still_runs
from devstack.waiting import wait_until

_END_S = 5.0
# The kernel counts start times from the boot, whose own time moves a little with the clock.
_CLOCK_SLACK_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A process as noted in its file."""

    name: str
    pid: int
    started_at: float
    stop_signal: int


def remember(folder: Path, child: Child) -> None:
    """Notes a child in `folder`, over the one of the same name."""
    folder.mkdir(exist_ok=True)
    note = Remembered(
        name=child.command.name,
        pid=child.pid,
        started_at=child.started_at,
        stop_signal=int(child.command.stop_signal),
    )
    write_whole(folder / f"{note.name}.json", json.dumps(asdict(note)))


def forget_all(folder: Path) -> None:
    """Drops all notes, once what they tell of has ended."""
    for path in folder.glob("*.json"):
        path.unlink()


def sweep(folder: Path, *, home: Path) -> list[str]:
    """Ends the noted processes that still run and are provably ours, and drops all notes.

    A process is ours when its pid and start time are those of the note and it works on `home`: a
    pid alone may be anyone's by now.

    Returns:
        The names of those that were ended.
    """
    found = [
        (note, process)
        for path in sorted(folder.glob("*.json"))
        if (note := _read(path)) and (process := _ours(note, home))
    ]
    for note, process in found:
        send(process, signal.Signals(note.stop_signal))
    wait_until(lambda: not any(still_runs(process) for _, process in found), timeout_s=_END_S)
    for _, process in found:
        send(process, signal.SIGKILL)
    wait_until(lambda: not any(still_runs(process) for _, process in found), timeout_s=_END_S)
    forget_all(folder)
    return [note.name for note, _ in found]


def _read(path: Path) -> Remembered | None:
    try:
        return Remembered(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        return None


def _ours(note: Remembered, home: Path) -> psutil.Process | None:
    try:
        process = psutil.Process(note.pid)
        same_start = abs(process.create_time() - note.started_at) < _CLOCK_SLACK_S
        if same_start and still_runs(process) and _works_on(process, home):
            return process
    except psutil.Error:
        return None
    return None


def _works_on(process: psutil.Process, home: Path) -> bool:
    if any(f"{home}{os.sep}" in term for term in process.cmdline()):
        return True
    return process.environ().get("HOLDFAST_HOME") == str(home)
