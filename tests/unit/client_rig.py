"""A client whose gateway is a script: answers, losses and time are the test's."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson

from client import Clock, Holdfast, Retries, Session
from client.answers import AnswerHead, RawAnswer
from client.calls import Caller
from client.requests import Request
from client.scope import Scope
from client.transport import LostError, Stream

URL = "http://gateway.example"
USER = "01981234-5678-8007-8000-000000000001"
OTHER = "01981234-5678-8003-8000-000000000003"
AT = "2026-01-31T23:59:59.000001Z"
HEAD = AnswerHead(status=200, replayed=False, trace_id="t", attempts=1, key=None)

LOST = LostError("connection reset", was_sent=True)
NEVER_SENT = LostError("connection refused", was_sent=False)
Step = RawAnswer | LostError | Callable[[Request], RawAnswer]


class Time:
    """A clock that only moves when somebody sleeps; chance takes nothing away."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.now_s, sleep=self.sleep, chance=lambda: 0.0)


class PlayedStream:
    """A stream of these pieces; one that is an error breaks it off."""

    def __init__(self, raw: RawAnswer, pieces: Sequence[bytes | LostError]) -> None:
        self.raw = raw
        self._pieces = pieces

    async def pieces(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, LostError):
                raise piece
            yield piece


class Script:
    """A transport that plays these answers in order; the last one again and again."""

    def __init__(self, *steps: Step | PlayedStream) -> None:
        self._steps = steps
        self.sent: list[Request] = []
        self.timeouts: list[float] = []

    async def send(self, request: Request, *, timeout_s: float) -> RawAnswer:
        self.timeouts.append(timeout_s)
        step = self._next(request)
        assert not isinstance(step, PlayedStream)
        if isinstance(step, LostError):
            raise step
        return step if isinstance(step, RawAnswer) else step(request)

    @asynccontextmanager
    async def stream(self, request: Request, *, silence_s: float) -> AsyncIterator[Stream]:
        self.timeouts.append(silence_s)
        step = self._next(request)
        if isinstance(step, LostError):
            raise step
        assert isinstance(step, PlayedStream | RawAnswer)
        yield step if isinstance(step, PlayedStream) else PlayedStream(step, [])

    @property
    def keys(self) -> list[str | None]:
        return [request.headers.get("Idempotency-Key") for request in self.sent]

    def _next(self, request: Request) -> Step | PlayedStream:
        self.sent.append(request)
        return self._steps[min(len(self.sent), len(self._steps)) - 1]


def answer(body: object, status: int = 200, **headers: str) -> RawAnswer:
    """A JSON answer; `retry_after="1"` is a header."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return RawAnswer(
        status,
        {"content-type": "application/json", "x-trace-id": "trace-1", **told},
        orjson.dumps(body),
    )


def problem(
    status: int, code: str, *, errors: list[Any] | None = None, **headers: str
) -> RawAnswer:
    """A problem document."""
    document = {
        "type": f"/problems/{code}",
        "title": code.title(),
        "status": status,
        "detail": "That is why.",
        "code": code,
        "trace_id": "trace-1",
        **({"errors": errors} if errors is not None else {}),
    }
    return answer(document, status, content_type="application/problem+json", **headers)


def shown_transfer(status: str = "held", **changed: object) -> dict[str, Any]:
    """A transfer as an answer shows it."""
    return {
        "id": "01981234-5678-8007-8000-000000000002",
        "payer_id": USER,
        "payee_id": OTHER,
        "currency": "EUR",
        "amount": "12.50",
        "status": status,
        "reason": None,
        "created_at": AT,
        "updated_at": AT,
        "expires_at": AT,
        "metadata": {"order": "7"},
        "timeline": [{"status": "held", "at": AT}],
        "hold_id": None,
        "refund_of": None,
        "amount_refunded": "0.00",
        "refunds": [],
        **changed,
    }


def session_of(script: Script, time: Time | None = None, **bounds: Any) -> Session:
    """The session of a user whose gateway plays this script."""
    caller = Caller(script, retries=Retries(**bounds), clock=(time or Time()).clock, answer_s=15.0)
    return Session(Scope(caller, "token", USER))


@asynccontextmanager
async def holdfast_of(script: Script) -> AsyncIterator[Holdfast]:
    """A client without a token whose gateway plays this script."""
    async with Holdfast(URL, transport=script, clock=Time().clock) as made:
        yield made
