"""How far the messages of one partition are done."""

from collections import deque

from faust.types import Message


class Progress:
    """What was delivered of one partition in one assignment, in order, and how far it is done.

    Offsets come in rising order, but not each one: retention removes the oldest. So what may be
    committed is the offset of the first message that is not acked, or the one after the last.
    An ack counts for the very message object that was delivered: one from an earlier assignment,
    or from before the log went back, changes nothing here.
    """

    __slots__ = ("_in_flight", "_next", "expected")

    def __init__(self, expected: int | None) -> None:
        self._in_flight: deque[Message] = deque()
        self._next: int | None = None
        self.expected = expected  # the offset that comes next, where that is known

    def deliver(self, message: Message) -> None:
        """Counts a message as in flight until it is acked."""
        self._in_flight.append(message)
        self._next = self.expected = message.offset + 1

    @property
    def committable(self) -> int | None:
        """The offset to commit: everything below it is done. None if nothing was delivered.

        Cheap: each message is looked at once, not once per commit.
        """
        in_flight = self._in_flight
        while in_flight and in_flight[0].acked:
            in_flight.popleft()
        return in_flight[0].offset if in_flight else self._next
