"""The three agents: verify a message and put it in its lane, or set it aside.

An agent does nothing else: no transaction, no retry, nothing that can raise or wait.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, cast

from faust.types import Message

from messaging.envelope import lines_of, topic_of
from messaging.topics import TopicNames
from sagas.messages import KeyRing, PoisonError, Step
from sagas.messages import Message as StepMessage
from sagas.outcomes import SetAside
from shards.dead_letters import ReasonClass
from shards.router import ShardMap
from workers.dead_letters import Arrival, DeadLetters
from workers.faust_app import HoldfastApp, subscribe
from workers.incoming import Incoming, Raw
from workers.step_lanes import StepLanes

Headers = Iterable[tuple[str, bytes | None]]


class Delivered(Protocol):
    """What an agent uses of Faust's event."""

    @property
    def message(self) -> Message:
        """The message as it came."""
        ...

    def ack(self) -> bool:
        """Says that all it led to is durable."""
        ...


class Agents:
    """Takes what Faust delivers; `taken` counts its messages by step and bucket."""

    def __init__(
        self, *, shards: ShardMap, keys: KeyRing, lanes: StepLanes, dead_letters: DeadLetters
    ) -> None:
        self._shards = shards
        self._keys = keys
        self._lanes = lanes
        self._dead_letters = dead_letters
        self.taken: Counter[tuple[Step, int]] = Counter()

    def subscribe(self, app: HoldfastApp, names: TopicNames) -> None:
        """Registers one agent per step with the app."""
        for step in Step:
            subscribe(app, topic=topic_of(names, step), take=self.taker(step))

    def taker(self, step: Step) -> Callable[[Delivered], None]:
        """What is done with each message of a step's topic; never raises, never waits."""

        def take(event: Delivered) -> None:
            self.taken[step, event.message.partition] += 1
            parts = _parts(event.message)
            ack = _ack_after(len(parts), event)
            for raw in parts:
                self._take_one(raw, step=step, ack=ack)

        return take

    def _take_one(self, raw: Raw, *, step: Step, ack: Callable[[], None]) -> None:
        try:
            message = self._keys.decode(raw.value, step=step, traceparent=raw.traceparent)
            self._refuse_strangers(message)
        except PoisonError as poison:
            self._dead_letters.set_aside(
                Arrival(raw=raw, step=step, ack=ack),
                reason_class=ReasonClass.POISON,
                why=SetAside(poison.reason, poison.detail),
                transfer_id=None,
            )
        else:
            self._lanes.take(Incoming(message=message, raw=raw, ack=ack))

    def _refuse_strangers(self, message: StepMessage) -> None:
        ids = (message.transfer_id, message.payer_id, message.payee_id, message.refund_of)
        for id_ in ids:
            if id_ is not None and not self._shards.knows(id_):
                raise PoisonError("unknown_bucket", f"{id_} is no id of this system")


def _ack_after(parts: int, event: Delivered) -> Callable[[], None]:
    """What each part says when it is done: the last one acks the event."""
    left = parts

    def ack() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            event.ack()

    return ack


def _parts(message: Message) -> list[Raw]:
    """The lines of a Kafka message, each as if it had come alone, with its own trace."""
    value = message.value or b""
    lines = lines_of(value) if value.startswith(b"{") else [value]
    headers = _headers(message)
    if len(lines) == 1:
        return [_raw(message, message.value, headers)]
    traces = [header for header in headers if header[0] == "traceparent"]
    others = tuple(header for header in headers if header[0] != "traceparent")
    traced = [(trace,) for trace in traces] if len(traces) == len(lines) else [()] * len(lines)
    return [
        _raw(message, line, (*trace, *others)) for line, trace in zip(lines, traced, strict=True)
    ]


def _headers(message: Message) -> tuple[tuple[str, bytes], ...]:
    headers = message.headers or ()
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    # A header without a value is None, whatever the declared type says.
    return tuple((name, value or b"") for name, value in cast("Headers", pairs))


def _raw(message: Message, value: bytes | None, headers: tuple[tuple[str, bytes], ...]) -> Raw:
    return Raw(
        topic=message.topic,
        partition=message.partition,
        position=message.offset,
        key=message.key,
        value=value,
        headers=headers,
    )
