"""Copies of two shards that a test may break."""

import secrets
from dataclasses import replace

import asyncpg

from audit.reader import Row
from tests.databases import CLONE, ShardDatabase, beside, drop_shards


async def run(dsn: str, sql: str) -> list[Row]:
    """One statement, on a connection of its own."""
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetch(sql)
    finally:
        await conn.close()


async def drop_constraints(database: ShardDatabase) -> None:
    """Drops what would refuse a corruption."""
    conn = await asyncpg.connect(database.dsn)
    try:
        await conn.execute("DROP TRIGGER operator_acts_only_added_to ON operator_acts")
        drops = await conn.fetchval(
            "SELECT string_agg(format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE',"
            " conrelid::regclass, conname), '; ') FROM pg_constraint"
            " WHERE contype <> 'n' AND conrelid <> 0 AND connamespace = 'public'::regnamespace"
        )
        await conn.execute(drops)
    finally:
        await conn.close()


class Clones:
    """Shards, of which each is the original until a copy of it is asked for."""

    def __init__(self, pristine: list[ShardDatabase]) -> None:
        self.shards = list(pristine)
        self._made: list[ShardDatabase] = []

    async def of(self, index: int) -> ShardDatabase:
        """A copy, in the place of the original."""
        database = self.shards[index]
        name = database.dsn.rsplit("/", 1)[1]
        clone = f"test_{secrets.token_hex(6)}"
        await run(beside(database.dsn, "postgres"), CLONE.format(database=clone, template=name))
        self.shards[index] = replace(database, dsn=beside(database.dsn, clone))
        self._made.append(self.shards[index])
        return self.shards[index]

    async def drop(self) -> None:
        """Drops the copies."""
        await drop_shards(self._made)
