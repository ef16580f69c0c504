"""The wake-up call after a try or a capture: offered to Kafka, never waited for."""

from collections.abc import Iterable

from messaging.bounded import BoundedSender
from sagas.messages import Message, implied_message_of
from shards.transfers import Transfer


class WakeUps:
    """Sends what the rows of transfers ask for; what is dropped, redrive sends."""

    def __init__(self, sender: BoundedSender[Message]) -> None:
        self._sender = sender

    def offer(self, transfers: Iterable[Transfer]) -> None:
        """Offers the next messages of committed transfers, of those that are not over."""
        messages = [m for t in transfers if (m := implied_message_of(t)) is not None]
        if messages:
            self._sender.offer(messages)
