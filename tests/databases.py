"""Databases for one test: cloned from templates, dropped afterwards."""

import secrets
from dataclasses import dataclass, replace

import asyncpg

from shards.migrate import migrate, set_up_shard
from shards.pool import ShardOptions
from shards.router import ShardMap
from shards.shard import Shard

TEMPLATE = "holdfast_template"
# Half the time of the default, which writes all of the template to the log as well.
CLONE = 'CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY FILE_COPY'
_IS_THERE = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"


@dataclass(frozen=True, slots=True)
class ShardDatabase:
    """One shard's database, set up and empty."""

    name: str
    dsn: str
    buckets: tuple[int, ...]


async def create_template(server_dsn: str, template_dsn: str) -> None:
    """Makes the migrated database that tests clone."""
    await _run(server_dsn, f'CREATE DATABASE "{TEMPLATE}"')
    await migrate(template_dsn, shard="template")


async def create_shards(server_dsns: list[str], *, count: int, buckets: int) -> list[ShardDatabase]:
    """Clones `count` empty shards, dealt out over the servers in turn, buckets likewise.

    The first of its kind on a server is set up and kept as the template of all others.

    Args:
        server_dsns: each `postgresql://.../postgres` of a server that has the template.
        count: shards.
        buckets: hash slots of the system.
    """
    made = []
    for index in range(count):
        server = server_dsns[index % len(server_dsns)]
        owned = tuple(range(index, buckets, count))
        database = f"test_{secrets.token_hex(6)}"
        shard = ShardDatabase(f"shard{index}", beside(server, database), owned)
        template = f"template_{index}_of_{count}_with_{buckets}"
        conn = await asyncpg.connect(server)
        try:
            if not await conn.fetchval(_IS_THERE, template):
                await conn.execute(CLONE.format(database=template, template=TEMPLATE))
                await set_up_shard(
                    beside(server, template),
                    shard=shard.name,
                    owned=frozenset(owned),
                    buckets=buckets,
                )
            await conn.execute(CLONE.format(database=database, template=template))
        finally:
            await conn.close()
        made.append(shard)
    return made


def beside(dsn: str, database: str) -> str:
    """The address of another database on the server of this one."""
    return dsn.rsplit("/", 1)[0] + f"/{database}"


async def drop_shards(shards: list[ShardDatabase]) -> None:
    """Drops them, with whatever is still connected."""
    for shard in shards:
        database = shard.dsn.rsplit("/", 1)[1]
        server = beside(shard.dsn, "postgres")
        await _run(server, f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


def open_map(shards: list[ShardDatabase], *, buckets: int) -> ShardMap:
    """A router over test shards; close it."""
    return ShardMap(
        [
            Shard(name=s.name, dsn=s.dsn, buckets=s.buckets, options=ShardOptions(lock_s=1.0))
            for s in shards
        ],
        buckets=buckets,
    )


def moved(shards: list[ShardDatabase], bucket: int) -> list[ShardDatabase]:
    """What a map that is wrong about one bucket says: another of two shards has it."""
    return [replace(s, buckets=tuple(sorted({*s.buckets} ^ {bucket}))) for s in shards]


async def _run(dsn: str, statement: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(statement)
    finally:
        await conn.close()
