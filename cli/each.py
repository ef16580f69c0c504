"""The same work on every shard at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from config.settings import ShardSettings
from shards.errors import ShardError
from shards.pool import ShardOptions
from shards.shard import Shard

T = TypeVar("T")


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
    opened = [
        Shard(name=shard.name, dsn=shard.dsn, buckets=shard.buckets, options=options)
        for shard in shards
    ]
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
