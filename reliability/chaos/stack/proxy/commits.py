"""Tells a COMMIT and its reply among the bytes of a PostgreSQL connection.

The client sends COMMIT as a simple query in a write of its own, and only once it has the replies to
all that went before. So a COMMIT is what a piece of bytes ends with, and what the server sends next
is its reply: nothing else has to be parsed.
"""

from enum import Enum, auto

_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
_COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
# ReadyForQuery: type, length, status.
_READY_BYTES = 6


def ends_with_commit(data: bytes) -> bool:
    """Whether the client has just asked for COMMIT."""
    return data.endswith(_COMMIT)


class Reply(Enum):
    """What is known of the reply to a COMMIT."""

    INCOMPLETE = auto()
    COMMITTED = auto()
    OTHER = auto()


def reply_of(received: bytes) -> Reply:
    """What the bytes since the COMMIT say; anything but a plain success is `OTHER`."""
    if not received.startswith(_COMMITTED[: len(received)]):
        return Reply.OTHER
    if len(received) < len(_COMMITTED) + _READY_BYTES:
        return Reply.INCOMPLETE
    return Reply.COMMITTED
