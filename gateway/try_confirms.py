"""The wake-up call after a try: offered to Kafka, never waited for."""

from collections.abc import Iterable

from messaging.bounded import BoundedSender
from messaging.envelope import outgoing
from messaging.topics import TopicNames
from sagas.messages import KeyRing
from sagas.steps.try_transfer import try_confirm_of
from shards.transfers import Transfer


class TryConfirms:
    """Sends try-confirms of held transfers; what is dropped, redrive sends."""

    def __init__(self, *, sender: BoundedSender, keys: KeyRing, names: TopicNames) -> None:
        self._sender = sender
        self._keys = keys
        self._names = names

    def offer(self, transfers: Iterable[Transfer]) -> None:
        """Offers the try-confirms of committed transfers, of those that are held."""
        messages = (try_confirm_of(transfer) for transfer in transfers)
        self._sender.offer(
            [
                outgoing(message, keys=self._keys, names=self._names)
                for message in messages
                if message is not None
            ]
        )
