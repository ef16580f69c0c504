"""Messages of the saga as Kafka messages: on their step's topic, in their bucket's partition.

What Kafka carries costs per message, so one carries several: a line for each, signed by itself.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from messaging.sender import Outgoing
from messaging.topics import TopicNames
from sagas.messages import KeyRing, Message, Step

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


def pack(messages: Sequence[Message], *, keys: KeyRing, names: TopicNames) -> list[Outgoing]:
    """The messages as they are sent; build messages only from acknowledged commits.

    Those of one step and bucket go together, in order, each with its trace in a header of its own.
    """
    together: dict[tuple[Step, int], list[Message]] = defaultdict(list)
    for message in messages:
        together[message.step, message.bucket].append(message)
    return [
        Outgoing(
            topic=topic_of(names, step),
            partition=bucket,
            key=part[0].transfer_id.bytes,
            value=_LINE.join([keys.encode(message) for message in part]),
            headers=tuple(("traceparent", message.traceparent.encode()) for message in part),
        )
        for (step, bucket), all_ in together.items()
        for part in _parts(all_)
    ]


def lines_of(value: bytes) -> list[bytes]:
    """The signed messages in what Kafka has carried; what is not ours is one, too."""
    return value.split(_LINE, LINES_MAX)


def _parts(messages: list[Message]) -> Iterator[list[Message]]:
    for start in range(0, len(messages), LINES_MAX):
        yield messages[start : start + LINES_MAX]
