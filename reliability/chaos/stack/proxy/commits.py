"""Tells what commits, and its reply, among the bytes of a PostgreSQL connection.

The client asks for something only once it has the replies to all that went before, and begins a
write of its own with it. So a COMMIT, which is a simple query, is what a piece of bytes ends with;
a statement that commits by itself, which was prepared under a name, is what a piece begins with
when it binds that name; and what the server sends next is the reply: nothing else has to be parsed.
"""

from enum import Enum, auto

_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
_COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
# ReadyForQuery: type, length, status.
_READY_BYTES = 6
_READY = b"Z\x00\x00\x00\x05I"
_BOUND = b"2\x00\x00\x00\x04"
_PARSE, _BIND, _ERROR = b"P", b"B", b"E"
# Type and length of a message.
_HEAD_BYTES = 5
# `shards.writes` puts the parts of a statement that commits by itself behind a gate.
_COMMITS_BY_ITSELF = b"FROM gate"


class Asked:
    """What the client of one connection has asked for, as far as it commits."""

    def __init__(self) -> None:
        self._committing: set[bytes] = set()

    def commits(self, data: bytes) -> bool:
        """Whether the client has just asked for a commit, with these bytes."""
        if data.startswith(_PARSE) and _COMMITS_BY_ITSELF in data:
            self._committing.add(_text(data, 0))
        binds = data.startswith(_BIND) and _text(data, 1) in self._committing
        return binds or data.endswith(_COMMIT)


def _text(message: bytes, number: int) -> bytes:
    """One of the texts that a message begins with."""
    return message[_HEAD_BYTES:].split(b"\x00", number + 1)[number]


class Reply(Enum):
    """What is known of the reply to what commits."""

    INCOMPLETE = auto()
    COMMITTED = auto()
    OTHER = auto()


def reply_of(received: bytes) -> Reply:
    """What the bytes since then say; anything but a plain success is `OTHER`."""
    if received[:1] == _BOUND[:1]:
        if not received.endswith(_READY):
            return Reply.INCOMPLETE
        is_error = received[len(_BOUND) : len(_BOUND) + 1] == _ERROR
        return Reply.OTHER if is_error else Reply.COMMITTED
    if not received.startswith(_COMMITTED[: len(received)]):
        return Reply.OTHER
    if len(received) < len(_COMMITTED) + _READY_BYTES:
        return Reply.INCOMPLETE
    return Reply.COMMITTED
