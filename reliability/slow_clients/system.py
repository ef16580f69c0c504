"""A whole system for one measurement: what `make run` starts, in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.ports import free_port

_READY_S = 120.0
_STOP_S = 20.0


class NotStartedError(Exception):
    """The system did not start; says what it said."""


@contextmanager
def own_system() -> Iterator[str]:
    """The address of its gateway; everything is ended and deleted afterwards.

    Raises:
        NotStartedError: it is not there in time.
    """
    with tempfile.TemporaryDirectory(prefix="holdfast-slow-") as folder:
        home, output = Path(folder) / "home", Path(folder) / "output.txt"
        with output.open("wb") as said:
            process = subprocess.Popen(
                (sys.executable, "-m", "devstack", "run"),
                env=_environment(home),
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield _until_ready(process, home / "run.json", output)
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


def _until_ready(process: "subprocess.Popen[bytes]", run_file: Path, output: Path) -> str:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline and process.poll() is None:
        if run_file.is_file():
            return str(json.loads(run_file.read_text(encoding="utf-8"))["gateway"]).rstrip("/")
        time.sleep(0.1)
    raise NotStartedError(output.read_text(encoding="utf-8", errors="replace"))
