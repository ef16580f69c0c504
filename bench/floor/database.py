"""The floor's own database: made, checked, dropped."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources

import asyncpg

from devstack.postgres import PostgresServer

ACCOUNTS = 10_000
_OPENING_BALANCE = 1_000_000_000
_COMMAND_S = 120.0
# What a server must promise: whoever leaves one of these away is faster and can lose money.
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


class FloorError(Exception):
    """This floor says nothing, and why."""


@asynccontextmanager
async def floor_database(server: PostgresServer) -> AsyncIterator[str]:
    """The name of a database with 10,000 accounts and no transfers; dropped afterwards.

    Raises:
        FloorError: the server may lose what it has committed.
    """
    name = f"floor_{secrets.token_hex(4)}"
    await _run(server, "postgres", f'CREATE DATABASE "{name}"')
    try:
        await require_durable(server)
        await _fill(server, name)
        yield name
    finally:
        await _run(server, "postgres", f'DROP DATABASE "{name}" WITH (FORCE)')


async def require_durable(server: PostgresServer) -> None:
    """Refuses a server that promises less than the engine asks for; raises FloorError."""
    conn = await _connect(server, "postgres")
    try:
        found = {name: await conn.fetchval(f"SHOW {name}") for name in _DURABLE}
    finally:
        await conn.close()
    off = {name: value for name, value in found.items() if value != "on"}
    if off:
        raise FloorError(f"{off}: set them to on, a floor that may lose commits is none")


async def require_consistent(server: PostgresServer, database: str) -> int:
    """Compares rows and balances: the transfers there are.

    Raises:
        FloorError: a transfer has not its two legs, or money was made or lost.
    """
    conn = await _connect(server, database)
    try:
        ((transfers, halves),) = await conn.fetch(
            "SELECT count(*), count(*) FILTER (WHERE legs <> 2 OR amount <> 0) FROM ("
            " SELECT count(*) AS legs, sum(amount) AS amount FROM entries GROUP BY transfer_id"
            ") AS transfer"
        )
        wrong = await conn.fetchval(
            "SELECT count(*) FROM accounts LEFT JOIN ("
            " SELECT account_id, sum(amount) AS amount FROM entries GROUP BY account_id"
            ") AS moved ON moved.account_id = accounts.id"
            " WHERE accounts.balance <> $1 + coalesce(moved.amount, 0)",
            _OPENING_BALANCE,
        )
    finally:
        await conn.close()
    if halves or wrong:
        raise FloorError(f"{halves} transfers are not whole, {wrong} balances not their entries'")
    return int(transfers)


async def backends(server: PostgresServer, database: str) -> int:
    """How many connections that database has."""
    conn = await _connect(server, "postgres")
    try:
        return int(
            await conn.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = $1", database
            )
        )
    finally:
        await conn.close()


async def _fill(server: PostgresServer, database: str) -> None:
    conn = await _connect(server, database)
    try:
        await conn.execute(resources.files("bench.floor").joinpath("schema.sql").read_text("utf-8"))
        await conn.execute(
            "INSERT INTO accounts (id, balance) SELECT id, $1 FROM generate_series(1, $2) AS id",
            _OPENING_BALANCE,
            ACCOUNTS,
        )
        await conn.execute("VACUUM (ANALYZE)")
        await conn.execute("CHECKPOINT")
    finally:
        await conn.close()


async def _connect(server: PostgresServer, database: str) -> "asyncpg.Connection[asyncpg.Record]":
    conn: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
        server.dsn(database), command_timeout=_COMMAND_S
    )
    return conn


async def _run(server: PostgresServer, database: str, statement: str) -> None:
    conn = await _connect(server, database)
    try:
        await conn.execute(statement)
    finally:
        await conn.close()
