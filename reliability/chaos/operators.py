"""What operators do that clients feel: by hand, in SQL, past the gateways.

Each is one function, so that a route of the gateway can take its place.
"""

from collections.abc import Mapping, Sequence

import asyncpg

from reliability.chaos.load.cast import Member

_CONNECT_S = 5.0
_SET_STATUS = "UPDATE users SET status = $2 WHERE id = ANY($1::uuid[])"
_SET_ROLE = "UPDATE users SET role = 'operator' WHERE id = $1::uuid"


async def set_status(
    conn: "asyncpg.Connection[asyncpg.Record]", members: Sequence[Member], status: str
) -> None:
    """Freezes, closes or opens the wallets of those who are on this shard."""
    await conn.execute(_SET_STATUS, [member.id for member in members], status)


async def make_operator(dsns: Mapping[str, str], member: Member) -> None:
    """Makes an operator of a member, wherever it is; its next token says so."""
    for dsn in dsns.values():
        conn = await asyncpg.connect(dsn, timeout=_CONNECT_S)
        try:
            await conn.execute(_SET_ROLE, member.id)
        finally:
            await conn.close()
