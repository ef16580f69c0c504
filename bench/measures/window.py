"""Everything that is read at the begin and at the end of the window that counts."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bench.measures.batches import Counted, read_counts
from bench.measures.machine import busy_seconds
from bench.measures.messages import MessageCount
from bench.measures.processes import Role, Watched, cpu_by_role, memory_by_name
from bench.measures.shards import ShardReads, Totals
from messaging.topics import TopicNames


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One moment.

    Attributes:
        at: of the monotonic clock.
        busy_s: CPU seconds of the whole machine.
        cpu: CPU seconds by role.
        totals: counters of the server.
        messages: in all topics.
        backlog: transfers that are not over.
        memory: private MiB by process.
        counted: items and batches of the lanes.
    """

    at: float
    busy_s: float
    cpu: Mapping[Role, float]
    totals: Totals
    messages: int
    backlog: int
    memory: Mapping[str, float]
    counted: Counted


class Sampler:
    """Takes samples of a system; `connect` first, and `close`.

    Args:
        watched: its processes.
        dsns: its shards.
        bootstrap: its broker.
        topics: its topics.
        partitions: of each topic.
        internal_ports: of the programs' internal listeners.
    """

    def __init__(
        self,
        watched: Sequence[Watched],
        *,
        dsns: Sequence[str],
        bootstrap: str,
        topics: TopicNames,
        partitions: int,
        internal_ports: Sequence[int],
    ) -> None:
        self._ports = internal_ports
        self.watched = watched
        self.shards = ShardReads(dsns)
        self._messages = MessageCount(bootstrap=bootstrap, topics=topics, partitions=partitions)
        self._stack = AsyncExitStack()

    async def connect(self) -> None:
        """Connects to shards and broker."""
        for part in (self.shards, self._messages):
            self._stack.push_async_callback(part.close)
            await part.connect()
        # The first reading takes longer than all others: it must not be one that counts.
        await self._messages.total()
        await self.shards.totals()

    async def close(self) -> None:
        """Ends the connections."""
        await self._stack.aclose()

    async def sample(self, *more: Watched) -> Sample:
        """Now, of the system and of more processes such as the load client.

        What changes fast is asked for at once; memory, which takes longer to read, comes after.
        """
        watched = (*self.watched, *more)
        async with asyncio.TaskGroup() as group:
            counted = group.create_task(asyncio.to_thread(read_counts, self._ports))
            messages = group.create_task(self._messages.total())
            totals = group.create_task(self.shards.totals())
        at, busy_s, cpu = time.monotonic(), busy_seconds(), cpu_by_role(watched)
        return Sample(
            at=at,
            busy_s=busy_s,
            cpu=cpu,
            totals=totals.result(),
            messages=messages.result(),
            backlog=await self.shards.open_transfers(),
            memory=memory_by_name(watched),
            counted=counted.result(),
        )
