"""One direction of a connection: bytes that are held, delayed or let through."""

import asyncio
import random
from collections import deque

from reliability.chaos.stack.proxy.faults import LinkFaults

_WAITING_BYTES_MAX = 1 << 20
# When bytes arrive is no secret.
_dice = random.Random()  # noqa: S311


class Way:
    """Takes what the source sends and gives it to the sink, in order.

    Args:
        name: `up` or `down`.
        faults: of its link.
    """

    def __init__(self, name: str, faults: LinkFaults) -> None:
        self._name = name
        self._faults = faults
        self._source: asyncio.Transport | None = None
        self._sink: asyncio.Transport | None = None
        self._not_reading: set[str] = set()
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._waiting_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._last = False

    def read_from(self, source: asyncio.Transport) -> None:
        """Where the bytes come from; nothing is read before there is a sink."""
        self._source = source
        if self._sink is None:
            self.stop_reading("no sink")
        self.obey()

    def write_to(self, sink: asyncio.Transport) -> None:
        """Where they go."""
        self._sink = sink
        self.go_on_reading("no sink")
        self._give_due()

    def obey(self) -> None:
        """Looks at the link's faults again."""
        if self._name in self._faults.held:
            # They stay in the kernel, whose buffer fills: as towards a host that is away.
            self.stop_reading("held")
            self._stop_timer()
        else:
            self.go_on_reading("held")
            self._give_due()

    def stop_reading(self, reason: str) -> None:
        """Reads nothing until every such reason is gone."""
        self._not_reading.add(reason)
        # Each time anew: one that was asked while it was being made has not heeded it.
        if self._source is not None and not self._source.is_closing():
            self._source.pause_reading()

    def go_on_reading(self, reason: str) -> None:
        """That reason is gone."""
        if reason not in self._not_reading:
            return
        self._not_reading.discard(reason)
        if not self._not_reading and self._source is not None and not self._source.is_closing():
            self._source.resume_reading()

    def feed(self, data: bytes) -> None:
        """Bytes from the source."""
        faults = self._faults
        if self._sink is not None and not (
            self._waiting or faults.delay_s or self._name in faults.held
        ):
            self._sink.write(data)
            return
        now = asyncio.get_running_loop().time()
        due = now + faults.delay_s + _dice.random() * faults.jitter_s
        # In order: nothing overtakes what came before.
        due = max(due, self._waiting[-1][0]) if self._waiting else due
        self._waiting.append((due, data))
        self._waiting_bytes += len(data)
        if self._waiting_bytes > _WAITING_BYTES_MAX:
            self.stop_reading("too much waits")
        self._give_due()

    def end(self) -> None:
        """The source has ended: the sink ends after the last byte."""
        self._last = True
        self._give_due()

    def forget(self) -> None:
        """The connection is gone."""
        self._stop_timer()
        self._waiting.clear()
        self._source = self._sink = None

    def _give_due(self) -> None:
        if self._sink is None or self._name in self._faults.held:
            return
        loop = asyncio.get_running_loop()
        while self._waiting and self._waiting[0][0] <= loop.time():
            _, data = self._waiting.popleft()
            self._waiting_bytes -= len(data)
            self._sink.write(data)
        if self._waiting_bytes <= _WAITING_BYTES_MAX:
            self.go_on_reading("too much waits")
        if self._waiting and self._timer is None:
            self._timer = loop.call_at(self._waiting[0][0], self._on_time)
        if self._last and not self._waiting:
            self._sink.close()

    def _on_time(self) -> None:
        self._timer = None
        self._give_due()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
