"""Ledgers kept as template databases: built when they are not there, cloned for each case."""

import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import asyncpg

from bench.ledgers.build import build
from bench.ledgers.shape import LedgerShape
from bench.ledgers.users import BenchUser, make_users
from devstack.postgres import PostgresServer
from sagas import events
from shards import entry_hash, ids
from shards.currencies import SEEDED
from shards.migrate import load_migrations

_COMMAND_S = 1_800.0
_PREFIX = "ledger"


class LedgerError(Exception):
    """A ledger cannot be used so, and why."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """A ledger of a server: a template database for each shard, and its users."""

    shape: LedgerShape
    templates: tuple[str, ...]
    users: tuple[BenchUser, ...]


async def ensure(
    server: PostgresServer, shape: LedgerShape, *, say: Callable[[str], None] = lambda _: None
) -> Ledger:
    """The ledger of this shape, built now if the server's data folder has none.

    A template is one only when all of it is there. It is used as long as nothing changes that it
    depends on: shape, migrations, and the code that builds it; then it is built anew. What other
    code has built is dropped, and what was left half built.

    Args:
        server: whose data folder keeps the ledger.
        shape: what it is to be.
        say: told what takes long.
    """
    made_by = _digest(_code())
    prefix = f"{_PREFIX}_{made_by}_{_digest(repr(shape))}"
    ledger = Ledger(
        shape,
        tuple(f"{prefix}_{shard}" for shard in range(shape.shards)),
        tuple(make_users(shape)),
    )
    conn = await _connect(server)
    try:
        found = await conn.fetch(
            "SELECT datname, datistemplate FROM pg_database WHERE datname LIKE $1", f"{_PREFIX}\\_%"
        )
        whole = {row["datname"] for row in found if row["datistemplate"]}
        if whole.issuperset(ledger.templates):
            return ledger
        for row in found:
            name = row["datname"]
            is_ours = name.startswith(f"{_PREFIX}_{made_by}_")
            if name in ledger.templates or not (is_ours and row["datistemplate"]):
                await _drop_template(conn, name)
        for name in ledger.templates:
            await conn.execute(f'CREATE DATABASE "{name}" STRATEGY FILE_COPY')
        await build([server.dsn(name) for name in ledger.templates], shape, say=say)
        await conn.execute("CHECKPOINT")
        for name in ledger.templates:
            await conn.execute(f'ALTER DATABASE "{name}" IS_TEMPLATE true')
    finally:
        await conn.close()
    return ledger


async def clone(server: PostgresServer, ledger: Ledger, names: Sequence[str]) -> None:
    """Makes a database of each name from the ledger's shards, in order, by copying files.

    Raises:
        LedgerError: there are not as many names as shards.
    """
    if len(names) != len(ledger.templates):
        raise LedgerError(f"{len(names)} names for {len(ledger.templates)} shards")
    conn = await _connect(server)
    try:
        for name, template in zip(names, ledger.templates, strict=True):
            await conn.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    finally:
        await conn.close()


async def drop(server: PostgresServer, names: Sequence[str]) -> None:
    """Drops clones, with whatever is still connected."""
    conn = await _connect(server)
    try:
        for name in names:
            await conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await conn.close()


async def _drop_template(conn: "asyncpg.Connection[asyncpg.Record]", name: str) -> None:
    await conn.execute(f'ALTER DATABASE "{name}" IS_TEMPLATE false')
    await conn.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


async def _connect(server: PostgresServer) -> "asyncpg.Connection[asyncpg.Record]":
    conn: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
        server.dsn("postgres"), command_timeout=_COMMAND_S
    )
    return conn


@cache
def _code() -> str:
    """What makes the rows, but for the shape: this package, the product's rules, migrations."""
    files = sorted(
        (file.name, file.read_text("utf-8"))
        for file in resources.files("bench.ledgers").iterdir()
        if file.name.endswith(".py")
    )
    rules = [inspect.getsource(module) for module in (ids, entry_hash, events)]
    migrations = [(migration.full_name, migration.sha256) for migration in load_migrations()]
    return repr((files, rules, migrations, SEEDED))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
