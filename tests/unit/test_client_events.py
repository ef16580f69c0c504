"""Live status: the parser of server-sent events, and streams that are opened until the end."""

import orjson
import pytest

from client import NoAnswerError, ProblemError, TryLaterError, UnexpectedAnswerError
from client.answers import RawAnswer
from client.event_stream import LINE_BYTES_MAX, EventParser, ServerEvent, StreamTooLongError
from tests.unit.client_rig import (
    LOST,
    NEVER_SENT,
    PlayedStream,
    Script,
    Time,
    answer,
    problem,
    session_of,
    shown_transfer,
)

OPENED = RawAnswer(200, {"content-type": "text/event-stream", "x-trace-id": "t"}, b"")


def parsed(*pieces: bytes) -> list[ServerEvent]:
    parser = EventParser()
    return [event for piece in pieces for event in parser.feed(piece)]


STREAM = (
    b"retry: 2000\n\nid: 0\nevent: held\ndata: a\ndata:  b\n\n:\n\nid: 1\ndata\n\nid: 2\ndata: x\n"
)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_events_are_read_in_any_pieces_and_with_any_end_of_lines(end, size):
    text = STREAM.replace(b"\n", end)

    events = parsed(*(text[at : at + size] for at in range(0, len(text), size)))

    assert events == [ServerEvent("held", "a\n b", "0"), ServerEvent("message", "", "1")]


def test_what_is_not_whole_at_the_end_of_a_stream_is_no_event():
    parser = EventParser()

    events = list(parser.feed(b"id: 4\ndata: a\n\nid: 5\ndata: b\n"))

    assert [event.data for event in events] == ["a"]
    assert parser.last_id == "4"


def test_comments_and_fields_that_nobody_knows_say_nothing():
    assert parsed(b"\xef\xbb\xbf: hi\n\n:\n\nnews: 1\n\nid: a\0b\ndata: x\n\n") == [
        ServerEvent("message", "x", "")
    ]


@pytest.mark.parametrize("name", ["a\0b", "a\x01b", "\x1b[0m", "\u00e9", "9" * 256])
def test_an_id_that_cannot_be_sent_back_is_none(name):
    told = f"id: 7\ndata: x\n\nid: {name}\ndata: y\n\n".encode()

    assert parsed(told) == [ServerEvent("message", "x", "7"), ServerEvent("message", "y", "7")]


@pytest.mark.parametrize(
    ("line", "retry_s"),
    [
        (b"retry: 1500", 1.5),
        (b"retry: 999999", 999.999),
        (b"retry: soon", None),
        (b"retry: 1000000", None),
        (b"retry: " + b"9" * 5_000, None),
    ],
)
def test_how_long_to_wait_is_said_in_few_digits(line, retry_s):
    parser = EventParser()

    assert list(parser.feed(line + b"\n\n")) == []
    assert parser.retry_s == retry_s


def test_a_line_without_an_end_is_given_up():
    parser = EventParser()

    list(parser.feed(b"x" * LINE_BYTES_MAX))

    with pytest.raises(StreamTooLongError):
        list(parser.feed(b"x"))


@pytest.mark.parametrize("line", [b"data: " + b"x" * 1_000 + b"\n", b"data\n"])
def test_an_event_without_an_end_is_given_up(line):
    parser = EventParser()
    lines = LINE_BYTES_MAX // (len(line) - len(b"data: ") if b":" in line else 1)
    list(parser.feed(line * (lines - 1) + b"\n"))
    list(parser.feed(line * (lines - 1)))

    with pytest.raises(StreamTooLongError):
        list(parser.feed(line * 2))


def told(number: int, status: str) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (
        number,
        status.encode(),
        orjson.dumps(shown_transfer(status)),
    )


def stream(*pieces) -> PlayedStream:
    return PlayedStream(OPENED, pieces)


async def followed(script: Script, time: Time | None = None, **bounds) -> list[str]:
    return [t.status async for t in session_of(script, time, **bounds).transfers.follow("t")]


async def test_a_transfer_is_followed_to_its_end_in_one_stream():
    script = Script(stream(told(0, "held"), b": \n\n", told(1, "debited") + told(2, "completed")))

    assert await followed(script) == ["held", "debited", "completed"]
    assert "Last-Event-ID" not in script.sent[0].headers
    assert script.timeouts == [45.0]


async def test_a_stream_that_breaks_or_ends_early_goes_on_after_what_was_seen():
    time = Time()
    script = Script(
        NEVER_SENT,
        stream(b"retry: 3000\n\n", told(0, "held"), told(1, "debited")[:30], LOST),
        problem(503, "shard_unavailable", retry_after="5"),
        stream(told(1, "debited")),
        stream(b":\n\n"),
        stream(told(2, "completed")),
    )

    assert await followed(script, time) == ["held", "debited", "completed"]
    last = [request.headers.get("Last-Event-ID") for request in script.sent]
    assert last == [None, None, "0", "0", "1", "1"]
    assert len(time.slept) == 5
    # Not sooner than the stream, or the refusal, has said.
    assert all(slept >= least for slept, least in zip(time.slept, (0, 3, 5, 3, 3), strict=True))


async def test_who_has_seen_everything_is_told_so():
    script = Script(stream(told(0, "held"), LOST), RawAnswer(204, {}, b""))

    assert await followed(script) == ["held"]


async def test_streams_that_tell_nothing_are_not_opened_without_a_pause():
    time = Time()
    script = Script(stream(b"retry: 0\n\n"), stream(told(0, "completed")))

    assert await followed(script, time) == ["completed"]
    assert time.slept == [0.1]


async def test_who_is_told_to_come_back_much_later_is_told_so():
    with pytest.raises(TryLaterError, match="busy"):
        await followed(Script(problem(503, "busy", retry_after="9" * 400)))


async def test_what_cannot_be_followed_is_told():
    with pytest.raises(ProblemError, match="404 not_found"):
        await followed(Script(problem(404, "not_found")))


@pytest.mark.parametrize(
    "broken",
    [
        stream(b"data: {}\n\n"),
        stream(b"data: x\n\n"),
        stream(b"x" * (LINE_BYTES_MAX + 1)),
        answer([], 418),
    ],
)
async def test_what_is_no_event_of_a_transfer_is_told(broken):
    with pytest.raises(UnexpectedAnswerError):
        await followed(Script(broken))


async def test_a_gateway_that_stays_away_is_given_up():
    script = Script(stream(told(0, "held")), NEVER_SENT)

    with pytest.raises(NoAnswerError, match="3 attempts"):
        await followed(script, attempts=3)

    assert len(script.sent) == 4


async def test_later_for_all_attempts_is_told():
    with pytest.raises(TryLaterError):
        await followed(Script(problem(503, "too_many_connections")), attempts=3)
