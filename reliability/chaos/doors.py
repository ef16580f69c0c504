"""Wallets that are closed or frozen by hand, in SQL: some for good, some again and again."""

import asyncio
from collections.abc import Mapping

import asyncpg

from reliability.chaos.load.cast import Cast
from reliability.chaos.operators import set_status

_EVERY_S = 0.35
_DATABASE_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Doors:
    """Opens and closes. Each update is a transaction that locks the users' rows for an instant."""

    def __init__(self, dsns: Mapping[str, str], cast: Cast) -> None:
        self._dsns = dsns
        self._cast = cast

    async def shut_for_good(self) -> None:
        """One wallet is closed and one frozen, before the load begins."""
        for dsn in self._dsns.values():
            conn = await asyncpg.connect(dsn, timeout=5.0)
            try:
                await set_status(conn, [self._cast.closed], "closed")
                await set_status(conn, [self._cast.frozen], "frozen")
            finally:
                await conn.close()

    async def run(self) -> None:
        """Until it is cancelled, on all shards; one that is away keeps its doors as they are."""
        async with asyncio.TaskGroup() as group:
            for dsn in self._dsns.values():
                group.create_task(self._swing(dsn))

    async def _swing(self, dsn: str) -> None:
        while True:
            try:
                async with asyncio.timeout(30.0):
                    conn = await asyncpg.connect(dsn, timeout=2.0)
                try:
                    while True:
                        await self._set(conn, payees="closed", payers="frozen")
                        await self._set(conn, payees="open", payers="open")
                finally:
                    conn.terminate()
            except _DATABASE_ERRORS:
                await asyncio.sleep(1.0)

    async def _set(
        self, conn: "asyncpg.Connection[asyncpg.Record]", *, payees: str, payers: str
    ) -> None:
        async with asyncio.timeout(5.0):
            await set_status(conn, self._cast.doors, payees)
            await set_status(conn, self._cast.chilled, payers)
        await asyncio.sleep(_EVERY_S)
