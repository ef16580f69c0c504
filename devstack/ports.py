"""Free ports, and a clear word about one that is taken."""

import random
import socket

from devstack.errors import PortTakenError

# Below what Linux and macOS hand to outgoing connections: a client that dials a dead port of that
# range now and then connects to itself, and then the server cannot have its port back.
_LOWEST = 20_000
_HIGHEST = 32_000
_ATTEMPTS = 200

# Ports differ between processes that start at the same moment, so never from a fixed seed.
_dice = random.SystemRandom()

# A port is wanted some time before it is listened on: until then it must not be handed out again.
_handed_out: set[int] = set()


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on now, and that this process has not been given before.

    It lies outside of the range of outgoing connections.
    """
    for _ in range(_ATTEMPTS):
        port = _dice.randrange(_LOWEST, _HIGHEST)
        if port not in _handed_out and is_free(port, host):
            _handed_out.add(port)
            return port
    raise OSError(f"no free port from {_LOWEST} to {_HIGHEST} after {_ATTEMPTS} attempts")


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
