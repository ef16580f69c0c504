"""Fills the databases of a ledger: two processes write the past of some shards each."""

import asyncio
import io
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor

import asyncpg

from bench.ledgers.history import History
from bench.ledgers.shape import LedgerShape
from bench.ledgers.wallets import COLUMNS, ShardRows
from shards.migrate import migrate, set_up_shard

_PROCESSES = 2
_COMMAND_S = 1_800.0
# Of a build that a crash cuts off nothing is used, so none of it need be on disk before the end.
_SESSION = {"synchronous_commit": "off"}


async def build(
    dsns: Sequence[str], shape: LedgerShape, *, say: Callable[[str], None] = lambda _: None
) -> None:
    """Makes empty databases into the shards of a ledger that the whole audit accepts.

    Rows are written with the product's own rules and indexes, in the order in which they would
    have come. Statistics are made and rows are frozen, so that nothing is left to do by itself.

    Args:
        dsns: an empty database for each shard, in order.
        shape: what to build.
        say: told how far it is.
    """
    for shard, dsn in enumerate(dsns):
        name = f"shard{shard}"
        await migrate(dsn, shard=name)
        owned = frozenset(shape.buckets_of(shard))
        await set_up_shard(dsn, shard=name, owned=owned, buckets=shape.buckets)
    processes = min(_PROCESSES, len(dsns))
    parts = [dict(list(enumerate(dsns))[part::processes]) for part in range(processes)]
    say(f"{shape.entries:,} entries over {len(dsns)} shards")
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        async with asyncio.TaskGroup() as tasks:
            for part in parts:
                tasks.create_task(_done(loop.run_in_executor(pool, _build_part, part, shape)))
    say("entries are there; statistics")
    async with asyncio.TaskGroup() as tasks:
        for dsn in dsns:
            tasks.create_task(_finish(dsn))


async def _done(future: "asyncio.Future[None]") -> None:
    await future


def _build_part(dsns: dict[int, str], shape: LedgerShape) -> None:
    asyncio.run(_write_part(dsns, shape))


async def _write_part(dsns: dict[int, str], shape: LedgerShape) -> None:
    conns = {
        shard: await asyncpg.connect(dsn, command_timeout=_COMMAND_S, server_settings=_SESSION)
        for shard, dsn in dsns.items()
    }
    try:
        history = History(shape, frozenset(dsns))
        for _ in history.chunks():
            async with asyncio.TaskGroup() as tasks:
                for shard, rows in history.rows.items():
                    tasks.create_task(_copy(conns[shard], rows))
    finally:
        for conn in conns.values():
            await conn.close()


async def _copy(conn: "asyncpg.Connection[asyncpg.Record]", rows: ShardRows) -> None:
    for table, columns in COLUMNS.items():
        lines: list[str] = getattr(rows, table)
        if lines:
            source = io.BytesIO("".join(lines).encode())
            lines.clear()
            await conn.copy_to_table(table, source=source, columns=columns.split(), format="text")


async def _finish(dsn: str) -> None:
    conn = await asyncpg.connect(dsn, command_timeout=_COMMAND_S)
    try:
        # As autovacuum would: what has no rows is not looked at, and so not known to be empty.
        tables = await conn.fetch(
            "SELECT relname FROM pg_stat_user_tables WHERE n_tup_ins > 0 ORDER BY relname"
        )
        names = ", ".join(table["relname"] for table in tables)
        await conn.execute(f"VACUUM (FREEZE, ANALYZE) {names}")
    finally:
        await conn.close()
