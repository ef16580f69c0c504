"""A saga's message as a Kafka message: signed, on its step's topic, in its bucket's partition."""

from messaging.sender import Outgoing
from messaging.topics import TopicNames
from sagas.messages import KeyRing, Message, Step


def topic_of(names: TopicNames, step: Step) -> str:
    """The topic that carries a step's messages."""
    match step:
        case Step.TRY_CONFIRM:
            return names.try_confirm
        case Step.CONFIRM:
            return names.confirm
        case Step.CANCEL:
            return names.cancel


def outgoing(message: Message, *, keys: KeyRing, names: TopicNames) -> Outgoing:
    """The message as it is sent; build messages only from acknowledged commits."""
    return Outgoing(
        topic=topic_of(names, message.step),
        partition=message.bucket,
        key=message.transfer_id.bytes,
        value=keys.encode(message),
        headers=(("traceparent", message.traceparent.encode()),),
    )
