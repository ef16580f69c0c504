"""What a step's commit leads to: the next messages on Kafka, and notices to who waits."""

import asyncio
from collections.abc import Sequence

import structlog

from messaging.errors import BrokerUnavailableError
from messaging.sender import KafkaSender, Outgoing
from messaging.topics import TopicNames
from sagas.backoff import Backoff
from sagas.messages import KeyRing, Message, Step
from sagas.states import TERMINAL, Status
from shards.errors import ShardTransientError
from shards.notices import send_notices
from shards.shard import Shard
from shards.transfers import Transfer

_log = structlog.stdlib.get_logger(__name__)


def topic_of(names: TopicNames, step: Step) -> str:
    """The topic that carries a step's messages."""
    return {
        Step.TRY_CONFIRM: names.try_confirm,
        Step.CONFIRM: names.confirm,
        Step.CANCEL: names.cancel,
    }[step]


def outgoing(message: Message, *, keys: KeyRing, names: TopicNames) -> Outgoing:
    """A message signed and addressed: topic of its step, partition of its bucket."""
    return Outgoing(
        topic=topic_of(names, message.step),
        partition=message.bucket,
        key=message.transfer_id.bytes,
        value=keys.encode(message),
        headers=(("traceparent", message.traceparent.encode()),),
    )


class Outbound:
    """Sends until the broker has it."""

    def __init__(
        self, *, sender: KafkaSender, keys: KeyRing, names: TopicNames, backoff: Backoff
    ) -> None:
        self._sender = sender
        self._keys = keys
        self._names = names
        self._backoff = backoff

    async def send(self, messages: Sequence[Message]) -> None:
        """Returns when all are acknowledged, however long Kafka is away.

        Only for messages built from an acknowledged commit. Cancelling it leaves them to
        redelivery and to redrive.
        """
        await self.send_raw([outgoing(m, keys=self._keys, names=self._names) for m in messages])

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
            await self._sender.send(
                [outgoing(m, keys=self._keys, names=self._names) for m in messages]
            )


async def notify_ended(shard: Shard, transfers: Sequence[Transfer]) -> None:
    """Tells waiters of the transfers that are over; a notice that is lost costs them their wait."""
    ended = [t.id for t in transfers if Status(t.status) in TERMINAL]
    if not ended:
        return
    try:
        async with shard.connection() as conn:
            await send_notices(conn, ended)
    except ShardTransientError as error:
        _log.warning("notice.lost", shard=shard.name, transfers=len(ended), error=str(error))
