"""What a transaction writes, gathered first and written in one statement.

A round trip costs more than most rows do. PostgreSQL runs the data-modifying parts of one
statement on one snapshot, and no part sees another's rows: each part writes a table of its own.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shards.connection import Connection

_PARAMETER = re.compile(r"\$(\d+)")


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


@lru_cache(maxsize=256)
def _one_statement(parts: tuple[tuple[str, str, int], ...]) -> str:
    """The parts as CTEs of one statement, each with its parameters moved behind those before."""
    ctes, counts, offset = [], [], 0
    for name, sql, parameters in parts:
        ctes.append(f"{name} AS (\n{_moved(sql, offset)}\n)")
        counts.append(f"(SELECT count(*) FROM {name})")  # noqa: S608 - names of our own blocks
        offset += parameters
    return f"WITH {', '.join(ctes)}\nSELECT {', '.join(counts)}"


def _moved(sql: str, offset: int) -> str:
    return _PARAMETER.sub(lambda number: f"${int(number[1]) + offset}", sql)
