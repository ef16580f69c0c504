"""The machine: what it is, what versions run, and whether somebody else uses it."""

import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

from devstack.jars import KAFKA
from devstack.postgres_binaries import binaries

_PACKAGES = {"faust": "faust-streaming"} | {
    name: name for name in ("holdfast", "aiokafka", "asyncpg", "aiohttp", "uvloop")
}
_GIB = 2**30
# Cores that others may take before a run is called one on a loaded machine.
FOREIGN_CORES_MAX = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the figures depend on."""

    cpu: str
    cores: int
    memory_gib: int
    kernel: str


def this_machine() -> Machine:
    """The machine that this runs on."""
    return Machine(
        cpu=_cpu_name(),
        cores=os.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / _GIB),
        kernel=platform.release(),
    )


def versions() -> Mapping[str, str]:
    """Versions of everything that is measured."""
    said = subprocess.run(
        (str(binaries() / "postgres"), "--version"), capture_output=True, text=True, check=True
    ).stdout
    ours = {name: version(package) for name, package in _PACKAGES.items()}
    return {
        "python": platform.python_version(),
        "postgresql": said.split()[-1],
        "kafka": KAFKA.version,
        **ours,
    }


def commit() -> str:
    """The commit that is measured, with `+` where files are changed; `unknown` outside of git."""
    here = Path(__file__).parent
    git = ("git", "-C", str(here))
    try:
        found = _said(*git, "rev-parse", "--short", "HEAD")
        changed = _said(*git, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{found}+" if changed else found


def load_average() -> list[float]:
    """Of 1, 5 and 15 minutes."""
    return [round(value, 2) for value in os.getloadavg()]


def busy_seconds() -> float:
    """CPU seconds that the whole machine has spent on anything; what a hypervisor took too."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq + times.steal)


class ForeignCores:
    """What others take of the machine from now on.

    Args:
        ours_s: the CPU seconds that everything of ours has used so far.
    """

    def __init__(self, ours_s: Callable[[], float]) -> None:
        self._ours_s = ours_s
        self._since, self._busy, self._ours = time.monotonic(), busy_seconds(), ours_s()

    def so_far(self) -> float:
        """Cores that others kept busy."""
        return foreign_cores(
            busy_s=busy_seconds() - self._busy,
            ours_s=self._ours_s() - self._ours,
            seconds=time.monotonic() - self._since,
        )


def foreign_cores(*, busy_s: float, ours_s: float, seconds: float) -> float:
    """How many cores others kept busy meanwhile."""
    return round(max(busy_s - ours_s, 0.0) / seconds, 2)


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
