"""What grows while a load runs: memory of each process, and transfers that are not over."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.measures.processes import Watched, memory_by_name
from bench.measures.shards import ShardReads
from bench.measures.trend import Point, growth, growth_percent

_SAY_EVERY_S = 60.0


@dataclass(slots=True)
class Series:
    """Values at times of the monotonic clock."""

    memory: dict[str, list[Point]] = field(default_factory=dict)
    backlog: list[Point] = field(default_factory=list)

    def grown(self, *, since: float, until: float) -> "Grown":
        """By Theil-Sen over the points of this time.

        Raises:
            ValueError: there are no two of them.
        """

        def within(points: Sequence[Point]) -> list[Point]:
            return [point for point in points if since <= point[0] <= until]

        return Grown(
            memory_percent={
                name: round(growth_percent(within(points)), 2)
                for name, points in self.memory.items()
            },
            backlog=round(growth(within(self.backlog)), 1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """How much was added over a time.

    Attributes:
        memory_percent: of each process.
        backlog: transfers.
    """

    memory_percent: Mapping[str, float]
    backlog: float


async def watch(
    watched: Sequence[Watched],
    shards: ShardReads,
    series: Series,
    *,
    every_s: float,
    say: Callable[[str], None],
) -> None:
    """Adds a point every so often, until it is cancelled."""
    said_at = time.monotonic()
    while True:
        now = time.monotonic()
        memory = memory_by_name(watched)
        for name, mib in memory.items():
            series.memory.setdefault(name, []).append((now, mib))
        series.backlog.append((now, await shards.open_transfers()))
        if now - said_at > _SAY_EVERY_S:
            said_at = now
            sizes = ", ".join(f"{name} {mib:.0f}" for name, mib in memory.items())
            say(f"{series.backlog[-1][1]:.0f} transfers under way; MiB: {sizes}")
        await asyncio.sleep(every_s)
