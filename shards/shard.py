"""One shard: its connections, its transactions, and its errors told in our words."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import asyncpg

from shards.connection import Connection
from shards.errors import (
    BucketNotHereError,
    CommitUnknownError,
    RolledBackError,
    ShardAwayError,
    ShardBusyError,
)
from shards.pool import OpenPool, Pool, ShardOptions, open_asyncpg_pool
from shards.statements import load_statements

_SQL = load_statements("shard")

# What asyncpg raises when the server or the way to it is gone (kill -9 of a postmaster shows up as
# InternalClientError four times of five, see asyncpg issue 1069).
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.OperatorInterventionError,
    asyncpg.InvalidCatalogNameError,
    # After a failover, until the connection is made anew.
    asyncpg.ReadOnlySQLTransactionError,
)
_BUSY = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.InsufficientResourcesError,
)

# What `claim_buckets` raises.
_NOT_OWNED = "HFB01"


class Shard:
    """One PostgreSQL database and the buckets that live on it.

    Opens nothing when made: the first use connects, and a shard that is away is found out then.
    """

    def __init__(
        self,
        *,
        name: str,
        dsn: str,
        buckets: Collection[int],
        options: ShardOptions,
        open_pool: OpenPool = open_asyncpg_pool,
    ) -> None:
        self.name = name
        self.dsn = dsn
        self.buckets = frozenset(buckets)
        self._options = options
        self._open_pool = open_pool
        self._pool: Pool | None = None
        self._opening = asyncio.Lock()

    @property
    def unlocked_max(self) -> int:
        """How many items of a step may go without locks first."""
        return self._options.unlocked_max

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for single statements, each its own transaction.

        Raises:
            ShardAwayError: no connection, or it broke, or it took longer than `transaction_s`.
            ShardBusyError: no free connection in time, or a lock was not to be had.
        """
        try:
            pool = await self._opened()
            raw = await self._acquire(pool)
        except (*_AWAY, asyncpg.PostgresError) as error:
            # Too many connections or a wrong password too: whatever the server says, nothing ran.
            raise ShardAwayError(self.name, f"no connection: {error!r}") from error
        # No CancelRequest at the deadline: cancelling a statement that commits is how a
        # transaction that happened is taken for one that did not. The socket is dropped instead.
        watchdog = asyncio.get_running_loop().call_later(self._options.transaction_s, _drop, raw)
        try:
            yield cast("Connection", raw)
        except _BUSY as error:
            raise ShardBusyError(self.name, str(error)) from error
        except _AWAY as error:
            _drop(raw)
            raise ShardAwayError(self.name, f"connection lost: {error!r}") from error
        except AttributeError as error:
            # asyncpg takes no notice of a drop between the two halves of a statement.
            if not _is_dropped(raw):
                raise
            raise ShardAwayError(self.name, f"connection lost: {error!r}") from error
        except asyncio.CancelledError:
            _drop(raw)
            raise
        finally:
            watchdog.cancel()
            await pool.release(raw)

    @asynccontextmanager
    async def transaction(self, buckets: Collection[int]) -> AsyncIterator[Connection]:
        """One READ COMMITTED transaction over rows of `buckets`, committed when the block ends.

        It holds a shared lock on each bucket until the end, so a bucket cannot move away meanwhile.

        Args:
            buckets: every bucket whose rows the block reads under lock or writes.

        Raises:
            CommitUnknownError: the connection broke during COMMIT; run the same step again.
            BucketNotHereError: this shard does not own one of the buckets.
            RolledBackError: the block went on after a statement that failed.
            ShardAwayError, ShardBusyError: as `connection`; nothing was written.
        """
        async with self.connection() as conn:
            try:
                await self._begin(conn, buckets)
                yield conn
            except Exception:
                await _rollback(conn)
                raise
            try:
                done = await conn.execute("COMMIT")
            except _AWAY as error:
                _drop(conn)
                raise CommitUnknownError(self.name, repr(error)) from error
            if done != "COMMIT":
                raise RolledBackError(self.name, f"COMMIT answered {done}")

    async def write_at_once(self, conn: Connection, query: str, *args: Any) -> Any:
        """The first value of a statement that writes, and commits by itself.

        Args:
            conn: of `connection`, outside a transaction.
            query: makes sure of its buckets with `claim_buckets`.
            args: its parameters.

        Raises:
            CommitUnknownError: the connection broke; it may have happened.
            BucketNotHereError: this shard does not own one of the buckets.
            asyncpg.PostgresError: anything else that the statement says; nothing was written.
        """
        try:
            return await conn.fetchval(query, *args)
        except _AWAY as error:
            _drop(conn)
            raise CommitUnknownError(self.name, repr(error)) from error
        except asyncpg.PostgresError as error:
            if error.sqlstate != _NOT_OWNED:
                raise
            raise BucketNotHereError(self.name, str(error)) from error

    async def ping(self) -> None:
        """Returns when the database has answered; raises as `connection`."""
        async with self.connection() as conn:
            await conn.execute(_SQL["ping"])

    async def close(self) -> None:
        """Ends all connections; those in use are dropped after a moment."""
        if self._pool is not None:
            try:
                async with asyncio.timeout(1.0):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()
            self._pool = None

    async def _begin(self, conn: Connection, buckets: Collection[int]) -> None:
        """BEGIN and the claim in one round trip: without arguments, several statements may go."""
        claimed = ",".join(str(int(bucket)) for bucket in buckets)
        try:
            await conn.execute(f"BEGIN; SELECT claim_buckets('{{{claimed}}}')")
        except asyncpg.PostgresError as error:
            if error.sqlstate != _NOT_OWNED:
                raise
            raise BucketNotHereError(self.name, str(error)) from error

    async def _opened(self) -> Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await self._open_pool(self.dsn, self._options)
            return self._pool

    async def _acquire(self, pool: Pool) -> Any:
        try:
            return await pool.acquire(timeout=self._options.transaction_s)
        except TimeoutError as error:
            if pool.get_idle_size() == 0 and pool.get_size() >= pool.get_max_size():
                raise ShardBusyError(self.name, "all connections are in use") from error
            raise


def _drop(conn: Any) -> None:
    """Closes the socket at once, without asking the server anything."""
    # A connection that broke has left the pool by itself, and may not even be closed any more.
    with suppress(asyncpg.InterfaceError):
        conn.terminate()


def _is_dropped(conn: Any) -> bool:
    try:
        return bool(conn.is_closed())
    except asyncpg.InterfaceError:
        return True  # It has left the pool, too.


async def _rollback(conn: Connection) -> None:
    try:
        await conn.execute("ROLLBACK")
    except Exception:  # noqa: BLE001 - the first error is the one to tell; the socket goes
        _drop(conn)
