"""The audit on books that are in order: at rest, under load, and with a shard away."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from audit import AuditedShard, Outcome, Report
from audit.placement import read_owned
from audit.reader import ShardReader, open_reader
from devstack.ports import free_port
from sagas.states import Reason
from sagas.steps.cancel import AskedBy
from sagas.steps.confirm import Confirmed
from sagas.steps.try_confirm import confirm_of
from sagas.steps.try_transfer import try_transfers
from shards.transfers import Transfer
from tests.databases import ShardDatabase, beside
from tests.integration.books import Books, audit_of, broken, make_books, move_out
from tests.integration.world import OPEN_MAX, TIMING, World


async def test_clean_books_pass(world: World, shard_databases: list[ShardDatabase]) -> None:
    await make_books(world)

    report = await audit_of(shard_databases)

    assert broken(report) == {}
    assert report.ok
    assert report.quiet
    assert [check.name for check in report.checks if check.rows == 0] == []


async def test_totals_say_where_the_money_is(
    world: World, shard_databases: list[ShardDatabase]
) -> None:
    books = await make_books(world)

    report = await audit_of(shard_databases)

    (euros,) = report.totals
    assert (euros.deposited, euros.withdrawn) == (2_543, 50)
    assert euros.in_transit == 60, "credited but not settled has arrived"
    assert euros.in_wallets == 2_543 - 50 - 60
    assert euros.held == 20 + 70 + 5 + 4, "a transfer, what is left of a hold, and two refunds"
    assert report.transfers == {
        "completed": 9,
        "held": 3,
        "debited": 2,
        "cancelled": 1,
        "rejected": 1,
        "refunded": 1,
    }
    assert report.oldest_open is not None
    assert report.oldest_open.id == str(books.credited)


async def test_refusals_without_a_payee_pass(
    world: World, shard_databases: list[ShardDatabase]
) -> None:
    for status in ("open", "frozen", "closed"):
        payer, payee = await world.pair(funds=0 if status == "closed" else 10)
        await world.set_status(payer, status)
        asked = world.try_request(payer, payee, 1)
        to_nobody = replace(asked, payee_id=None, refusal=Reason.UNKNOWN_PAYEE)
        await try_transfers(
            world.shards.of_id(payer), [to_nobody], wait=True, timing=TIMING, open_max=OPEN_MAX
        )

    report = await audit_of(shard_databases)

    assert report.transfers == {"rejected": 3}
    assert broken(report) == {}


async def test_empty_shards_pass(shard_databases: list[ShardDatabase]) -> None:
    report = await audit_of(shard_databases)

    assert report.ok
    assert report.totals == ()
    assert report.oldest_open is None


async def test_an_audit_under_load_finds_nothing(
    world: World, shard_databases: list[ShardDatabase]
) -> None:
    pairs = [await world.pair(funds=10_000, same_shard=index == 0) for index in range(4)]
    stop = asyncio.Event()
    finished = 0

    async def pay(payer: UUID, payee: UUID) -> None:
        nonlocal finished
        while not stop.is_set():
            await world.run_all(await world.try_transfer(payer, payee, 1))
            finished += 1

    reports: list[Report] = []
    async with asyncio.TaskGroup() as tasks:
        for payer, payee in pairs:
            tasks.create_task(pay(payer, payee))
        while len(reports) < 5 or finished < 50:
            reports.append(await audit_of(shard_databases))
        stop.set()

    assert [broken(report) for report in reports] == [{}] * len(reports)
    assert not all(report.quiet for report in reports)
    assert (await audit_of(shard_databases)).quiet


@pytest.mark.parametrize("first", ["shard0", "shard1", "both"])
async def test_money_that_moves_between_two_snapshots_is_no_breach(
    world: World,
    shard_databases: list[ShardDatabase],
    monkeypatch: pytest.MonkeyPatch,
    first: str,
) -> None:
    """One shard's snapshot is of before, the other's of after: no sum would agree."""
    books = await make_books(world)
    pending = await world.try_transfer(books.payer, books.payee, 5)
    moved = asyncio.Event()
    opened = set()

    async def open_in_order(shard: AuditedShard) -> ShardReader:
        if first not in ("both", shard.name):
            await moved.wait()
        reader = await open_reader(shard)
        opened.add(shard.name)
        if len(opened) == (2 if first == "both" else 1):
            await go_on(world, books, pending)
            moved.set()
        return reader

    monkeypatch.setattr("audit.run.open_reader", open_in_order)
    report = await audit_of(shard_databases)

    assert moved.is_set()
    assert broken(report) == {}
    assert report.ok
    assert not report.quiet
    totals = report.totals[0]
    assert totals.deposited - totals.withdrawn != totals.in_wallets + totals.in_transit


async def go_on(world: World, books: Books, pending: Transfer) -> None:
    """Takes what is open to its end, makes more, and refuses one."""
    await world.run_all(pending)
    await world.cancel(await world.read(books.held), AskedBy.PAYER)
    for id_ in (books.debited, books.credited):
        message = confirm_of(await world.read(id_))
        assert message is not None
        confirmed = await world.confirm(message)
        assert isinstance(confirmed, Confirmed)
        await world.settle(confirmed.verdict)
    await world.run_all(await world.try_transfer(books.payer, books.payee, 1))
    leaving = await world.user(bucket=1)
    to_refuse = await world.try_transfer(books.payer, leaving, 2)
    await world.set_status(leaving, "closed")
    await world.run_all(to_refuse)
    await world.deposit(books.payer, 9)
    await move_out(world, books.payer, 1)


async def test_a_shard_that_is_away_is_not_audited(
    world: World, shard_databases: list[ShardDatabase]
) -> None:
    await make_books(world)
    away = f"postgresql://holdfast@127.0.0.1:{free_port()}/nothing"
    databases = [shard_databases[0], replace(shard_databases[1], dsn=away)]

    report = await audit_of(databases)

    assert report.outcome is Outcome.NOT_AUDITED
    assert [shard.shard for shard in report.unaudited] == ["shard1"]
    assert broken(report) == {}, "what the lost shard may hold is not missed"


async def test_a_shard_that_goes_away_meanwhile_is_not_audited(
    world: World, shard_databases: list[ShardDatabase], monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_books(world)

    async def go_away(reader: ShardReader) -> tuple[int, ...]:
        owned = await read_owned(reader)
        if reader.shard.name == "shard1":
            conn = await asyncpg.connect(reader.shard.dsn)
            await conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'holdfast audit'"
            )
            await conn.close()
        return owned

    monkeypatch.setattr("audit.run.read_owned", go_away)
    report = await audit_of(shard_databases)

    assert report.outcome is Outcome.NOT_AUDITED
    assert [shard.shard for shard in report.unaudited] == ["shard1"]
    assert broken(report) == {}


async def test_a_database_without_tables_is_not_audited(
    shard_databases: list[ShardDatabase],
) -> None:
    one, other = shard_databases
    empty = replace(other, dsn=beside(other.dsn, "postgres"))

    report = await audit_of([one, empty])

    assert report.outcome is Outcome.NOT_AUDITED
    assert report.unaudited[0].detail == "not migrated; run `holdfast migrate`"


async def test_a_breach_stands_although_a_shard_is_away(
    world: World, shard_databases: list[ShardDatabase]
) -> None:
    books = await make_books(world)
    conn = await asyncpg.connect(shard_databases[0].dsn)
    await conn.execute("UPDATE accounts SET held = 0 WHERE user_id = $1", books.payer)
    await conn.close()
    away = f"postgresql://holdfast@127.0.0.1:{free_port()}/nothing"

    report = await audit_of([shard_databases[0], replace(shard_databases[1], dsn=away)])

    assert report.outcome is Outcome.BREACH
    assert list(broken(report)) == ["account_held"]


async def test_another_shards_database_is_not_audited(shard_databases: list[ShardDatabase]) -> None:
    one, other = shard_databases

    report = await audit_of([replace(one, dsn=other.dsn), replace(other, dsn=one.dsn)])

    assert report.outcome is Outcome.NOT_AUDITED
    assert {shard.shard for shard in report.unaudited} == {"shard0", "shard1"}
    assert "'shard1'" in report.unaudited[0].detail


async def test_the_docs_say_what_is_checked(shard_databases: list[ShardDatabase]) -> None:
    docs = Path(__file__).parents[2].joinpath("docs/invariants.md").read_text("utf-8")

    report = await audit_of(shard_databases)

    said = re.findall(r"^- `([a-z_]+)`: (.+)$", docs, re.MULTILINE)
    assert sorted(said) == sorted((check.name, check.says) for check in report.checks)
