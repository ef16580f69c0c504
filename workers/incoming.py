"""A message as a worker holds it: what it says, how it came, and how to say that it is done."""

import re
from collections.abc import Callable

from sagas.messages import Message
from shards.records import record

# As the gateway spells it. A header is not signed: anything else would end up in rows and logs.
_TRACEPARENT = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@record
class Raw:
    """A Kafka message as it came."""

    topic: str
    partition: int
    position: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @property
    def traceparent(self) -> str:
        """The trace it belongs to; empty when it names none that is well-formed."""
        for name, value in self.headers:
            if name == "traceparent" and _TRACEPARENT.fullmatch(value):
                return value.decode("ascii")
        return ""

    @property
    def trace_id(self) -> str | None:
        """The id of that trace."""
        return self.traceparent.split("-")[1] if self.traceparent else None


@record
class Incoming:
    """A verified message in work. `ack` is called once, when all it led to is durable."""

    message: Message
    raw: Raw
    ack: Callable[[], None]
