"""Server-sent events, parsed as WHATWG HTML says."""

from collections.abc import Iterator
from dataclasses import dataclass

# An event of a transfer has a few kilobytes; what is longer than this is no event of ours.
LINE_BYTES_MAX = 1 << 20
# Whoever asks for a longer pause asks for none that a caller would wait for.
_RETRY_MS_DIGITS = 6
# Ours are numbers.
_ID_LENGTH_MAX = 255


class StreamTooLongError(Exception):
    """A line, or an event, without an end."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """An event: its name (`message` if it has none), its data, and the last id up to it."""

    name: str
    data: str
    last_id: str


class EventParser:
    """Takes the bytes of one stream in any pieces and gives the events that are whole.

    What comes after the last empty line, when the stream ends, is no event: it is dropped, as the
    standard says, and told again after `Last-Event-ID`.

    Attributes:
        last_id: of the last event that was whole; what a client sends when it connects again.
        retry_s: how long to wait before that; None where the stream has not said.
    """

    def __init__(self) -> None:
        self.last_id = ""
        self.retry_s: float | None = None
        self._rest = b""
        self._id = ""
        self._name = ""
        self._data: list[str] = []
        self._data_length = 0
        self._is_first = True

    def feed(self, piece: bytes) -> Iterator[ServerEvent]:
        """The events that are whole with this piece.

        Raises:
            StreamTooLongError: a line, or the data of an event, is longer than any of ours.
        """
        for line in self._lines(piece):
            if line:
                self._take(line)
                continue
            event = self._event()
            if event is not None:
                yield event

    def _lines(self, piece: bytes) -> Iterator[str]:
        text = self._rest + piece
        # A carriage return at the end may be half of a line's end.
        held = text.endswith(b"\r")
        if held:
            text = text[:-1]
        *lines, self._rest = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest += b"\r" if held else b""
        if len(self._rest) > LINE_BYTES_MAX:
            raise StreamTooLongError("a line without an end")
        for line in lines:
            text_line = line.decode(errors="replace")
            yield text_line.removeprefix("\ufeff") if self._is_first else text_line
            self._is_first = False

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._name = value
            case "data":
                self._data.append(value)
                # A line without data is kept, too.
                self._data_length += len(value) + 1
                if self._data_length > LINE_BYTES_MAX:
                    raise StreamTooLongError
            case "id" if _is_id(value):
                self._id = value
            case "retry" if _is_pause(value):
                self.retry_s = int(value) / 1000
            case _:
                pass  # a comment, which is a heartbeat, or a field that nobody knows

    def _event(self) -> ServerEvent | None:
        self.last_id = self._id
        name, data = self._name or "message", self._data
        self._name, self._data, self._data_length = "", [], 0
        return ServerEvent(name, "\n".join(data), self.last_id) if data else None


def _is_id(value: str) -> bool:
    """Whether it can be sent back in a header; the standard leaves out those with U+0000, too."""
    return value.isascii() and value.isprintable() and len(value) <= _ID_LENGTH_MAX


def _is_pause(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) <= _RETRY_MS_DIGITS
