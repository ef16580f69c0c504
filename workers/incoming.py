"""A message as a worker holds it: what it says, how it came, and how to say that it is done."""

from collections.abc import Callable
from dataclasses import dataclass

from sagas.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
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
        """The trace it belongs to; empty when it names none."""
        for name, value in self.headers:
            if name == "traceparent":
                return value.decode("ascii", "replace")
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A verified message in work. `ack` is called once, when all it led to is durable."""

    message: Message
    raw: Raw
    ack: Callable[[], None]
