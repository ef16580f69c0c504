"""One call: a request sent until something is known, and read once into a record or an error."""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import NoReturn, TypeVar

from client.answers import AnswerHead, RawAnswer, head_of
from client.errors import NoAnswerError, ProblemError, UnexpectedAnswerError
from client.fields import Fields, ShapeError, parse
from client.operations import Repeat
from client.problems import is_problem, problem_error
from client.requests import Request
from client.retries import Clock, Retries, Sent, send_until_settled
from client.transport import Transport

T = TypeVar("T")
Reader = Callable[[Fields], T]
OK = frozenset((200, 201, 202, 207))


class Caller:
    """Makes calls over a transport.

    Args:
        transport: sends a request once.
        retries: the bounds of repeats.
        clock: time, pauses and chance.
        answer_s: how long one answer may take, besides what is waited for.

    Attributes:
        repeats: how many requests were sent again so far.
    """

    def __init__(
        self, transport: Transport, *, retries: Retries, clock: Clock, answer_s: float
    ) -> None:
        self.transport = transport
        self.retries = retries
        self.clock = clock
        self.answer_s = answer_s
        self.repeats = 0

    async def call(
        self,
        request: Request,
        read: Reader[T],
        *,
        good: Collection[int] = OK,
        retries: Retries | None = None,
    ) -> T:
        """What `read` makes of the answer.

        Args:
            request: with its key, if it has one: each repeat is the same request.
            read: reads the body.
            good: the statuses whose body is read.
            retries: other bounds than those of the client.

        Raises:
            ProblemError: it was refused; one of its kinds, where a caller acts differently.
            NoAnswerError: it is not known whether it happened.
            UnexpectedAnswerError: an answer that the contract does not have.
        """
        sent = await self.sent(request, retries=retries)
        raw = sent.raw
        if raw is None:
            raise no_answer(request, sent)
        answer = head_of(raw, attempts=sent.attempts, key=request.key)
        try:
            if raw.status in good and not is_problem(raw):
                return read(parse(raw.body, answer))
            self._refuse(request, sent, raw, answer)
        except ShapeError as error:
            raise UnexpectedAnswerError(str(request), answer=answer, what=str(error)) from None

    async def sent(self, request: Request, *, retries: Retries | None = None) -> Sent:
        """The request, sent until something is known; the answer is not looked into."""
        sent = await send_until_settled(
            self.transport,
            request,
            retries=retries or self.retries,
            clock=self.clock,
            answer_s=self.answer_s,
        )
        self.repeats += sent.attempts - 1
        return sent

    def within(self, within_s: float) -> Retries:
        """The client's bounds of repeats, and this time at the most."""
        return replace(self.retries, within_s=max(min(self.retries.within_s, within_s), 0.0))

    def _refuse(self, request: Request, sent: Sent, raw: RawAnswer, answer: AnswerHead) -> NoReturn:
        """Raises what tells this refusal, or `ShapeError`."""
        if not is_problem(raw):
            raise ShapeError("neither what was asked for nor a problem document")
        error: ProblemError = problem_error(raw, request=str(request), answer=answer)
        changes = request.operation.repeat is not Repeat.READS
        if not sent.is_settled or (changes and raw.status >= 500 and raw.status != 503):
            raise no_answer(request, sent, code=error.code) from error
        raise error


def no_answer(request: Request, sent: Sent, *, code: str = "") -> NoAnswerError:
    """The error of a request of which nothing is known."""
    return NoAnswerError(
        str(request),
        key=request.key,
        attempts=sent.attempts,
        last=f"{sent.last} {code}".rstrip(),
        may_have_happened=sent.lost or bool(code),
    )
