"""What a step's commit leads to: the next messages, sent until the broker has them."""

import asyncio
from collections.abc import Sequence

import structlog

from messaging.bounded import Sender
from messaging.envelope import Packing
from messaging.errors import BrokerUnavailableError
from messaging.sender import Outgoing
from sagas.backoff import Backoff
from sagas.messages import Message

_log = structlog.stdlib.get_logger(__name__)


class Outbound:
    """Sends until the broker has it."""

    def __init__(self, *, sender: Sender, packing: Packing, backoff: Backoff) -> None:
        self._sender = sender
        self._packing = packing
        self._backoff = backoff

    async def send(self, messages: Sequence[Message]) -> None:
        """Returns when all are acknowledged, however long Kafka is away.

        Only for messages built from an acknowledged commit. Cancelling it leaves them to
        redelivery and to redrive.
        """
        await self.send_raw(self._packing.pack(messages))

    async def send_raw(self, messages: Sequence[Outgoing]) -> None:
        """As `send`, for messages that are no steps."""
        attempt = 0
        while messages:
            attempt += 1
            try:
                await self._sender.send(messages)
            except BrokerUnavailableError as error:
                _log.warning(
                    "send.failed", messages=len(messages), attempt=attempt, error=str(error)
                )
                await asyncio.sleep(self._backoff.wait_s(attempt))
            else:
                return

    async def try_send(self, messages: Sequence[Message]) -> None:
        """One attempt, for what can be sent again later.

        Raises:
            BrokerUnavailableError: not all were acknowledged.
        """
        if messages:
            await self._sender.send(self._packing.pack(messages))
