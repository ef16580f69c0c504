"""What becomes of a transfer, told while it happens: streams, opened again until the end."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace

from client import operations
from client.answers import AnswerHead, head_of
from client.calls import Caller, no_answer
from client.errors import UnexpectedAnswerError
from client.event_stream import EventParser, ServerEvent, StreamTooLongError
from client.fields import ShapeError, parse
from client.problems import is_problem, problem_error
from client.requests import Request, make
from client.retries import Sent, asks_for_repeat, pause_s
from client.transfer_models import Transfer
from client.transport import LostError, Stream

# The gateway breaks a silence after 15 s, so after three of them nobody is there.
SILENCE_S = 45.0
# Between two streams, where none has said how long.
RETRY_S = 2.0
_NO_CONTENT = 204


@dataclass(slots=True)
class _Progress:
    """How far a transfer was followed."""

    last_id: str = ""
    retry_s: float = RETRY_S
    failures: int = 0
    is_over: bool = False


async def follow(caller: Caller, transfer_id: str, *, token: str) -> AsyncGenerator[Transfer, None]:
    """Each status of a transfer, in order, from its first up to the one that ends it.

    A stream that ends before, or breaks off, is opened again after what was seen, so nothing is
    missed and nothing told twice. How long that may go on is for the caller to bound
    (`asyncio.timeout`); a gateway that does not answer any more is given up after as many attempts
    as any request.

    Raises:
        ProblemError: it is not to be followed: unknown, foreign, or the token has ended.
        NoAnswerError: the gateway has gone, and stayed away.
        UnexpectedAnswerError: what was told is none of the contract.
    """
    request = make(operations.FOLLOW_TRANSFER, {"transfer_id": transfer_id}).by(token)
    progress = _Progress()
    while not progress.is_over:
        try:
            async with aclosing(_one_stream(caller, request, progress)) as told:
                async for transfer in told:
                    progress.failures = 0
                    yield transfer
                    if transfer.is_over:
                        return
        except LostError as error:
            await _pause(caller, request, progress, last=str(error))
        else:
            if not progress.is_over:
                # A stream that tells nothing and ends would be asked for without a pause.
                await caller.clock.sleep(max(progress.retry_s, caller.retries.first_s))


async def _one_stream(
    caller: Caller, request: Request, progress: _Progress
) -> AsyncGenerator[Transfer, None]:
    asked = request
    if progress.last_id:
        asked = replace(request, headers={**request.headers, "Last-Event-ID": progress.last_id})
    async with caller.transport.stream(asked, silence_s=SILENCE_S) as stream:
        raw = stream.raw
        answer = head_of(raw, attempts=progress.failures + 1, key=None)
        if raw.status == _NO_CONTENT:
            progress.is_over = True
            return
        told_s = raw.retry_after_s or 0.0
        is_too_late = told_s > caller.retries.within_s
        may_repeat = progress.failures + 1 < caller.retries.attempts and not is_too_late
        if asks_for_repeat(raw) and may_repeat:
            progress.retry_s = max(progress.retry_s, told_s)
            raise LostError(str(raw.status), was_sent=True)
        try:
            if raw.status != 200 or is_problem(raw):
                raise problem_error(raw, request=str(request), answer=answer)
            async for event in _events(stream, progress):
                yield _transfer(event, answer)
        except (ShapeError, StreamTooLongError) as error:
            what = str(error) or "a line or an event without an end"
            raise UnexpectedAnswerError(str(request), answer=answer, what=what) from error


async def _events(stream: Stream, progress: _Progress) -> AsyncIterator[ServerEvent]:
    parser = EventParser()
    async for piece in stream.pieces():
        for event in parser.feed(piece):
            progress.last_id = event.last_id or progress.last_id
            yield event
        if parser.retry_s is not None:
            progress.retry_s = parser.retry_s


def _transfer(event: ServerEvent, answer: AnswerHead) -> Transfer:
    return Transfer.read(parse(event.data.encode(), answer))


async def _pause(caller: Caller, request: Request, progress: _Progress, *, last: str) -> None:
    progress.failures += 1
    if progress.failures >= caller.retries.attempts:
        sent = Sent(raw=None, attempts=progress.failures, lost=False, last=last)
        raise no_answer(request, sent)
    caller.repeats += 1
    told_s, chance = progress.retry_s, caller.clock.chance()
    await caller.clock.sleep(
        pause_s(caller.retries, attempt=progress.failures, told_s=told_s, chance=chance)
    )
