"""One shard being read: a snapshot for what is judged, and a second connection for later reads."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

import asyncpg

from audit.report import AuditedShard

Row = asyncpg.Record

CHUNK_ROWS = 5_000
_CONNECT_S = 10.0
# One statement over a whole table; only a shard that hangs needs longer.
_STATEMENT_S = 600.0
_CLOSE_S = 5.0

_SESSION = {"application_name": "holdfast audit", "default_transaction_read_only": "on"}
# The checks join whole tables; without statistics yet, the planner takes them for empty ones and
# would compare each row with each.
_SNAPSHOT_SESSION = _SESSION | {"enable_nestloop": "off", "jit": "off", "work_mem": "64MB"}


class UnreadableError(Exception):
    """A shard did not answer, or not as a shard does; `shard` names it."""

    def __init__(self, shard: str, detail: str) -> None:
        super().__init__(f"{shard}: {detail}")
        self.shard = shard
        self.detail = detail


class ShardReader:
    """Two connections to one shard; `open_reader` makes it.

    Every method raises UnreadableError when the shard does not answer.
    """

    def __init__(
        self,
        shard: AuditedShard,
        snapshot: "asyncpg.Connection[Row]",
        later: "asyncpg.Connection[Row]",
    ) -> None:
        self.shard = shard
        self._snapshot = snapshot
        self._later = later
        self._later_free = asyncio.Lock()

    async def tune(self, sql: str) -> None:
        """Changes settings of the snapshot's transaction; may be several statements."""
        with _unreadable(self.shard.name):
            await self._snapshot.execute(sql)

    async def rows(self, sql: str, *args: object) -> Sequence[Row]:
        """All rows of a statement, in the snapshot."""
        with _unreadable(self.shard.name):
            return await self._snapshot.fetch(sql, *args)

    async def first_rows(self, sql: str, limit: int) -> Sequence[Row]:
        """The first rows of a statement, in the snapshot."""
        with _unreadable(self.shard.name):
            cursor = await self._snapshot.cursor(sql)
            return await cursor.fetch(limit)

    async def chunks(self, sql: str, *args: object) -> AsyncIterator[Sequence[Row]]:
        """The rows of a statement, in the snapshot, a few thousand at a time."""
        with _unreadable(self.shard.name):
            cursor = await self._snapshot.cursor(sql, *args)
        while True:
            with _unreadable(self.shard.name):
                rows = await cursor.fetch(CHUNK_ROWS)
            if not rows:
                return
            yield rows

    async def later_rows(self, sql: str, *args: object) -> Sequence[Row]:
        """The rows of a statement as they are now: later than any snapshot."""
        async with self._later_free:
            with _unreadable(self.shard.name):
                return await self._later.fetch(sql, *args)

    async def close(self) -> None:
        """Ends both connections; never raises."""
        for conn in (self._snapshot, self._later):
            await _close(conn)


async def open_reader(shard: AuditedShard) -> ShardReader:
    """Connects twice and takes the snapshot.

    Raises:
        UnreadableError: it does not answer.
    """
    with _unreadable(shard.name):
        snapshot = await _connect(shard.dsn, _SNAPSHOT_SESSION)
        try:
            await snapshot.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            # The first statement takes the snapshot.
            await snapshot.execute("SELECT 1")
            return ShardReader(shard, snapshot, await _connect(shard.dsn, _SESSION))
        except BaseException:
            await _close(snapshot)
            raise


async def _connect(dsn: str, session: dict[str, str]) -> "asyncpg.Connection[Row]":
    conn: asyncpg.Connection[Row] = await asyncpg.connect(
        dsn, timeout=_CONNECT_S, command_timeout=_STATEMENT_S, server_settings=session
    )
    return conn


async def _close(conn: "asyncpg.Connection[Row]") -> None:
    try:
        await conn.close(timeout=_CLOSE_S)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        conn.terminate()


@contextmanager
def _unreadable(shard: str) -> Iterator[None]:
    try:
        yield
    except asyncpg.UndefinedTableError as error:
        raise UnreadableError(shard, "not migrated; run `holdfast migrate`") from error
    except (
        OSError,  # TimeoutError too
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
    ) as error:
        raise UnreadableError(shard, f"{type(error).__name__}: {error}") from error
