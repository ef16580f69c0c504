"""A wallet as a textbook has it: read the balance, decide, write it. Wrong, and only here.

Each request is a transaction, with PostgreSQL's default isolation (READ COMMITTED), and a CHECK
keeps balances from falling below zero. Alone, it is right. At once, many requests read the same
balance, each finds it enough, and each writes what it has computed over what the others wrote.

The race has no help: nothing sleeps, nothing waits between the read and the write but for the
database, and no sum is wrong. What makes it happen each time is that there are many connections,
all of them are open before, and all requests begin at the same moment. With one connection this
very code accepts what there is money for (a test shows it).
"""

import asyncio

import asyncpg

from audit.statements import load_blocks
from demo.race.plan import AMOUNT_MINOR, Plan, Request
from demo.race.totals import Totals, add_up

_SQL = load_blocks("unlocked", package="demo.race")
_PAYER, _PAYEE = 1, 2
_CALL_S = 30.0


async def run_unlocked(dsn: str, plan: Plan) -> Totals:
    """Answers the burst in an empty database, without a lock."""
    start = asyncio.Event()
    async with asyncpg.create_pool(
        dsn, min_size=plan.connections, max_size=plan.connections, command_timeout=_CALL_S
    ) as pool:
        await pool.execute(_SQL["make_tables"])
        for account, balance in ((_PAYER, plan.deposited), (_PAYEE, 0)):
            await pool.execute(_SQL["open_account"], account, balance)
        await pool.execute(_SQL["insert_entry"], _PAYER, plan.deposited)

        async def ask(kind: Request) -> bool:
            await start.wait()
            async with pool.acquire() as conn, conn.transaction():
                return await _spend(conn, kind)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(kind)) for kind in plan.requests]
            start.set()
        return add_up(
            plan,
            [task.result() for task in tasks],
            balance=await pool.fetchval(_SQL["read_balance"], _PAYER),
            entries=await pool.fetchval(_SQL["sum_entries"], _PAYER),
            payee_balance=await pool.fetchval(_SQL["read_balance"], _PAYEE),
        )


async def _spend(conn: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", kind: Request) -> bool:
    """One request; whether it was accepted."""
    balance = await conn.fetchval(_SQL["read_balance"], _PAYER)
    if balance < AMOUNT_MINOR:
        return False
    await conn.execute(_SQL["write_balance"], _PAYER, balance - AMOUNT_MINOR)
    await conn.execute(_SQL["insert_entry"], _PAYER, -AMOUNT_MINOR)
    if kind is Request.TRANSFER:
        there = await conn.fetchval(_SQL["read_balance"], _PAYEE)
        await conn.execute(_SQL["write_balance"], _PAYEE, there + AMOUNT_MINOR)
        await conn.execute(_SQL["insert_entry"], _PAYEE, AMOUNT_MINOR)
    return True
