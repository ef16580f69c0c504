"""A shard whose clock is off: `app_now()`, the only one that its SQL reads, is replaced."""

import asyncpg

_TIMEOUT_S = 10.0
_RIGHT = "SELECT clock_timestamp()"
_OFF = "SELECT clock_timestamp() + interval '{seconds} seconds'"
_REPLACE = "CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$"


async def set_clock(dsn: str, seconds: float) -> None:
    """Sets a database's clock off by so many seconds; 0 restores the function as it was made.

    Raises:
        OSError, asyncpg.PostgresError: the database is away.
    """
    body = _OFF.format(seconds=f"{seconds:.3f}") if seconds else _RIGHT
    conn = await asyncpg.connect(dsn, timeout=_TIMEOUT_S)
    try:
        await conn.execute(f"{_REPLACE}{body}$$", timeout=_TIMEOUT_S)
    finally:
        await conn.close(timeout=_TIMEOUT_S)
