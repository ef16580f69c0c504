"""A whole system for one measurement: what `make run` starts, in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.running import run_file
from devstack.ports import free_port

_READY_S = 120.0
_STOP_S = 20.0


class NotStartedError(Exception):
    """The system did not start; says what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSystem:
    """Where it is.

    Attributes:
        gateway: the address of its gateway, without a slash at the end.
        home: its data folder, with its logs and its `run.json`.
        shards: name, DSN and buckets of each shard, as `run.json` has them.
    """

    gateway: str
    home: Path
    shards: Sequence[Mapping[str, Any]]


@contextmanager
def own_system(settings: Mapping[str, str] | None = None) -> Iterator[OwnSystem]:
    """Starts it; everything is ended and deleted afterwards.

    Args:
        settings: environment variables that it is told beside its ports.

    Raises:
        NotStartedError: it is not there in time.
    """
    with tempfile.TemporaryDirectory(prefix="holdfast-own-") as folder:
        home, output = Path(folder) / "home", Path(folder) / "output.txt"
        with output.open("wb") as said:
            process = subprocess.Popen(
                (sys.executable, "-m", "devstack", "run"),
                env={**_environment(home), **(settings or {})},
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            running = _until_ready(process, home, output)
            gateway = str(running["gateway"]).rstrip("/")
            yield OwnSystem(gateway=gateway, home=home, shards=running["shards"])
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=_STOP_S)


def _environment(home: Path) -> dict[str, str]:
    """The defaults, whatever the caller has set."""
    told = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
    ports = {
        f"HOLDFAST_{part}__PORT": str(free_port()) for part in ("GATEWAY", "KAFKA", "POSTGRES")
    }
    return {**told, **ports, "HOLDFAST_HOME": str(home), "HOLDFAST_LOG__LEVEL": "warning"}


def _until_ready(process: "subprocess.Popen[bytes]", home: Path, output: Path) -> dict[str, Any]:
    file = run_file(home)
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline and process.poll() is None:
        if file.is_file():
            running: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return running
        time.sleep(0.1)
    raise NotStartedError(output.read_text(encoding="utf-8", errors="replace"))
