"""The connection a step is given: all its SQL goes through these four verbs.

A narrow seam: crash points and simulations wrap it, asyncpg's connection satisfies it.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import asyncpg

Row = asyncpg.Record


class Connection(Protocol):
    """What steps use of asyncpg's connection. Amounts come and go as `int`."""

    async def execute(self, query: str, *args: Any) -> str:
        """Runs a statement and returns its command tag."""
        ...

    async def fetch(self, query: str, *args: Any) -> Sequence[Row]:
        """All rows of a statement."""
        ...

    async def fetchrow(self, query: str, *args: Any) -> Row | None:
        """The first row of a statement."""
        ...

    async def fetchval(self, query: str, *args: Any) -> Any:
        """The first column of the first row."""
        ...
