"""Plans are made once: each must be right for tables that grow, though they were empty then."""

import re

import asyncpg
import pytest

from devstack.postgres import PostgresServer
from shards.pool import PLANNING
from shards.statements import load_statements
from tests.databases import TEMPLATE, ShardDatabase
from tests.integration.test_sql_blocks import SUBJECTS
from tests.integration.world import World

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


# All of it is what is asked for, or the first rows in the order of the index, or it is a table that
# is empty for good where all goes well.
WHOLE_INDEX = {
    "currencies": {"read_currencies"},
    "dead_letters": {"list_dead_letters", "insert_dead_letters"},
    "transfers": {"read_in_flight"},
    "users": {"list_operators"},
}


def unconditional(plan: str) -> bool:
    """Whether some index is scanned without a condition on it: from end to end."""
    nodes = plan.split("->")
    return any(
        ("Index Scan" in node or "Index Only Scan" in node) and "Index Cond:" not in node
        for node in nodes
    )


async def plan_in(dsn: str, subject: str, block: str) -> str:
    conn = await asyncpg.connect(dsn, server_settings=PLANNING, statement_cache_size=0)
    try:
        return await plan_of(conn, load_statements(subject)[block])
    finally:
        await conn.close()


async def reads_whole_index(dsn: str, subject: str) -> set[str]:
    conn = await asyncpg.connect(dsn, server_settings=PLANNING, statement_cache_size=0)
    try:
        return {
            name
            for name, block in load_statements(subject).items()
            if unconditional(await plan_of(conn, block))
        }
    finally:
        await conn.close()


@pytest.mark.parametrize("subject", [name for name in SUBJECTS if name not in BY_HAND])
async def test_no_block_reads_an_index_from_end_to_end_though_it_was_empty(
    postgres: PostgresServer, subject: str
):
    found = await reads_whole_index(postgres.dsn(TEMPLATE), subject)

    assert found == WHOLE_INDEX.get(subject, set())


async def test_open_transfers_are_counted_by_payer_though_none_is_open(
    world: World, shard_databases: list[ShardDatabase]
):
    """What is open has indexes of its own, which are empty then: to the planner all are alike."""
    payer, payee = await world.pair(funds=1_000)
    for _ in range(50):
        await world.run_all(await world.try_transfer(payer, payee, 1))
    async with world.session(payer) as conn:
        await conn.execute("VACUUM ANALYZE")

    plan = await plan_in(shard_databases[0].dsn, "opening", "open_keyed")

    (counted,) = (node for node in plan.split("->") if "transfers_open_by_payer" in node)
    assert "Index Cond: (payer_id = asked.wallet_id)" in counted
    assert "transfers_due" not in plan


@pytest.mark.parametrize(
    ("subject", "block", "indexes"),
    [
        (
            "opening",
            "open_keyed",
            ["transfers_open_by_payer", "transfers_key", "movements_key", "holds_key"],
        ),
        ("holds", "count_open_holds", ["holds_open_by_payer"]),
        ("holds", "find_due_holds", ["holds_due"]),
        ("refunds", "read_refunds", ["verdicts_of_refunds"]),
        ("lists", "list_entries", ["entries_by_time"]),
        ("lists", "list_sent", ["transfers_by_payer"]),
        ("lists", "list_received", ["verdicts_by_payee"]),
        ("lists", "list_holds", ["holds_by_payer"]),
        ("accounts", "read_balance_at", ["entries_pkey", "entries_pkey"]),
        ("entries", "find_entry", ["entries_by_hash"]),
        ("users", "is_wallet_empty", ["transfers_open_by_payer"]),
    ],
)
async def test_a_table_that_is_empty_is_read_by_the_index_that_is_meant(
    postgres: PostgresServer, subject: str, block: str, indexes: list[str]
):
    """Another index of the same user finds the same rows, among all of that user's."""
    plan = await plan_in(postgres.dsn(TEMPLATE), subject, block)

    used = re.findall(r"using (\w+) on (?:transfers|movements|holds|entries|verdicts)\s", plan)
    assert used == indexes


async def test_operators_are_read_without_looking_at_all_users(postgres: PostgresServer):
    plan = await plan_in(postgres.dsn(TEMPLATE), "users", "list_operators")

    assert "Index Scan using users_operators on users" in plan


@pytest.mark.parametrize("payers", [1, 1_000])
async def test_so_is_one_that_has_rows_and_was_analysed_then(
    world: World, shard_databases: list[ShardDatabase], payers: int
):
    payer = await world.user(bucket=0)
    async with world.session(payer) as conn:
        await conn.execute(
            "INSERT INTO transfers (id, bucket, payer_id, currency, amount, status, reason, caller,"
            " idempotency_key, fingerprint, traceparent, attempts, created_at, expires_at,"
            " ended_at)"
            " SELECT gen_random_uuid(), 0, payers[1 + number % $1], 'EUR', 1, 'rejected', '-',"
            " payers[1]::text, number::text, '', '', 0, now(), now(), now()"
            " FROM (SELECT array_agg(gen_random_uuid()) AS payers FROM generate_series(1, $1)),"
            " generate_series(1, 1_250) AS number",
            payers,
        )
        await conn.execute("ANALYZE transfers")

    plan = await plan_in(shard_databases[0].dsn, "opening", "open_keyed")

    assert "Index Scan using transfers_key on transfers " in plan
    assert "transfers_by_payer" not in plan


async def test_nor_though_it_was_seen_to_be_empty(
    world: World, shard_databases: list[ShardDatabase]
):
    """What a step reads, on a shard that had users and nothing else when somebody analysed it.

    Autovacuum does not: it looks at tables that have changed.
    """
    async with world.session(await world.user(bucket=0)) as conn:
        await conn.execute(
            "INSERT INTO users (id, bucket, email, password_hash, role, status, event_sequence,"
            " created_at) SELECT gen_random_uuid(), 0, number::text, '-', 'user', 'open', 0, now()"
            " FROM generate_series(1, 100) AS number"
        )
        await conn.execute(
            "INSERT INTO accounts (user_id, currency, bucket, balance, held, seq, head_hash,"
            " version) SELECT id, 'EUR', 0, 0, 0, 0, '', 1 FROM users"
        )
        await conn.execute("VACUUM ANALYZE")

    assert await reads_whole_index(shard_databases[0].dsn, "opening") == set()


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
