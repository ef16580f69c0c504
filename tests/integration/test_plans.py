"""Plans are made once: each must be right for tables that grow, though they were empty then."""

import asyncpg
import pytest

from devstack.postgres import PostgresServer
from shards.pool import PLANNING
from shards.statements import load_statements
from tests.databases import TEMPLATE
from tests.integration.test_sql_blocks import SUBJECTS

# What reads a whole table, or builds something of one.
WHOLE_TABLE = ("Seq Scan", "Hash Join", "Hash Right", "Hash Left", "Merge Join", "Merge Right")
# Run by hand or at a start, over whole tables.
BY_HAND = {"check", "migrate", "rebuild"}


async def plan_of(conn: "asyncpg.Connection[asyncpg.Record]", block: str) -> str:
    """The generic plan of a block."""
    parameters = len((await conn.prepare(block)).get_parameters())
    await conn.execute(f"PREPARE planned AS {block}")
    values = f"({', '.join(['NULL'] * parameters)})" if parameters else ""
    try:
        rows = await conn.fetch(f"EXPLAIN EXECUTE planned{values}")
    finally:
        await conn.execute("DEALLOCATE planned")
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("subject", [name for name in SUBJECTS if name not in BY_HAND])
async def test_no_block_reads_a_whole_table_though_its_plan_was_made_while_it_was_empty(
    postgres: PostgresServer, subject: str
):
    conn = await asyncpg.connect(
        postgres.dsn(TEMPLATE), server_settings=PLANNING, statement_cache_size=0
    )
    try:
        plans = {
            name: await plan_of(conn, block) for name, block in load_statements(subject).items()
        }
    finally:
        await conn.close()

    assert plans
    assert [n for n, plan in plans.items() if any(whole in plan for whole in WHOLE_TABLE)] == []


async def test_without_these_settings_a_fresh_shard_would_be_read_from_end_to_end(
    postgres: PostgresServer,
):
    generic = {"plan_cache_mode": "force_generic_plan"}
    conn = await asyncpg.connect(
        postgres.dsn(TEMPLATE), server_settings=generic, statement_cache_size=0
    )
    try:
        plan = await plan_of(conn, load_statements("opening")["open_transfers"])
    finally:
        await conn.close()

    assert "Seq Scan on transfers" in plan
