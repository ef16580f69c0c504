"""When a request is sent again: pure rules, and the loop that follows them.

"Later" (429, 503) and a lost answer are met with the same request and the same key, not sooner
than the gateway says, with a pause that doubles and has jitter, so that what failed together comes
back spread; bounded in attempts and in time.
"""

import random
import time
from asyncio import sleep
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from client.answers import RawAnswer
from client.operations import Repeat
from client.requests import Request
from client.transport import LostError, Transport

_LATER = frozenset((429, 503))
_BATCH = 207
# What the last attempt may last beyond the bound: an answer that was waited for is on its way then.
_GRACE_S = 2.0
# After an answer was lost, these say nothing of the first request: who asks is no longer let in.
_SAYS_NOTHING = frozenset((401, 403))


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """The bounds of repeats.

    Attributes:
        attempts: how often a request is sent at the most; 1 never repeats.
        within_s: no attempt begins later than this after the first, and none lasts much longer.
        first_s: the first pause, without what the gateway asks for; each next one is twice as long.
        cap_s: the longest such pause.
    """

    attempts: int = 8
    within_s: float = 60.0
    first_s: float = 0.1
    cap_s: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time, pauses and chance; tests have their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = sleep
    chance: Callable[[], float] = field(default_factory=lambda: random.SystemRandom().random)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of a request.

    Attributes:
        raw: the last answer; None where the last attempt had none.
        attempts: how often it was sent.
        lost: whether it may have happened in an attempt whose answer nobody has.
        last: what came of the last attempt, in words.
    """

    raw: RawAnswer | None
    attempts: int
    lost: bool
    last: str

    @property
    def is_settled(self) -> bool:
        """Whether `raw` tells what has become of the request."""
        if self.raw is None:
            return False
        status = self.raw.status
        if status in _LATER or status in _SAYS_NOTHING:
            return not self.lost
        return True


def pause_s(retries: Retries, *, attempt: int, told_s: float, chance: float) -> float:
    """The pause after this attempt, counted from 1.

    Args:
        retries: the bounds.
        attempt: which one has failed.
        told_s: what the gateway asked for.
        chance: from 0 up to 1; takes up to half of the pause away, and nothing of `told_s`.
    """
    doubled = retries.first_s * float(2 ** min(attempt - 1, 30))
    return told_s + min(doubled, retries.cap_s) * (1 - chance / 2)


def asks_for_repeat(raw: RawAnswer) -> bool:
    """Whether this answer says that the same request is good later.

    A batch of which some items are to be sent again says so in its headers.
    """
    return raw.status in _LATER or (raw.status == _BATCH and raw.retry_after_s is not None)


async def send_until_settled(
    transport: Transport, request: Request, *, retries: Retries, clock: Clock, answer_s: float
) -> Sent:
    """Sends the request until something is known, or the bounds are reached.

    Args:
        transport: sends it once.
        request: what is sent, each time the same.
        retries: the bounds.
        clock: time, pauses and chance.
        answer_s: how long one answer may take, besides what the request waits for.
    """
    began = clock.now()
    attempt, lost = 0, False
    while True:
        attempt += 1
        raw, told_s = None, 0.0
        try:
            left_s = max(began + retries.within_s - clock.now(), request.wait_s) + _GRACE_S
            timeout_s = min(answer_s + request.wait_s, left_s)
            raw = await transport.send(request, timeout_s=timeout_s)
        except LostError as error:
            last = str(error)
            lost = lost or (error.was_sent and request.operation.repeat is not Repeat.READS)
        else:
            last = str(raw.status)
            lost = lost or _commit_unknown(raw)
            told_s = raw.retry_after_s or 0.0
        sent = Sent(raw=raw, attempts=attempt, lost=lost, last=last)
        if raw is not None and not asks_for_repeat(raw):
            return sent
        pause = pause_s(retries, attempt=attempt, told_s=told_s, chance=clock.chance())
        if attempt >= retries.attempts or clock.now() - began + pause > retries.within_s:
            return sent
        await clock.sleep(pause)


def _commit_unknown(raw: RawAnswer) -> bool:
    return raw.status == 503 and b'"commit_unknown"' in raw.body
