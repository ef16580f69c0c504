"""The three agents: verify a message and put it in its lane, or set it aside.

An agent does nothing else: no transaction, no retry, nothing that can raise or wait.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, cast

from faust.types import Message

from messaging.envelope import topic_of
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
    """Takes what Faust delivers; `taken` counts it by step and bucket."""

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
            raw = _raw(event)
            self.taken[step, raw.partition] += 1

            def ack() -> None:
                event.ack()

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

        return take

    def _refuse_strangers(self, message: StepMessage) -> None:
        for id_ in (message.transfer_id, message.payer_id, message.payee_id):
            if not self._shards.knows(id_):
                raise PoisonError("unknown_bucket", f"{id_} is no id of this system")


def _raw(event: Delivered) -> Raw:
    message = event.message
    headers = message.headers or ()
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return Raw(
        topic=message.topic,
        partition=message.partition,
        position=message.offset,
        key=message.key,
        value=message.value,
        # A header without a value is None, whatever the declared type says.
        headers=tuple((name, value or b"") for name, value in cast("Headers", pairs)),
    )
