"""What the shards say when all is over: how transfers ended, and what expired wrongly."""

from collections import Counter
from collections.abc import Collection, Mapping

import asyncpg

_ENDINGS = "SELECT status, coalesce(reason, '') AS reason, count(*) FROM transfers GROUP BY 1, 2"
# Clocks are set off by hours at the most, so whoever asked for longer may not see it expire.
_FALSE_EXPIRIES = """
    SELECT
        (SELECT count(*) FROM transfers
        WHERE status = 'cancelled' AND reason = 'expired' AND expires_at - created_at > '12 hours')
        + (SELECT count(*) FROM holds
        WHERE status = 'expired' AND expires_at - created_at > '12 hours')
"""
_ONES = """
    SELECT id, status, reason, attempts, created_at, debited_at, ended_at, expires_at
    FROM transfers WHERE id = ANY($1::uuid[])
    UNION ALL
    SELECT id, 'hold ' || status, reason, NULL, created_at, NULL, ended_at, expires_at
    FROM holds WHERE id = ANY($1::uuid[])
"""
_CONNECT_S = 10.0


async def read_endings(dsns: Mapping[str, str]) -> tuple[Counter[str], Counter[str], int]:
    """Transfers per status, per reason, and false expiries, of all shards."""
    statuses = Counter[str]()
    reasons = Counter[str]()
    false_expiries = 0
    for dsn in dsns.values():
        conn = await asyncpg.connect(dsn, timeout=_CONNECT_S)
        try:
            for row in await conn.fetch(_ENDINGS):
                statuses[row["status"]] += row["count"]
                if row["reason"]:
                    reasons[row["reason"]] += row["count"]
            false_expiries += await conn.fetchval(_FALSE_EXPIRIES)
        finally:
            await conn.close()
    return statuses, reasons, false_expiries


async def read_ones(dsns: Mapping[str, str], ids: Collection[str]) -> list[dict[str, str]]:
    """The rows of some transfers and holds, for who asks why they took so long."""
    rows: list[dict[str, str]] = []
    for shard, dsn in dsns.items():
        conn = await asyncpg.connect(dsn, timeout=_CONNECT_S)
        try:
            found = await conn.fetch(_ONES, list(ids))
        finally:
            await conn.close()
        rows += [
            {"shard": shard} | {name: str(value) for name, value in row.items()} for row in found
        ]
    return rows
