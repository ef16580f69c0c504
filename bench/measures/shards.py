"""What the databases tell: counters of the server, and the rows of transfers."""

from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime

import asyncpg

_TOTALS = """
SELECT
    clock_timestamp() AS now,
    (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint AS wal_bytes,
    (SELECT sum(xact_commit)::bigint FROM pg_stat_database WHERE datname = ANY($1::text[]))
        AS commits
"""
_OPEN = "SELECT count(*) FROM transfers WHERE next_attempt_at IS NOT NULL"
_ENDED = """
SELECT status, count(*) AS transfers
FROM transfers
WHERE ended_at >= $1 AND ended_at < $2
GROUP BY status
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Counters at one moment.

    Attributes:
        now: by the server's clock, which all shards share.
        wal_bytes: written to its log so far.
        commits: of the shards' databases; each backend tells its own about once a second.
    """

    now: datetime
    wal_bytes: int
    commits: int


class ShardReads:
    """Reads all shards, which are on one server; `connect` first, and `close`."""

    def __init__(self, dsns: Sequence[str]) -> None:
        self._dsns = dsns
        self._stack = AsyncExitStack()
        self._connections: list[asyncpg.Connection[asyncpg.Record]] = []

    async def connect(self) -> None:
        """Opens a connection to each shard."""
        for dsn in self._dsns:
            connection = await asyncpg.connect(dsn)
            self._stack.push_async_callback(connection.close)
            self._connections.append(connection)

    async def close(self) -> None:
        """Ends the connections."""
        await self._stack.aclose()

    async def totals(self) -> Totals:
        """The server's counters."""
        names = [dsn.rsplit("/", 1)[1] for dsn in self._dsns]
        row = await self._connections[0].fetchrow(_TOTALS, names)
        assert row is not None
        return Totals(**dict(row))

    async def open_transfers(self) -> int:
        """Transfers that are not over."""
        return sum([int(await conn.fetchval(_OPEN)) for conn in self._connections])

    async def ended(self, since: datetime, until: datetime) -> Counter[str]:
        """Transfers that ended in this time, by their status."""
        found: Counter[str] = Counter()
        for connection in self._connections:
            for row in await connection.fetch(_ENDED, since, until):
                found[row["status"]] += row["transfers"]
        return found
