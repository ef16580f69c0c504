"""Free ports, and a clear word about one that is taken."""

import random
import socket
import sys

from devstack.errors import PortTakenError

# Below what Linux and macOS hand to outgoing connections: a client that dials a dead port of that
# range now and then connects to itself, and then the server cannot have its port back.
_LOWEST = 20_000
_HIGHEST = 32_000
_ATTEMPTS = 200

# Ports differ between processes that start at the same moment, so never from a fixed seed.
_dice = random.SystemRandom()

# A port is wanted some time before it is listened on: until then nobody must be given it again,
# also no other process of ours, such as a second run of the tests. So each has a claim: a name that
# one socket can have, and that is free again when this process ends.
_claims: set[int] = set()


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on now, and that no process of ours has been given before.

    It lies outside of the range of outgoing connections.
    """
    for _ in range(_ATTEMPTS):
        port = _dice.randrange(_LOWEST, _HIGHEST)
        if port not in _claims and is_free(port, host) and _claim(port):
            return port
    raise OSError(f"no free port from {_LOWEST} to {_HIGHEST} after {_ATTEMPTS} attempts")


def _claim(port: int) -> bool:
    if not sys.platform.startswith("linux"):
        _claims.add(port)  # names without a file are Linux's; elsewhere this process must do
        return True
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0holdfast.port.{port}")
    except OSError:
        claim.close()
        return False
    claim.detach()  # open until this process ends, and nobody's to close
    _claims.add(port)
    return True


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now; connections still closing do not count."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def require_free(port: int, *, setting: str, host: str = "127.0.0.1") -> None:
    """Makes sure that a server can listen there.

    Raises:
        PortTakenError: it cannot; the text names the port and the setting.
    """
    if not is_free(port, host):
        raise PortTakenError(port, setting)
