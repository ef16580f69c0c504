"""The check at every start: that a database is the shard it is taken for, and safe to trust."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import TypeVar

import asyncpg
import structlog

from shards.errors import SchemaError, ShardTransientError
from shards.migrate import load_migrations
from shards.router import ShardMap
from shards.shard import Shard
from shards.statements import load_statements

_SQL = load_statements("check")
_AGAIN_S = 1.0

T = TypeVar("T")

_log = structlog.stdlib.get_logger(__name__)


async def check_shard(shard: Shard, *, buckets: int, allow_unsafe: bool) -> None:
    """Refuses a database that is not this shard, or that could lose an acknowledged commit.

    Raises:
        SchemaError: another shard's database, another number of buckets, not migrated, or fsync
            or synchronous_commit off and not `allow_unsafe`.
        ShardTransientError: it could not be asked.
    """
    async with shard.connection() as conn:
        try:
            facts = await conn.fetchrow(_SQL["read_schema_facts"])
        except asyncpg.UndefinedTableError as error:
            raise SchemaError(shard.name, "not migrated; run `holdfast migrate`") from error
        owned = {row["bucket"] for row in await conn.fetch(_SQL["read_owned_buckets"])}
    if facts is None:
        raise SchemaError(shard.name, "not set up; run `holdfast migrate`")
    if facts["shard"] != shard.name:
        raise SchemaError(shard.name, f"its DSN leads to the database of {facts['shard']}")
    if facts["buckets"] != buckets:
        raise SchemaError(
            shard.name,
            f"made with {facts['buckets']} buckets, HOLDFAST_BUCKETS says {buckets}: the number is"
            " fixed when a system is created",
        )
    if owned != shard.buckets:
        raise SchemaError(
            shard.name,
            f"owns buckets {sorted(owned)}, HOLDFAST_SHARDS says {sorted(shard.buckets)}",
        )
    lacking = [m.full_name for m in load_migrations() if m.version not in facts["versions"]]
    if lacking:
        raise SchemaError(shard.name, f"lacks {', '.join(lacking)}; run `holdfast migrate`")
    if not allow_unsafe and "off" in (facts["fsync"], facts["synchronous_commit"]):
        raise SchemaError(
            shard.name,
            "fsync or synchronous_commit is off: it can lose an acknowledged commit, which loses"
            " or doubles money; turn both on",
        )


async def check_shards(shards: ShardMap, *, allow_unsafe: bool) -> list[Shard]:
    """Checks all shards at once.

    Returns:
        Those that are away and so unchecked: `check_when_back` is for them.

    Raises:
        SchemaError: the first shard that must not be used.
    """

    async def check_one(shard: Shard) -> Shard | None:
        try:
            await check_shard(shard, buckets=shards.buckets, allow_unsafe=allow_unsafe)
        except ShardTransientError as error:
            _log.warning("shard.away_at_start", shard=shard.name, error=str(error))
            return shard
        return None

    checked = await _all_of(check_one(shard) for shard in shards.shards)
    return [shard for shard in checked if shard is not None]


async def check_when_back(away: Sequence[Shard], *, buckets: int, allow_unsafe: bool) -> None:
    """Waits for each shard that was away to answer, and checks it then.

    Raises:
        SchemaError: one came back as something that must not be used; the process is to end.
    """

    async def check_one(shard: Shard) -> None:
        while True:
            await asyncio.sleep(_AGAIN_S)
            try:
                await check_shard(shard, buckets=buckets, allow_unsafe=allow_unsafe)
            except ShardTransientError:
                continue
            _log.info("shard.back", shard=shard.name)
            return

    await _all_of(check_one(shard) for shard in away)


async def _all_of(checks: Iterable[Coroutine[None, None, T]]) -> list[T]:
    """What the checks say, in order; the first error as itself and not in a group."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(check) for check in checks]
    except BaseExceptionGroup as errors:
        # Not `except*`: Python before 3.11.4 wraps what is raised there in a group again.
        first: BaseException = errors.exceptions[0]
    else:
        return [task.result() for task in tasks]
    raise first
