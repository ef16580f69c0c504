"""The connections of one simulated process to one shard: a pool in which every I/O is asked for."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg

import shards.statements
from reliability.simulation.operations import Io, Operation
from reliability.simulation.process import Process
from reliability.simulation.wires import Database, Wire
from shards.connection import Row
from shards.statements import load_statements

_SQL_FILES = Path(shards.statements.__file__).with_name("sql")


_NEVER_WAIT = ("COMMIT", "ROLLBACK")
# A part of what `shards.writes` puts together.
_PART = re.compile(r"(?:WITH|,)\s+(\w+) AS (?:MATERIALIZED )?\(")
# A statement that commits by itself: `shards.writes` puts its parts behind a gate.
_COMMITS = "FROM gate"


class Session:
    """A connection as a step is given it: each of its four verbs is one I/O of the process."""

    def __init__(self, pool: "SessionPool", wire: Wire) -> None:
        self._pool = pool
        self.wire = wire
        self.is_closed = False

    async def execute(self, query: str, *args: Any) -> str:
        """As asyncpg."""
        done: str = await self._io(query, lambda: self.wire.conn.execute(query, *args))
        return done

    async def fetch(self, query: str, *args: Any) -> Sequence[Row]:
        """As asyncpg."""
        rows: Sequence[Row] = await self._io(query, lambda: self.wire.conn.fetch(query, *args))
        return rows

    async def fetchrow(self, query: str, *args: Any) -> Row | None:
        """As asyncpg."""
        row: Row | None = await self._io(query, lambda: self.wire.conn.fetchrow(query, *args))
        return row

    async def fetchval(self, query: str, *args: Any) -> Any:
        """As asyncpg."""
        return await self._io(query, lambda: self.wire.conn.fetchval(query, *args))

    def terminate(self) -> None:
        """Drops the socket: whoever waits for an answer gets none."""
        if not self.is_closed:
            self.is_closed = True
            self._pool.lost(self)

    def _break(self) -> Exception:
        self.terminate()
        return _gone()

    async def _io(self, query: str, run: Callable[[], Awaitable[Any]]) -> Any:
        if self.is_closed:
            raise _gone()
        return await self._pool.process.io(
            Operation(
                process=self._pool.process,
                kind=Io.COMMIT if query == "COMMIT" or _COMMITS in query else Io.STATEMENT,
                what=f"{self._pool.database.name} {name_of(query)}",
                carry_out=lambda: _tracked(self.wire, query, run),
                failure=self._break,
                wire=self.wire,
                may_wait=query not in _NEVER_WAIT,
            )
        )


class SessionPool:
    """As asyncpg's pool; `lost` is told of every session that ends."""

    def __init__(
        self,
        *,
        process: Process,
        database: Database,
        size: int,
        on_lost: Callable[[Session], None],
    ) -> None:
        self.process = process
        self.database = database
        self._size = size
        self._on_lost = on_lost
        self._free: list[Session] = []
        self._sessions: list[Session] = []
        self._room = asyncio.Semaphore(size)

    async def acquire(self, *, timeout: float) -> Session:  # noqa: ASYNC109 - asyncpg's name
        """A free session, or a new one."""
        async with asyncio.timeout(timeout):
            await self._room.acquire()
        if self._free:
            return self._free.pop()
        try:
            wire: Wire = await self.process.io(
                Operation(
                    process=self.process,
                    kind=Io.CONNECT,
                    what=f"{self.database.name} connect",
                    carry_out=self.database.take,
                    failure=lambda: ConnectionRefusedError("simulated"),
                )
            )
        except BaseException:
            self._room.release()
            raise
        session = Session(self, wire)
        self._sessions.append(session)
        return session

    async def release(self, connection: Session) -> None:
        """Takes a session back."""
        self._room.release()
        if not connection.is_closed:
            self._free.append(connection)

    def lost(self, session: Session) -> None:
        """A session has ended."""
        self._sessions.remove(session)
        self._on_lost(session)

    def get_size(self) -> int:
        """Sessions there are."""
        return len(self._sessions)

    def get_idle_size(self) -> int:
        """Sessions that are free."""
        return len(self._free)

    def get_max_size(self) -> int:
        """Sessions there may be."""
        return self._size

    async def close(self) -> None:
        """Ends all sessions."""
        self.terminate()

    def terminate(self) -> None:
        """Ends all sessions."""
        for session in list(self._sessions):
            session.terminate()
        self._free.clear()


async def _tracked(wire: Wire, query: str, run: Callable[[], Awaitable[Any]]) -> Any:
    if query.startswith("BEGIN"):
        wire.in_transaction = True
    result = await run()
    if query in ("COMMIT", "ROLLBACK"):
        wire.in_transaction = False
    return result


def _gone() -> Exception:
    return asyncpg.ConnectionDoesNotExistError("simulated: the connection is gone")


@cache
def _names() -> dict[str, str]:
    return {
        sql: f"{path.stem}.{name}"
        for path in sorted(_SQL_FILES.glob("*.sql"))
        for name, sql in load_statements(path.stem).items()
    }


def name_of(query: str) -> str:
    """The name of the block a statement comes from, those of its parts, or the statement itself."""
    return _names().get(query) or " + ".join(_PART.findall(query)) or query
