"""Connections to the real databases, handed from one simulated session to the next."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg

from shards.pool import KnowingConnection, prepare_connection

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

# What belongs to the system itself, and not to one run.
_KEPT = ("system", "buckets", "currencies", "schema_migrations")

_PREPARE = f"""
CREATE SEQUENCE IF NOT EXISTS simulated_clock MINVALUE 0;
CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    -- A sequence is read and set outside of all transactions: like a clock.
    SELECT timestamptz '{EPOCH.isoformat()}' + last_value * interval '1 microsecond'
    FROM simulated_clock
$$;
"""  # noqa: S608 - a constant
# A table without a page, whose sequence has given no number, is as it was made.
_WRITTEN = """
SELECT string_agg(quote_ident(relname), ', ' ORDER BY relname)
FROM pg_class AS written
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND NOT relname = ANY($1::text[])
    AND (
        pg_relation_size(oid) > 0
        OR EXISTS (
            SELECT FROM pg_sequence JOIN pg_depend ON objid = seqrelid
            WHERE refobjid = written.oid AND pg_sequence_last_value(seqrelid) IS NOT NULL
        )
    )
"""
# Real time must decide nothing: what waits for a lock waits until the simulation says otherwise.
_SESSION = {
    "application_name": "simulated",
    "lock_timeout": "0",
    "transaction_timeout": "0",
    "jit": "off",
    # Planning anew for each statement of a few rows costs more than running it.
    "plan_cache_mode": "force_generic_plan",
}


@dataclass(slots=True, eq=False)
class Wire:
    """One connection to the real server, and whether a transaction is open on it."""

    conn: "asyncpg.Connection[asyncpg.Record]"
    database: "Database"
    in_transaction: bool = False

    async def remember(self) -> None:
        """Marks where the transaction stands, so that its next statement can be undone."""
        if self.in_transaction:
            await self.conn.execute("SAVEPOINT simulated")

    async def back_to_remembered(self) -> None:
        """Undoes the statement since `remember`, as if it had not been begun."""
        if self.in_transaction:
            await self.conn.execute("ROLLBACK TO SAVEPOINT simulated")

    async def abort(self) -> None:
        """Leaves the transaction as a statement that failed leaves it."""
        with suppress(asyncpg.DivisionByZeroError):
            await self.conn.execute("SELECT 1 / 0")


@dataclass(slots=True)
class Database:
    """One scratch database of a simulation.

    Attributes:
        clock_ahead_us: how far its clock is ahead of simulated time.
        skipped_us: how much of simulated time has been skipped; the same on all databases.
        drops_sockets: whether the end of a session drops its socket, as a crash does. Otherwise its
            transaction is undone and the connection kept, which comes to the same and costs less.
    """

    name: str
    dsn: str
    buckets: Sequence[int]
    clock_ahead_us: int = 0
    skipped_us: int = 0
    drops_sockets: bool = False
    _control: "asyncpg.Connection[asyncpg.Record] | None" = None
    _free: list[Wire] = field(default_factory=list)
    _all: list[Wire] = field(default_factory=list)
    _clock_us: int = -1

    async def open(self) -> None:
        """Connects, and puts the simulated clock in place of the real one."""
        self._control = await _connect(self.dsn)
        await self._control.execute(_PREPARE)

    async def empty(self) -> None:
        """Takes all rows of an earlier run away, and back the connections it has not given back.

        A process that dies while it connects takes its new connection with it.
        """
        for wire in list(self._all):
            if wire not in self._free:
                await self.give_back(wire)
        if written := await self.control.fetchval(_WRITTEN, _KEPT):
            # Triggers that keep rows for ever do not fire for a replica.
            await self.control.execute("SET session_replication_role = replica")
            await self.control.execute(f"TRUNCATE {written} RESTART IDENTITY CASCADE")
            await self.control.execute("SET session_replication_role = origin")
        self.clock_ahead_us = 0
        self.skipped_us = 0

    async def close(self) -> None:
        """Ends all connections."""
        for wire in list(self._all):
            await wire.conn.close()
        await self.control.close()

    @property
    def control(self) -> "asyncpg.Connection[asyncpg.Record]":
        """The simulation's own connection, which no simulated session uses."""
        assert self._control is not None
        return self._control

    @property
    def open_transactions(self) -> int:
        """Sessions that are inside a transaction now."""
        return sum(wire.in_transaction for wire in self._all)

    async def take(self) -> Wire:
        """A connection for a new session."""
        if self._free:
            return self._free.pop()
        conn = await _connect(self.dsn)
        await prepare_connection(conn)
        wire = Wire(conn, self)
        self._all.append(wire)
        return wire

    async def give_back(self, wire: Wire) -> None:
        """Ends a session as the loss of its socket would: what is not committed is undone."""
        if self.drops_sockets:
            pid = wire.conn.get_server_pid()
            wire.conn.terminate()
            self._all.remove(wire)
            await self._wait_for_the_end_of(pid)
            return
        if wire.in_transaction:
            await wire.conn.execute("ROLLBACK")
            wire.in_transaction = False
        self._free.append(wire)

    async def cancel(self, wire: Wire) -> None:
        """Ends the statement that a session is waiting in."""
        await self.control.execute("SELECT pg_cancel_backend($1)", wire.conn.get_server_pid())

    async def is_blocked(self, wire: Wire) -> bool:
        """Whether a statement of this session waits for a lock that another one has."""
        blocking: list[int] = await self.control.fetchval(
            "SELECT pg_blocking_pids($1)", wire.conn.get_server_pid()
        )
        return bool(blocking)

    async def _wait_for_the_end_of(self, pid: int) -> None:
        while await self.control.fetchval(
            "SELECT count(*) FROM pg_stat_activity, pg_sleep(0.001) WHERE pid = $1", pid
        ):
            pass

    async def set_clock(self, now_s: float) -> None:
        """Brings the database's clock to simulated time; cheap when nothing has changed."""
        clock_us = max(0, int(now_s * 1_000_000) + self.skipped_us + self.clock_ahead_us)
        if clock_us != self._clock_us:
            await self.control.fetchval("SELECT setval('simulated_clock', $1)", clock_us)
            self._clock_us = clock_us

    async def rows(self, query: str, *args: Any) -> Sequence[asyncpg.Record]:
        """What the simulation wants to know of the database itself."""
        return await self.control.fetch(query, *args)


async def _connect(dsn: str) -> "asyncpg.Connection[asyncpg.Record]":
    # Without a lifetime of cached statements there are no timers of its own.
    return await asyncpg.connect(
        dsn,
        connection_class=KnowingConnection,
        max_cached_statement_lifetime=0,
        server_settings=_SESSION,
    )
