"""All rows of all shards as one digest: what is refused must not change it."""

from collections.abc import Sequence

import asyncpg

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"


async def digest(dsns: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Table and digest of its rows, of every table of every shard.

    Args:
        dsns: of databases that are small, and in which nothing moves meanwhile.
    """
    found: list[tuple[str, str]] = []
    for number, dsn in enumerate(dsns):
        conn = await asyncpg.connect(dsn)
        try:
            tables = [name for (name,) in await conn.fetch(_TABLES)]
            rows = await conn.fetch(" UNION ALL ".join(map(_rows_of, tables)))
            found += sorted((f"{number}:{table}", sum_) for table, sum_ in rows)
        finally:
            await conn.close()
    return tuple(found)


def _rows_of(table: str) -> str:
    # The name is from the catalogue.
    return (
        f"SELECT '{table}', coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text)), '-')"  # noqa: S608
        f' FROM "{table}" AS t'
    )
