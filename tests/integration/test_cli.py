"""The command `holdfast` as a person runs it: a process with an environment and an exit code."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path

import asyncpg
import pytest

from devstack.kafka import KafkaBroker
from devstack.ports import free_port
from devstack.postgres import PostgresServer
from tests.databases import ShardDatabase, drop_shards
from tests.integration.books import BUCKETS, make_books
from tests.integration.command import Holdfast
from tests.integration.world import World


@pytest.fixture
async def empty_databases(postgres: PostgresServer) -> AsyncIterator[list[ShardDatabase]]:
    """Two databases without any table."""
    made = []
    server = await asyncpg.connect(postgres.dsn("postgres"))
    for index in range(2):
        name = f"test_{secrets.token_hex(6)}"
        await server.execute(f'CREATE DATABASE "{name}"')
        buckets = tuple(range(index, BUCKETS, 2))
        made.append(ShardDatabase(f"shard{index}", postgres.dsn(name), buckets))
    await server.close()
    yield made
    await drop_shards(made)


async def test_migrate_makes_everything_once(
    tmp_path: Path, empty_databases: list[ShardDatabase], kafka: KafkaBroker
) -> None:
    holdfast = Holdfast(tmp_path, empty_databases, kafka.bootstrap)
    prefix = {"HOLDFAST_KAFKA__TOPIC_PREFIX": f"t{secrets.token_hex(4)}"}

    first, second = [await holdfast("migrate", **prefix) for _ in range(2)]

    assert (first.code, first.err) == (0, "")
    assert "shard0: applied 0001_ledger" in first.out
    assert "set up with 4 buckets" in first.out
    assert f"{prefix['HOLDFAST_KAFKA__TOPIC_PREFIX']}.confirm.v1" in first.out
    assert second.code == 0
    assert sorted(second.out.splitlines()) == [
        "shard0: up to date", "shard1: up to date", "topics: up to date"
    ]  # fmt: skip


async def test_migrate_waits_for_a_server_that_starts(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, kafka: KafkaBroker
) -> None:
    folder = tmp_path_factory.mktemp("late")
    server = PostgresServer(folder / "data", free_port(), folder / "log", {"fsync": "off"})
    shard = ShardDatabase("shard0", server.dsn("postgres"), tuple(range(BUCKETS)))
    holdfast = Holdfast(tmp_path, [shard], kafka.bootstrap)

    started = asyncio.create_task(holdfast("migrate"))
    await asyncio.sleep(1.0)
    await asyncio.to_thread(server.start)
    ended = await started
    server.stop()

    assert (ended.code, ended.err) == (0, "")


async def test_migrate_tells_which_shard_failed(holdfast: Holdfast) -> None:
    away = replace(holdfast.shards[1], dsn=f"postgresql://h@127.0.0.1:{free_port()}/x")
    holdfast = replace(holdfast, shards=[holdfast.shards[0], away])

    ended = await holdfast("migrate", "--wait", "0.5")

    assert ended.code == 1
    well, failed = sorted(ended.out.splitlines())
    assert well == "shard0: up to date"
    assert failed.startswith("shard1: FAILED: no answer")


async def test_migrate_refuses_two_shards_in_one_database(
    tmp_path: Path, empty_databases: list[ShardDatabase]
) -> None:
    one, other = empty_databases

    ended = await Holdfast(tmp_path, [one, replace(other, dsn=one.dsn)])("migrate")

    assert ended.code == 1
    assert "its DSN leads to the database of shard" in ended.out


async def test_migrate_refuses_a_server_that_loses_commits(holdfast: Holdfast) -> None:
    ended = await holdfast("migrate", HOLDFAST_POSTGRES__ALLOW_UNSAFE="false")

    assert ended.code == 1
    assert "fsync or synchronous_commit is off" in ended.out


async def test_audit_of_clean_books(holdfast: Holdfast, world: World) -> None:
    await make_books(world)

    table, machine = await holdfast("audit"), await holdfast("audit", "--json")

    assert (table.code, table.err) == (0, "")
    assert "entry_hash" in table.out
    assert "EUR" in table.out
    assert "OK: " in table.out
    assert machine.code == 0
    report = json.loads(machine.out)
    assert report["ok"]
    assert report["totals"] == [
        {
            "currency": "EUR", "deposited": "2543", "withdrawn": "50", "in_wallets": "2433",
            "held": "99", "in_transit": "60",
        }
    ]  # fmt: skip


async def test_audit_names_what_is_broken(holdfast: Holdfast, world: World) -> None:
    books = await make_books(world)
    async with world.shards.of_id(books.payer).connection() as conn:
        await conn.execute("UPDATE transfers SET amount = 5 WHERE id = $1", books.completed)

    ended = await holdfast("audit")

    assert ended.code == 1
    assert f"shard0  {books.completed} {books.payer}" in ended.out
    assert "debit_of_transfer: A debit or return has its transfer" in ended.out


async def test_audit_of_a_shard_that_is_away(holdfast: Holdfast) -> None:
    away = replace(holdfast.shards[1], dsn=f"postgresql://h@127.0.0.1:{free_port()}/x")

    ended = await replace(holdfast, shards=[holdfast.shards[0], away])("audit")

    assert ended.code == 2
    assert "shard1 was not audited" in ended.out
    assert "NOT AUDITED" in ended.out


async def test_rebuild_checks_then_puts_right(holdfast: Holdfast, world: World) -> None:
    payer, _ = await world.pair(funds=100)
    async with world.shards.of_id(payer).connection() as conn:
        await conn.execute("UPDATE accounts SET balance = 90 WHERE user_id = $1", payer)

    checked = await holdfast("rebuild", "--check")
    rebuilt = await holdfast("rebuild")
    again = await holdfast("rebuild", "--check")

    line = f"shard0: {payer} EUR: balance 90 -> 100"
    assert (checked.code, checked.out.splitlines()) == (1, [line, "1 accounts differ"])
    assert (rebuilt.code, rebuilt.out.splitlines()) == (0, [line, "1 accounts were put right"])
    assert (again.code, again.out) == (0, "0 accounts differ\n")


@pytest.mark.parametrize(
    "command", [["rebuild"], ["dead", "list"], ["dead", "trail"]], ids=" ".join
)
async def test_a_shard_that_is_away_is_told_in_one_line(
    holdfast: Holdfast, command: list[str]
) -> None:
    away = replace(holdfast.shards[1], dsn=f"postgresql://h@127.0.0.1:{free_port()}/x")

    ended = await replace(holdfast, shards=[holdfast.shards[0], away])(*command)

    assert ended.code == 2
    assert ended.err.startswith("holdfast: shard1: no connection")
    assert "make run" in ended.err
    assert ended.err.count("\n") == 1


async def test_shards_of_a_running_system_are_found(holdfast: Holdfast, world: World) -> None:
    await make_books(world)
    running = {
        "gateway": "http://127.0.0.1:1",
        "kafka": {"bootstrap": "127.0.0.1:1"},
        "topics": dict.fromkeys(("try_confirm", "confirm", "cancel", "dead", "events"), "t"),
        "shards": [asdict(shard) for shard in holdfast.shards],
        "processes": [],
    }
    (holdfast.folder / ".holdfast").mkdir()
    (holdfast.folder / ".holdfast" / "run.json").write_text(json.dumps(running))

    ended = await holdfast("audit", HOLDFAST_SHARDS="", HOLDFAST_BUCKETS="")

    assert (ended.code, ended.err) == (0, "")
