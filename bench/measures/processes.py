"""What processes cost, by role: CPU and private memory, from the process tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

_MIB = 2**20


class Role(StrEnum):
    """What a process is for, as in results."""

    GATEWAY = "gateway"
    WORKERS = "workers"
    POSTGRESQL = "postgresql"
    KAFKA = "kafka"
    LOAD = "load"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A process that is watched, with all its children.

    Attributes:
        name: its name in results.
        role: what it is for.
        pid: its id.
    """

    name: str
    role: Role
    pid: int


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, of its children that run, and of those that have ended.

    The kernel adds a child's times to its parent's `children` once it has ended, so nothing is
    missed or counted twice but a child that ends while this is read.
    """
    process = psutil.Process(pid)
    total = _times_of(process)
    for child in process.children(recursive=True):
        try:
            total += _times_of(child)
        except psutil.NoSuchProcess:
            continue
    return total


def cpu_by_role(watched: Iterable[Watched]) -> Mapping[Role, float]:
    """CPU seconds so far."""
    total = dict.fromkeys(Role, 0.0)
    for each in watched:
        total[each.role] += cpu_seconds(each.pid)
    return total


def private_mib(pid: int) -> float:
    """Private memory of a process and of its children.

    Anonymous pages; those that relatives share since their fork are counted in parts, so that a sum
    has each once. Not the buffers of PostgreSQL, which all its processes share.
    """
    processes = [psutil.Process(pid)]
    processes += processes[0].children(recursive=True)
    return sum(map(_private_bytes, processes)) / _MIB


def memory_by_name(watched: Iterable[Watched]) -> Mapping[str, float]:
    """Private memory in MiB of each; the load client is no part of the system."""
    return {
        each.name: round(private_mib(each.pid), 1) for each in watched if each.role is not Role.LOAD
    }


def _times_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def _private_bytes(process: psutil.Process) -> int:
    try:
        text = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    lines = text.splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:")) * 1024
