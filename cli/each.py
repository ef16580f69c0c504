"""The shards of a command: the same work on every one at once, or all of them as one map."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from cli.system import System
from config.sections import ShardSettings
from shards.errors import ShardError
from shards.pool import ShardOptions
from shards.router import ShardMap
from shards.shard import Shard

T = TypeVar("T")
# For acts: a person rather waits for a lock than asks again.
PATIENT = ShardOptions(pool_size=2, transaction_s=10.0, lock_s=5.0)


async def on_each(
    shards: Sequence[ShardSettings],
    work: Callable[[Shard], Awaitable[T]],
    *,
    options: ShardOptions,
) -> list[T]:
    """What `work` returned for each shard, in their order.

    Raises:
        ShardError: of the first shard that failed, after the work on all others has ended.
    """
    opened = _made(shards, options)
    failed: list[ShardError] = []

    async def one(shard: Shard) -> list[T]:
        try:
            return [await work(shard)]
        except ShardError as error:
            failed.append(error)
            return []

    try:
        async with asyncio.TaskGroup() as tasks:
            done = [tasks.create_task(one(shard)) for shard in opened]
    finally:
        for shard in opened:
            await shard.close()
    if failed:
        raise failed[0]
    return [result for task in done for result in task.result()]


@asynccontextmanager
async def open_map(system: System, *, options: ShardOptions) -> AsyncIterator[ShardMap]:
    """The router over all shards; closed at the end."""
    opened = ShardMap(_made(system.shards, options), buckets=system.buckets)
    try:
        yield opened
    finally:
        await opened.close()


def _made(shards: Sequence[ShardSettings], options: ShardOptions) -> list[Shard]:
    return [
        Shard(name=shard.name, dsn=shard.dsn, buckets=shard.buckets, options=options)
        for shard in shards
    ]
