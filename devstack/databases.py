"""The shard databases on the server of `make run`."""

import asyncio
from collections.abc import Iterable
from urllib.parse import urlsplit

import asyncpg

_TIMEOUT_S = 20.0


def create_missing(server_dsn: str, shard_dsns: Iterable[str]) -> list[str]:
    """Creates the databases that the addresses name and the server lacks; returns their names."""
    names = [urlsplit(dsn).path.lstrip("/") for dsn in shard_dsns]
    return asyncio.run(_create_missing(server_dsn, names))


async def _create_missing(server_dsn: str, names: list[str]) -> list[str]:
    async with asyncio.timeout(_TIMEOUT_S):
        connection = await asyncpg.connect(server_dsn)
        try:
            rows = await connection.fetch("select datname from pg_database")
            missing = sorted(set(names) - {row["datname"] for row in rows})
            for name in missing:
                quoted = name.replace('"', '""')
                await connection.execute(f'create database "{quoted}"')
        finally:
            await connection.close()
    return missing
