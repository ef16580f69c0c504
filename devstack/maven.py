"""Fetches one file by its Maven coordinate, without Maven and without Java."""

import os
import ssl
from pathlib import Path

from jgo.maven import MavenContext

from devstack.errors import JarError

_ATTEMPTS = 3
_TIMEOUT_S = 20


def download(coordinate: str, folder: Path) -> Path:
    """Fetches `group:artifact:version` into an empty folder; whoever asked must check the file.

    Raises:
        JarError: it could not be fetched; says what to do about it.
    """
    group, artifact, version = coordinate.split(":")
    context = MavenContext(repo_cache=folder, timeout=_TIMEOUT_S)
    wanted = context.project(group, artifact).at_version(version).artifact()
    error: Exception | None = None
    for _ in range(_ATTEMPTS):
        try:
            return Path(wanted.resolve())
        # The errors of requests are OSErrors; a file that is not there is jgo's RuntimeError.
        except (OSError, RuntimeError) as failed:
            error = failed
            if "SSLError" in str(failed):
                _trust_the_system()
            _forget_the_half(folder)
    if "SSLError" in str(error):
        raise JarError(
            f"{coordinate} could not be fetched over TLS. Behind a proxy that"
            f" inspects TLS, set REQUESTS_CA_BUNDLE to a file with its certificate ({error})"
        ) from error
    raise JarError(
        f"{coordinate} could not be fetched. The first `make run` needs a network (a proxy goes"
        f" into HTTPS_PROXY); later ones do not ({error})"
    ) from error


def _trust_the_system() -> None:
    """Trusts what the system trusts instead of the bundled list, unless the user said whom."""
    known = ssl.get_default_verify_paths()
    trusted = known.cafile or known.capath
    if trusted:
        os.environ.setdefault("REQUESTS_CA_BUNDLE", trusted)


def _forget_the_half(folder: Path) -> None:
    """A download that broke off left a part that would pass for the file."""
    for part in folder.rglob("*.jar"):
        part.unlink()
