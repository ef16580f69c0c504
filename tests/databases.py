"""Databases for one test: cloned from a migrated template, dropped afterwards."""

import secrets
from dataclasses import dataclass, replace

import asyncpg

from shards.migrate import migrate, set_up_shard
from shards.pool import ShardOptions
from shards.router import ShardMap
from shards.shard import Shard

TEMPLATE = "holdfast_template"


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
    """Clones `count` shards, dealt out over the servers in turn, buckets likewise.

    Args:
        server_dsns: each `postgresql://.../postgres` of a server that has the template.
        count: shards.
        buckets: hash slots of the system.
    """
    made = []
    for index in range(count):
        server = server_dsns[index % len(server_dsns)]
        database = f"test_{secrets.token_hex(6)}"
        await _run(server, f'CREATE DATABASE "{database}" TEMPLATE "{TEMPLATE}"')
        dsn = server.rsplit("/", 1)[0] + f"/{database}"
        shard = ShardDatabase(f"shard{index}", dsn, tuple(range(index, buckets, count)))
        await set_up_shard(dsn, shard=shard.name, owned=frozenset(shard.buckets), buckets=buckets)
        made.append(shard)
    return made


async def drop_shards(shards: list[ShardDatabase]) -> None:
    """Drops them, with whatever is still connected."""
    for shard in shards:
        server, database = shard.dsn.rsplit("/", 1)
        await _run(f"{server}/postgres", f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


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
