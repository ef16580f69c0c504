"""Where a running `make run` is: what other commands of the same data folder use of `run.json`."""

import json
from pathlib import Path


class RunFileError(Exception):
    """`run.json` is there and cannot be used; the text says which one, and why."""


def run_file(home: Path) -> Path:
    """Where `run.json` is while `make run` runs."""
    return home / "run.json"


def running_gateway(home: Path) -> str | None:
    """The address of the gateway of this data folder; None where nothing runs.

    Raises:
        RunFileError: the file cannot be used.
    """
    path = run_file(home)
    try:
        gateway = json.loads(path.read_text(encoding="utf-8"))["gateway"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunFileError(f"{path} cannot be used ({error!r})") from error
    return str(gateway).rstrip("/")
