"""What a transaction writes, gathered first and written in one statement.

A round trip costs more than most rows do. PostgreSQL runs the data-modifying parts of one
statement on one snapshot, and no part sees another's rows: each part writes rows of its own.

Two ways to write. `write_together` is for a transaction that has locked its users before it read.
`write_unless_changed` takes no lock before it writes: it locks the users and makes sure that they
are as they were read, in the statement that writes, which commits by itself. It rests on this:
whatever changes a user's transfers, holds, movements or accounts, or what is refunded of its
credits, tells an event of the user, so its count is the version of all of them.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import asyncpg

from shards.connection import Connection
from shards.shard import Shard
from shards.statements import load_statements
from shards.users import LockedUser

_SQL = load_statements("writes")

_PARAMETER = re.compile(r"\$(\d+)")
# What `require_rows` raises, with the part and the number of rows as its detail.
_OTHER_COUNT = "HFB02"
# One row without columns if all users could be locked as they were read, else none.
_GATE = f"""locked AS MATERIALIZED (
{_SQL["lock_unless_changed"]}
),
gate AS MATERIALIZED (SELECT FROM locked HAVING count(*) = $4::bigint)"""
# Where a part's rows come from: none without the gate's.
_SOURCE = "FROM unnest("
_GATED = "FROM gate, unnest("


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One part of what is written.

    Attributes:
        name: of the part; a statement has each name once.
        sql: an INSERT or UPDATE of its own that returns a row for each row it wrote.
        parameters: `$1`, `$2`, ... of `sql`; the first is a column, with a value for each row.
        wrong: the error to raise, told how many rows were written, when it is another number.
    """

    name: str
    sql: str
    parameters: tuple[Any, ...]
    wrong: Callable[[int], Exception]

    @property
    def rows(self) -> int:
        """How many rows have to be written."""
        return len(self.parameters[0])


async def write_together(conn: Connection, writes: Iterable[Write]) -> None:
    """Writes all parts in one statement; nothing for no parts.

    Raises:
        Exception: what the first part says whose count is off; the transaction is to be given up.
    """
    parts = list(writes)
    if not parts:
        return
    query = _one_statement(tuple((part.name, part.sql, len(part.parameters)) for part in parts))
    row = await conn.fetchrow(query, *(value for part in parts for value in part.parameters))
    assert row is not None
    for part, written in zip(parts, row, strict=True):
        if written != part.rows:
            raise part.wrong(written)


async def write_unless_changed(
    shard: Shard,
    conn: Connection,
    writes: Iterable[Write],
    *,
    users: Collection[LockedUser],
    buckets: Collection[int],
) -> bool:
    """Writes all parts in one statement that commits by itself, if nobody has changed the users.

    Args:
        shard: of `conn`.
        conn: outside a transaction.
        writes: one part at the least.
        users: as they were read, in statements before; every user whose rows are written.
        buckets: every bucket whose rows are written.

    Returns:
        False if nothing was written: a user has changed since it was read, or is locked by others.

    Raises:
        Exception: what the first part says whose count is off; nothing was written.
        CommitUnknownError: the connection broke; it may have been written.
        BucketNotHereError: this shard does not own one of the buckets.
    """
    parts = list(writes)
    query = _gated_statement(tuple((part.name, part.sql, len(part.parameters)) for part in parts))
    seen = list(users)
    try:
        is_open = await shard.write_at_once(
            conn,
            query,
            [user.id for user in seen],
            [user.event_sequence for user in seen],
            [user.status.value for user in seen],
            len(seen),
            list(buckets),
            [part.rows for part in parts],
            *(value for part in parts for value in part.parameters),
        )
    except asyncpg.PostgresError as error:
        if error.sqlstate != _OTHER_COUNT:
            raise
        name, written = str(error.detail).split()
        raise next(part for part in parts if part.name == name).wrong(int(written)) from error
    return bool(is_open)


@lru_cache(maxsize=256)
def _one_statement(parts: tuple[tuple[str, str, int], ...]) -> str:
    """The parts as CTEs of one statement, each with its parameters moved behind those before."""
    ctes, counts, offset = [], [], 0
    for name, sql, parameters in parts:
        ctes.append(f"{name} AS (\n{_moved(sql, offset)}\n)")
        counts.append(f"(SELECT count(*) FROM {name})")  # noqa: S608 - names of our own blocks
        offset += parameters
    return f"WITH {', '.join(ctes)}\nSELECT {', '.join(counts)}"


@lru_cache(maxsize=256)
def _gated_statement(parts: tuple[tuple[str, str, int], ...]) -> str:
    """As `_one_statement`, behind a gate that is open while the users are as they were read.

    No part has a row before the gate is known to be open, so users are locked before anything else
    is, as everywhere.
    """
    ctes, checks, offset = [_GATE], ["count(*) = 1"], 6
    for number, (name, sql, parameters) in enumerate(parts, start=1):
        assert sql.count(_SOURCE) == 1, f"{name} cannot be gated"
        ctes.append(f"{name} AS (\n{_moved(sql.replace(_SOURCE, _GATED), offset)}\n)")
        expected = f"CASE WHEN count(*) = 1 THEN ($6::bigint[])[{number}] ELSE 0 END"
        checks.append(
            f"require_rows('{name}', (SELECT count(*) FROM {name}), {expected})"  # noqa: S608 - ours
        )
        offset += parameters
    return f"WITH {', '.join(ctes)}\nSELECT {', '.join(checks)}, claim_buckets($5) FROM gate"


def _moved(sql: str, offset: int) -> str:
    return _PARAMETER.sub(lambda number: f"${int(number[1]) + offset}", sql)
