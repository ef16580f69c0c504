"""What transfers and holds came to: runs in which too little happens show too little."""

from collections import Counter
from collections.abc import Mapping, Sequence

from reliability.simulation.wires import Database

_ENDINGS = """
SELECT ending, count(*) AS times FROM (
    SELECT
        CASE
            WHEN hold_id IS NOT NULL THEN 'capture'
            WHEN refund_of IS NOT NULL THEN 'refund'
            ELSE 'transfer'
        END || ' ' || status AS ending
    FROM transfers
    UNION ALL
    SELECT
        'hold ' || status || CASE
            WHEN status = 'captured' AND captured = amount THEN ' whole'
            WHEN status = 'captured' THEN ' in part'
            WHEN status = 'expired' AND (ended_at AT TIME ZONE 'UTC')::date
                > (created_at AT TIME ZONE 'UTC')::date THEN ' on a later day'
            ELSE ''
        END
    FROM holds
    UNION ALL
    SELECT 'limit exceeded by ' || kind FROM (
        SELECT 'transfer' AS kind, reason FROM transfers
        UNION ALL SELECT 'hold', reason FROM holds
        UNION ALL SELECT kind, reason FROM movements
    ) AS refused
    WHERE reason = 'limit_exceeded'
) AS endings
GROUP BY ending
"""
# About a third of what fifty seeds come to: whatever a change to the simulation leaves out, shows.
_LEAST_OF_FIFTY_SEEDS = {
    "transfer completed": 140,
    "transfer cancelled": 40,
    "transfer refunded": 12,
    "transfer rejected": 75,
    "hold captured whole": 18,
    "hold captured in part": 10,
    "hold voided": 15,
    "hold expired": 14,
    "hold expired on a later day": 7,
    "hold open": 16,
    "capture completed": 48,
    "capture refunded": 3,
    "capture rejected": 4,
    "refund completed": 22,
    "refund cancelled": 15,
    "refund refunded": 30,
    "refund rejected": 12,
    "limit exceeded by transfer": 16,
    "limit exceeded by hold": 8,
    "limit exceeded by withdrawal": 1,
}


async def count_endings(databases: Sequence[Database]) -> Counter[str]:
    """How often each ending is among the rows."""
    rows = [row for database in databases for row in await database.rows(_ENDINGS)]
    endings: Counter[str] = Counter()
    for row in rows:
        endings[row["ending"]] += row["times"]
    return endings


def too_rare(endings: Mapping[str, int], *, seeds: int) -> list[str]:
    """Endings that so many seeds did not reach as often as they should."""
    return [
        f"{endings.get(ending, 0)} times {ending!r}, at least {least} were due"
        for ending, of_fifty in _LEAST_OF_FIFTY_SEEDS.items()
        if endings.get(ending, 0) < (least := of_fifty * seeds // 50)
    ]
