"""Server-sent events of a transfer (WHATWG HTML): one for each status that it has come into."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from gateway.headers import Headers
from gateway.transfer_views import TransferView
from gateway.views import to_json

MEDIA_TYPE: Final = "text/event-stream"
# A client whose stream has ended asks again after so many milliseconds.
RETRY: Final = b"retry: 2000\n\n"
# A comment: it says nothing, so that nobody in between takes the connection for a dead one.
HEARTBEAT: Final = b": \n\n"
_NUMBER = re.compile(r"0|[1-9][0-9]?")


def as_of_each_status(shown: TransferView) -> list[TransferView]:
    """The transfer as it was shown when it had just come into each status, in order.

    A reason is that of the last status. What else a transfer shows does not change with it.
    """
    return [
        replace(
            shown,
            status=came.status,
            reason=shown.reason if number == len(shown.timeline) else None,
            updated_at=came.at,
            timeline=shown.timeline[:number],
        )
        for number, came in enumerate(shown.timeline, start=1)
    ]


def events_from(first: int, shown: TransferView) -> Iterator[bytes]:
    """The events of a transfer, without those before the number `first`.

    An event's number is that of its status, counted from 0; it never changes, and no number is
    ever left out.
    """
    for number, then in enumerate(as_of_each_status(shown)):
        if number >= first:
            # JSON has no line breaks of its own, so the data is one line.
            yield b"id: %d\nevent: %b\ndata: %b\n\n" % (number, then.status.encode(), to_json(then))


def first_unseen(headers: Headers, shown: TransferView) -> int:
    """The number of the first event that a client has not seen, by its `Last-Event-ID`.

    What is no number of an event of this transfer was not given out for it, and is ignored.
    """
    last = headers.get("Last-Event-ID", "")
    is_number = _NUMBER.fullmatch(last) is not None
    return int(last) + 1 if is_number and int(last) < len(shown.timeline) else 0
