"""A ledger that was built satisfies the whole audit, is built once, and cloned."""

import asyncio
import dataclasses

import pytest

from audit import AuditedShard, audit
from bench.ledgers import LedgerError, LedgerShape, clone, drop, ensure
from devstack.postgres import PostgresServer
from tests.integration.clones import run

SHAPE = LedgerShape(shards=2, buckets=8, users=50, entries=1_050, seed=1)


@pytest.fixture(scope="module")
def ledger(postgres):
    said: list[str] = []
    made = asyncio.run(ensure(postgres, SHAPE, say=said.append))
    assert said
    yield made
    asyncio.run(forget(postgres))


async def forget(server: PostgresServer) -> None:
    for row in await run(
        server.dsn("postgres"), r"SELECT datname FROM pg_database WHERE datname LIKE 'ledger\_%'"
    ):
        name = row["datname"]
        await run(server.dsn("postgres"), f'ALTER DATABASE "{name}" IS_TEMPLATE false')
        await drop(server, [name])


async def test_a_clone_satisfies_the_whole_audit(postgres, ledger):
    names = ["bench_clone_0", "bench_clone_1"]
    await clone(postgres, ledger, names)

    report = await audit(
        [
            AuditedShard(f"shard{shard}", postgres.dsn(name), SHAPE.buckets_of(shard))
            for shard, name in enumerate(names)
        ],
        buckets=SHAPE.buckets,
    )

    assert report.ok
    assert report.quiet
    assert report.transfers == {"completed": SHAPE.transfers}
    rows = {check.name: check.rows for check in report.checks}
    assert rows["entry_hash"] == SHAPE.entries
    assert rows["event_once"] > SHAPE.entries
    await drop(postgres, names)


async def test_its_users_are_in_its_rows(postgres, ledger):
    found = set()
    for name in ledger.templates:
        rows = await run(postgres.dsn(name), "SELECT id, email, bucket FROM users")
        found |= {(row["id"], row["email"], row["bucket"]) for row in rows}

    assert found == {(user.id, user.email, user.bucket) for user in ledger.users}


async def test_it_is_built_once(postgres, ledger):
    said: list[str] = []

    assert await ensure(postgres, SHAPE, say=said.append) == ledger
    assert not said


async def test_half_a_ledger_is_built_anew(postgres, ledger):
    half = ledger.templates[1]
    await run(postgres.dsn("postgres"), f'ALTER DATABASE "{half}" IS_TEMPLATE false')
    await run(postgres.dsn(half), "DELETE FROM outbox")

    assert await ensure(postgres, SHAPE) == ledger

    (row,) = await run(postgres.dsn(half), "SELECT count(*) AS events FROM outbox")
    assert row["events"] > 0


async def test_what_other_code_built_is_dropped_and_what_was_left_half_built(postgres, ledger):
    await run(postgres.dsn("postgres"), "CREATE DATABASE ledger_older_shape_0 IS_TEMPLATE true")
    abandoned = ledger.templates[0].rsplit("_", 2)[0] + "_other_0"
    await run(postgres.dsn("postgres"), f'CREATE DATABASE "{abandoned}"')
    other = await ensure(postgres, dataclasses.replace(SHAPE, seed=2))

    rows = await run(postgres.dsn("postgres"), "SELECT datname FROM pg_database")
    names = {row["datname"] for row in rows}

    assert not names & {"ledger_older_shape_0", abandoned}
    assert names.issuperset({*ledger.templates, *other.templates})


async def test_a_clone_needs_a_name_for_each_shard(postgres, ledger):
    with pytest.raises(LedgerError, match="1 names for 2 shards"):
        await clone(postgres, ledger, ["one"])
