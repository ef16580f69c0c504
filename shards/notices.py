"""Notices of transfers that ended: pushed by NOTIFY, so that nobody polls rows.

A notice is a hint, never the truth: who gets one reads the row. Lost notices cost a waiter its
deadline and nothing else.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from shards.connection import Connection
from shards.statements import load_statements

_SQL = load_statements("notices")

CHANNEL = "holdfast_ended"
# A payload must be shorter than 8,000 bytes; an id and its comma are 37.
_IDS_PER_NOTICE = 200


async def send_notices(conn: Connection, ids: Sequence[UUID]) -> None:
    """Tells all listeners of this shard that these transfers ended.

    After the commit and in a transaction of its own: inside one, NOTIFY takes a lock of the whole
    server through the commit.
    """
    for start in range(0, len(ids), _IDS_PER_NOTICE):
        payload = ",".join(str(id_) for id_ in ids[start : start + _IDS_PER_NOTICE])
        await conn.execute(_SQL["send_notice"], CHANNEL, payload)


def parse_notice(payload: str) -> Iterable[UUID]:
    """The ids in a notice."""
    return (UUID(text) for text in payload.split(",") if text)
