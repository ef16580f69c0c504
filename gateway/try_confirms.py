"""The wake-up call after a try: offered to Kafka, never waited for."""

from collections.abc import Iterable

from messaging.bounded import BoundedSender
from sagas.messages import Message
from sagas.steps.try_transfer import try_confirm_of
from shards.transfers import Transfer


class TryConfirms:
    """Sends try-confirms of held transfers; what is dropped, redrive sends."""

    def __init__(self, sender: BoundedSender[Message]) -> None:
        self._sender = sender

    def offer(self, transfers: Iterable[Transfer]) -> None:
        """Offers the try-confirms of committed transfers, of those that are held."""
        messages = [m for t in transfers if (m := try_confirm_of(t)) is not None]
        if messages:
            self._sender.offer(messages)
