"""Messages of the saga as Kafka messages: on their step's topic, in a partition of their shard.

What Kafka carries costs per message, so one carries several: a line for each, signed by itself.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence

from messaging.sender import Outgoing
from messaging.topics import TopicNames
from sagas.messages import KeyRing, Message, Step

# A bucket with so many messages at one time gets a Kafka message of its own.
MANY = 8
# A line and its header take about 420 bytes; what one partition may have waiting is 128 KiB.
LINES_MAX = 200
_LINE = b"\n"


def topic_of(names: TopicNames, step: Step) -> str:
    """The topic that carries a step's messages."""
    match step:
        case Step.TRY_CONFIRM:
            return names.try_confirm
        case Step.CONFIRM:
            return names.confirm
        case Step.CANCEL:
            return names.cancel


class Packing:
    """How messages become Kafka messages.

    Args:
        keys: sign them.
        names: of the topics.
        shard_of: the shard of a bucket; buckets of one shard may share a Kafka message.
    """

    def __init__(
        self, *, keys: KeyRing, names: TopicNames, shard_of: Callable[[int], Hashable]
    ) -> None:
        self._keys = keys
        self._names = names
        self._shard_of = shard_of

    def pack(self, messages: Sequence[Message]) -> list[Outgoing]:
        """The messages as they are sent; build messages only from acknowledged commits.

        Those of one step and shard go together. A bucket that has many gets a Kafka message of its
        own, in its own partition, so that a user who is in much demand is one worker's; the others
        share one, in the partition of the bucket that has most.
        """
        by_shard: dict[tuple[Step, Hashable], dict[int, list[Message]]] = {}
        for message in messages:
            buckets = by_shard.setdefault((message.step, self._shard_of(message.bucket)), {})
            buckets.setdefault(message.bucket, []).append(message)
        return [
            self._outgoing(step, partition, part)
            for (step, _), buckets in by_shard.items()
            for partition, all_ in _partitions(buckets)
            for part in _parts(all_)
        ]

    def _outgoing(self, step: Step, partition: int, messages: list[Message]) -> Outgoing:
        return Outgoing(
            topic=topic_of(self._names, step),
            partition=partition,
            key=messages[0].transfer_id.bytes,
            value=_LINE.join([self._keys.encode(message) for message in messages]),
            headers=tuple(("traceparent", message.traceparent.encode()) for message in messages),
        )


def _partitions(buckets: dict[int, list[Message]]) -> Iterator[tuple[int, list[Message]]]:
    shared = {bucket: part for bucket, part in buckets.items() if len(part) < MANY}
    yield from ((bucket, part) for bucket, part in buckets.items() if bucket not in shared)
    if shared:
        most = max(shared, key=lambda bucket: len(shared[bucket]))
        yield most, [message for part in shared.values() for message in part]


def lines_of(value: bytes) -> list[bytes]:
    """The signed messages in what Kafka has carried; what is not ours is one, too."""
    return value.split(_LINE, LINES_MAX)


def _parts(messages: list[Message]) -> Iterator[list[Message]]:
    for start in range(0, len(messages), LINES_MAX):
        yield messages[start : start + LINES_MAX]
