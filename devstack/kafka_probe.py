"""Asks a Kafka broker, in its own protocol, whether it is open for work."""

import socket
import struct

_METADATA = 3
_VERSION = 1
_CORRELATION = 1
_TIMEOUT_S = 1.0


def broker_answers(port: int, *, node_id: int = 1) -> bool:
    """Whether a broker on 127.0.0.1 lists itself as a live member of its cluster.

    An open port says less: the broker listens before the controller lets clients use it.
    """
    # Header: api, version, correlation, client id; body: the topics asked for, none.
    request = struct.pack(">hhih4si", _METADATA, _VERSION, _CORRELATION, 4, b"wait", 0)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            (size,) = struct.unpack(">i", _read(connection, 4))
            answer = _read(connection, size)
    except OSError:
        return False
    (correlation,) = struct.unpack_from(">i", answer)
    return bool(correlation == _CORRELATION) and node_id in _node_ids(answer)


def _node_ids(answer: bytes) -> set[int]:
    """Brokers of an answer: each an id, a host, a port and a rack, which may be missing."""
    (count,) = struct.unpack_from(">i", answer, 4)
    found, at = set(), 8
    for _ in range(count):
        node_id, host_bytes = struct.unpack_from(">ih", answer, at)
        at += 6 + host_bytes + 4
        (rack_bytes,) = struct.unpack_from(">h", answer, at)
        at += 2 + max(rack_bytes, 0)
        found.add(node_id)
    return found


def _read(connection: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise ConnectionError("the broker hung up")
        parts += part
    return parts
