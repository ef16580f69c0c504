"""Sending that never makes a request wait: for the gateway.

The row of a transfer is already committed when its message is offered, and redrive sends what a
row implies, so a message may be dropped here. A request must not wait for Kafka.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

import structlog

from messaging.errors import BrokerUnavailableError, UnsendableMessageError
from messaging.sender import Outgoing

MessageT = TypeVar("MessageT")

# Under load there is one send in so long: what gathers meanwhile goes together.
SEND_EVERY_S = 0.01

log = structlog.get_logger()


class Sender(Protocol):
    """What this module needs of a `KafkaSender`."""

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Returns when all are acknowledged, or raises one of the errors of this package."""


class BoundedSender(Generic[MessageT]):
    """A queue of at most `capacity` messages in front of a sender.

    They are packed when they are sent: what has gathered meanwhile goes together.

    What is dropped is counted, never lost silently: `dropped` is the sum of what `offer` turned
    away, what the broker did not acknowledge and what `close` left behind. A message that counts
    as dropped may have been sent all the same.
    """

    def __init__(
        self,
        sender: Sender,
        *,
        pack: Callable[[Sequence[MessageT]], Sequence[Outgoing]],
        capacity: int,
        batch_max: int = 500,
    ) -> None:
        self._sender = sender
        self._pack = pack
        self._capacity = capacity
        self._batch_max = batch_max
        self._waiting: deque[MessageT] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._began = 0.0
        self._task: asyncio.Task[None] | None = None
        self._sending = 0
        self.sent = 0
        self.dropped = 0

    @property
    def pending(self) -> int:
        """Messages that are waiting or being sent."""
        return len(self._waiting) + self._sending

    async def start(self) -> None:
        """Begins to send what is offered."""
        assert self._task is None, "a sender is started once"
        self._task = asyncio.create_task(self._run(), name="bounded-sender")

    def offer(self, messages: Sequence[MessageT]) -> int:
        """Takes as many messages as there is room for, in order; never waits.

        Returns:
            How many were dropped: the last ones, and all of them once `close` was called.
        """
        room = 0 if self._closing else max(0, self._capacity - self.pending)
        self._waiting.extend(messages[:room])
        self._wake.set()
        dropped = max(0, len(messages) - room)
        self.dropped += dropped
        return dropped

    async def close(self, *, within_s: float = 4.0) -> None:
        """Takes no more, sends what is waiting, and gives up on the rest at the deadline."""
        self._closing = True
        self._wake.set()
        task, self._task = self._task, None
        if task is not None:
            await asyncio.wait([task], timeout=within_s)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self.pending:
            log.warning("sender.left_behind", messages=self.pending)
        self.dropped += self.pending
        self._waiting.clear()
        self._sending = 0

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            early_s = self._began + SEND_EVERY_S - asyncio.get_running_loop().time()
            if early_s > 0 and not self._closing:
                await asyncio.sleep(early_s)
            self._began = asyncio.get_running_loop().time()
            await self._send_once()

    async def _send_once(self) -> None:
        size = min(self._batch_max, len(self._waiting))
        batch = [self._waiting.popleft() for _ in range(size)]
        self._sending = size
        try:
            await self._sender.send(self._pack(batch))
        except (BrokerUnavailableError, UnsendableMessageError) as error:
            self.dropped += size
            log.warning("sender.dropped", messages=size, error=repr(error))
        except Exception:
            # A bug, and nobody awaits this task: what comes after this batch is still sent.
            self.dropped += size
            log.exception("sender.failed", messages=size)
        else:
            self.sent += size
        self._sending = 0
