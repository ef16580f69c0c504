"""`holdfast migrate`: tables on every shard, then topics."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Annotated

import asyncpg
import typer

from cli.each import on_each
from cli.errors import explain
from cli.system import System, find_system
from config.sections import ShardSettings
from messaging.errors import BrokerUnavailableError
from messaging.topics import check_topics, create_topics
from shards.check import check_shard
from shards.errors import ShardAwayError
from shards.migrate import migrate, set_up_shard
from shards.pool import ShardOptions

_CONNECT_S = 5.0
_AGAIN_S = 0.25

# A server that is just starting: nobody listens yet, or it listens and says "not yet".
_STARTING = (
    OSError,  # TimeoutError too
    asyncpg.CannotConnectNowError,
    asyncpg.PostgresConnectionError,
)


def migrate_command(
    wait: Annotated[
        float, typer.Option(help="Seconds to wait for databases and brokers that are starting.")
    ] = 60.0,
) -> None:
    """Brings the tables of every shard up to date and makes the Kafka topics.

    Safe to repeat: what is there and right is left alone. Exits with 1 when something failed.
    """
    system = find_system()
    if not asyncio.run(_migrate_all(system, deadline=time.monotonic() + wait)):
        raise typer.Exit(1)


async def _migrate_all(system: System, *, deadline: float) -> bool:
    async with asyncio.TaskGroup() as tasks:
        shards = [
            tasks.create_task(_told(shard.name, _migrate_shard(shard, system, deadline)))
            for shard in system.shards
        ]
    if not all(shard.result() for shard in shards):
        return False
    return await _told("topics", _make_topics(system, deadline))


async def _told(what: str, work: Awaitable[str]) -> bool:
    """Prints the line that `work` returns, or why it failed; True if it did not."""
    try:
        print(f"{what}: {await work}", flush=True)
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        print(f"{what}: FAILED: {line.removeprefix(f'{what}: ')}", flush=True)
        return False
    return True


async def _migrate_shard(shard: ShardSettings, system: System, deadline: float) -> str:
    await _wait_for_database(shard, deadline)
    applied = await migrate(shard.dsn, shard=shard.name)
    is_new = await set_up_shard(
        shard.dsn, shard=shard.name, owned=frozenset(shard.buckets), buckets=system.buckets
    )
    allow_unsafe = system.settings.postgres.allow_unsafe
    await on_each(
        [shard],
        lambda opened: check_shard(opened, buckets=system.buckets, allow_unsafe=allow_unsafe),
        options=ShardOptions(pool_size=1),
    )
    said = f"applied {', '.join(applied)}" if applied else "up to date"
    return f"{said}, set up with {len(shard.buckets)} buckets" if is_new else said


async def _wait_for_database(shard: ShardSettings, deadline: float) -> None:
    while True:
        try:
            conn = await asyncpg.connect(shard.dsn, timeout=_CONNECT_S)
        except _STARTING as error:
            if time.monotonic() >= deadline:
                raise ShardAwayError(shard.name, f"no answer: {error!r}") from error
            await asyncio.sleep(_AGAIN_S)
        else:
            await conn.close()
            return


async def _make_topics(system: System, deadline: float) -> str:
    kafka = system.settings.kafka
    created = await _create_topics(system, deadline)
    await check_topics(
        bootstrap=system.bootstrap,
        names=system.topics,
        partitions=system.buckets,
        replication_factor=kafka.replication_factor,
        min_insync_replicas=kafka.min_insync_replicas,
    )
    return f"created {', '.join(created)}" if created else "up to date"


async def _create_topics(system: System, deadline: float) -> list[str]:
    kafka = system.settings.kafka
    while True:
        try:
            return await create_topics(
                bootstrap=system.bootstrap,
                names=system.topics,
                partitions=system.buckets,
                replication_factor=kafka.replication_factor,
                min_insync_replicas=kafka.min_insync_replicas,
            )
        except BrokerUnavailableError:
            if time.monotonic() >= deadline:
                raise
            await asyncio.sleep(_AGAIN_S)
