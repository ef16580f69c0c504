"""The chains of hashes: in order, under load, and with each kind of row broken."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from audit import AuditedShard, Outcome
from audit.reader import ShardReader
from audit.report import BREACHES_MAX
from audit.verified import BrokenRow, ShardTally, Verified
from audit.verify import _verify_acts, verify
from devstack.ports import free_port
from devstack.postgres import PostgresServer
from shards.ids import RandomIds
from tests.databases import ShardDatabase, create_shards, drop_shards, open_map
from tests.integration.books import BUCKETS, Books, make_books
from tests.integration.clones import Clones, drop_constraints, run
from tests.integration.command import Holdfast
from tests.integration.world import World

Pristine = tuple[list[ShardDatabase], Books]


@pytest.fixture(scope="module")
def pristine(postgres: PostgresServer) -> Iterator[Pristine]:
    """Books in order, for the tests to clone."""

    async def make() -> Pristine:
        databases = await create_shards([postgres.dsn("postgres")], count=2, buckets=BUCKETS)
        shards = open_map(databases, buckets=BUCKETS)
        books = await make_books(World(shards))
        await shards.close()
        for database in databases:
            await drop_constraints(database)
        return databases, books

    databases, books = asyncio.run(make())
    yield databases, books
    asyncio.run(drop_shards(databases))


@pytest.fixture
async def clones(pristine: Pristine) -> AsyncIterator[Clones]:
    made = Clones(pristine[0])
    yield made
    await made.drop()


@dataclass(slots=True)
class Heard:
    """What was told of the progress."""

    told: list[tuple[str, int, int]]

    def __call__(self, shard: str, rows: int, total: int) -> None:
        self.told.append((shard, rows, total))


async def verified(
    databases: list[ShardDatabase], *, user: UUID | None = None, told: Heard | None = None
) -> Verified:
    return await verify(
        [AuditedShard(d.name, d.dsn, d.buckets) for d in databases],
        buckets=BUCKETS,
        user_id=user,
        told=told or Heard([]),
    )


def place(broken: BrokenRow) -> str:
    row = broken.row
    parts = [row.kind, row.user_id, row.currency, row.bucket, row.seq, broken.what]
    return " ".join(str(part) for part in parts if part is not None)


def places(found: Verified) -> list[str]:
    """Each flaw as shard, row and what is wrong."""
    return [f"{tally.shard} {place(broken)}" for tally in found.shards for broken in tally.broken]


async def counted(databases: list[ShardDatabase], table: str) -> int:
    rows = [(await run(database.dsn, f"SELECT count(*) FROM {table}"))[0] for database in databases]
    return sum(row[0] for row in rows)


async def test_chains_in_order_are_read_whole(pristine: Pristine):
    databases, _ = pristine
    heard = Heard([])

    found = await verified(databases, told=heard)

    assert places(found) == []
    assert found.outcome is Outcome.OK
    for table in ("entries", "accounts", "acts"):
        rows = await counted(databases, "operator_acts" if table == "acts" else table)
        assert sum(getattr(tally, table) for tally in found.shards) == rows > 0
    last = {shard: (rows, total) for shard, rows, total in heard.told}
    assert last.keys() == {"shard0", "shard1"}
    assert all(rows == total > 0 for rows, total in last.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What `sql` on a shard must lead to, all of it; `{payer}` and others are ids of the books."""

    sql: str
    found: tuple[str, ...]
    shard: int = 0


OF_PAYER = "WHERE user_id = '{payer}' AND currency = 'EUR'"
ACCOUNT = ("account_seq", "account_balance", "account_hash")

CASES = (
    Case(
        sql=f"UPDATE entries SET amount = amount - 1 {OF_PAYER} AND seq = 2",
        found=("entry {payer} EUR 2 balance_after", "entry {payer} EUR 2 hash"),
    ),
    Case(
        sql=f"UPDATE entries SET amount = 'NaN' {OF_PAYER} AND seq = 2",
        found=("entry {payer} EUR 2 balance_after", "entry {payer} EUR 2 hash"),
    ),
    Case(
        sql=f"UPDATE entries SET balance_after = balance_after + 1 {OF_PAYER} AND seq = 2",
        found=(
            "entry {payer} EUR 2 balance_after",
            "entry {payer} EUR 2 hash",
            "entry {payer} EUR 3 balance_after",
        ),
    ),
    Case(
        sql=f"UPDATE entries SET hash = sha256(hash) {OF_PAYER} AND seq = 2",
        found=("entry {payer} EUR 2 hash", "entry {payer} EUR 3 prev_hash"),
    ),
    Case(
        sql=f"UPDATE entries SET prev_hash = sha256('') {OF_PAYER} AND seq = 1",
        found=("entry {payer} EUR 1 prev_hash", "entry {payer} EUR 1 hash"),
    ),
    Case(
        sql=f"UPDATE entries SET counterparty_id = '{{second}}' {OF_PAYER} AND seq = 3",
        found=("entry {payer} EUR 3 hash",),
    ),
    Case(
        sql=f"UPDATE entries SET at = 'infinity' {OF_PAYER} AND seq = 3",
        found=("entry {payer} EUR 3 hash",),
    ),
    Case(
        sql=f"UPDATE entries SET at = '20000-01-01' {OF_PAYER} AND seq = 3",
        found=("entry {payer} EUR 3 hash",),
    ),
    Case(
        sql=f"DELETE FROM entries {OF_PAYER} AND seq = 2",
        found=(
            "entry {payer} EUR 3 seq",
            "entry {payer} EUR 3 balance_after",
            "entry {payer} EUR 3 prev_hash",
        ),
    ),
    Case(
        sql=f"INSERT INTO entries SELECT * FROM entries {OF_PAYER} AND seq = 3",
        found=(
            "entry {payer} EUR 3 seq",
            "entry {payer} EUR 3 balance_after",
            "entry {payer} EUR 3 prev_hash",
        ),
    ),
    Case(
        sql=f"DELETE FROM entries {OF_PAYER} AND seq = (SELECT max(seq) FROM entries {OF_PAYER})",
        found=tuple(f"account {{payer}} EUR {what}" for what in ACCOUNT),
    ),
    Case(
        sql="DELETE FROM entries WHERE user_id = '{payee}'",
        found=tuple(f"account {{payee}} EUR {what}" for what in ACCOUNT),
        shard=1,
    ),
    Case(
        sql=f"UPDATE accounts SET seq = seq + 1 {OF_PAYER}",
        found=("account {payer} EUR account_seq",),
    ),
    Case(
        sql=f"UPDATE accounts SET balance = balance + 1 {OF_PAYER}",
        found=("account {payer} EUR account_balance",),
    ),
    Case(
        sql=f"UPDATE accounts SET balance = 'NaN' {OF_PAYER}",
        found=("account {payer} EUR account_balance",),
    ),
    Case(
        sql=f"UPDATE accounts SET head_hash = sha256('') {OF_PAYER}",
        found=("account {payer} EUR account_hash",),
    ),
    Case(
        sql="DELETE FROM accounts WHERE user_id = '{payee}'",
        found=("account {payee} EUR account_missing",),
        shard=1,
    ),
    Case(
        sql="UPDATE operator_acts SET reason = 'another' WHERE bucket = 3 AND seq = 1",
        found=("act 3 1 hash",),
        shard=1,
    ),
    Case(
        sql="UPDATE operator_acts SET at = 'infinity' WHERE bucket = 3 AND seq = 2",
        found=("act 3 2 hash",),
        shard=1,
    ),
    Case(
        sql="UPDATE operator_acts SET hash = sha256(hash) WHERE bucket = 3 AND seq = 1",
        found=("act 3 1 hash", "act 3 2 prev_hash"),
        shard=1,
    ),
    Case(
        sql="DELETE FROM operator_acts WHERE bucket = 3 AND seq = 2",
        found=("act 3 3 seq", "act 3 3 prev_hash"),
        shard=1,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sql)
async def test_a_planted_corruption_is_found_and_named(
    clones: Clones, pristine: Pristine, case: Case
):
    names = {name: str(getattr(pristine[1], name)) for name in ("payer", "payee", "second")}
    database = await clones.of(case.shard)
    await run(database.dsn, case.sql.format(**names))

    found = await verified(clones.shards)

    assert places(found) == [f"{database.name} {row.format(**names)}" for row in case.found]
    assert found.outcome is Outcome.BREACH
    assert all(tally.finished for tally in found.shards)


async def test_it_goes_on_to_the_others_and_shows_no_more_than_some(
    clones: Clones, pristine: Pristine
):
    copies = f"""INSERT INTO entries SELECT
        (json_populate_record(entries, json_build_object('seq', number))).*
        FROM entries, generate_series(1001, {1001 + BREACHES_MAX}) AS number
        WHERE user_id = '{pristine[1].payer}' AND seq = 3"""
    await run((await clones.of(0)).dsn, copies)
    await run((await clones.of(1)).dsn, "UPDATE operator_acts SET detail = '' WHERE bucket = 3")

    found = await verified(clones.shards)

    first, second = found.shards
    assert len(first.broken) == BREACHES_MAX
    assert first.found > 2 * BREACHES_MAX
    assert len(second.broken) == second.found > 1


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
async def test_chains_are_the_same_however_few_rows_come_at_a_time(
    clones: Clones, pristine: Pristine, monkeypatch: pytest.MonkeyPatch, rows: int
):
    monkeypatch.setattr("audit.reader.CHUNK_ROWS", rows)
    monkeypatch.setattr("audit.verify.CHUNK_ROWS", rows)
    in_order = await verified(clones.shards)
    database = await clones.of(0)
    users = await run(
        database.dsn,
        "DELETE FROM accounts WHERE seq > 0 AND user_id IN"
        " (SELECT user_id FROM accounts WHERE seq > 0 ORDER BY user_id LIMIT 2) RETURNING user_id",
    )
    last = await run(
        database.dsn,
        "UPDATE accounts SET seq = seq + 1 WHERE user_id ="
        " (SELECT user_id FROM accounts ORDER BY user_id DESC LIMIT 1) RETURNING user_id, currency",
    )

    found = await verified(clones.shards)

    assert places(in_order) == []
    assert sum(tally.accounts for tally in in_order.shards) == await counted(
        pristine[0], "accounts"
    )
    assert sorted(places(found)) == sorted(
        [
            *(f"shard0 account {row['user_id']} EUR account_missing" for row in users),
            *(f"shard0 account {row['user_id']} {row['currency']} account_seq" for row in last),
        ]
    )
    assert len(users) == 2
    assert last


async def test_a_shard_that_goes_away_meanwhile_is_not_verified(
    pristine: Pristine, monkeypatch: pytest.MonkeyPatch
):
    databases, _ = pristine

    async def go_away(reader: ShardReader, tally: ShardTally) -> None:
        if reader.shard.name == "shard1":
            await run(
                reader.shard.dsn,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'holdfast audit'",
            )
        await _verify_acts(reader, tally)

    monkeypatch.setattr("audit.verify._verify_acts", go_away)
    found = await verified(databases)

    assert found.outcome is Outcome.NOT_AUDITED
    assert [lost.shard for lost in found.lost] == ["shard1"]
    assert [tally.finished for tally in found.shards] == [True, False]


async def test_chains_that_grow_meanwhile_are_in_order(
    world: World, shard_databases: list[ShardDatabase]
):
    pairs = [await world.pair(funds=10_000, same_shard=index == 0) for index in range(4)]
    stop = asyncio.Event()
    finished = 0

    async def pay(payer: UUID, payee: UUID) -> None:
        nonlocal finished
        while not stop.is_set():
            await world.run_all(await world.try_transfer(payer, payee, 1))
            finished += 1

    found: list[Verified] = []
    async with asyncio.TaskGroup() as tasks:
        for payer, payee in pairs:
            tasks.create_task(pay(payer, payee))
        while len(found) < 10 or finished < 50:
            found.append(await verified(shard_databases))
        stop.set()

    assert [places(one) for one in found] == [[]] * len(found)
    assert {one.outcome for one in found} == {Outcome.OK}
    assert len({sum(tally.entries for tally in one.shards) for one in found}) > 1


async def test_one_user_is_verified_alone(clones: Clones, pristine: Pristine):
    books = pristine[1]
    clone = await clones.of(0)
    await run(clone.dsn, f"UPDATE accounts SET seq = 99 WHERE user_id = '{books.payer}'")
    of_second = await run(clone.dsn, f"SELECT 1 FROM entries WHERE user_id = '{books.second}'")

    of_payer = await verified([clone], user=books.payer)
    second = await verified([clone], user=books.second)
    nobody = await verified([clone], user=RandomIds().new_id(0))

    assert places(of_payer) == [f"shard0 account {books.payer} EUR account_seq"]
    assert second.outcome is Outcome.OK
    (tally,) = second.shards
    assert (tally.entries, tally.accounts, tally.acts) == (len(of_second), 1, 0)
    assert nobody.outcome is Outcome.NOT_AUDITED
    assert "has no user" in nobody.lost[0].detail


async def test_the_command_says_that_all_is_well(holdfast: Holdfast, world: World):
    books = await make_books(world)

    text, machine = await holdfast("verify"), await holdfast("verify", "--json")
    one = await holdfast("verify", "--user", str(books.payee), "--json")

    assert (text.code, text.err) == (0, "")
    assert "rows in" in text.out
    assert text.out.splitlines()[-1].startswith("OK: every hash is right")
    assert (machine.code, machine.err) == (0, "")
    report = json.loads(machine.out)
    assert (report["outcome"], report["ok"], report["unverified"]) == ("ok", True, [])
    assert report["rows"] == sum(shard["entries"] + shard["acts"] for shard in report["shards"])
    assert [shard["shard"] for shard in json.loads(one.out)["shards"]] == ["shard1"]


async def test_the_command_names_what_is_broken(holdfast: Holdfast, world: World):
    payer, _ = await world.pair(funds=100)
    async with world.session(payer) as conn:
        await conn.execute("UPDATE entries SET hash = sha256('') WHERE user_id = $1", payer)

    text, machine = await holdfast("verify"), await holdfast("verify", "--json")
    elsewhere = await holdfast("verify", "--shard", "shard1")

    assert (text.code, machine.code, elsewhere.code) == (1, 1, 0)
    assert f"shard0  entry {payer} EUR seq 1  hash: e3b0c442" in text.out
    assert text.out.splitlines()[-1] == "BROKEN: 2 flaws, see above."
    (broken, of_account) = json.loads(machine.out)["shards"][0]["broken"]
    assert broken.pop("detail").startswith("e3b0c442")
    assert broken == {
        "row": "entry", "user_id": str(payer), "currency": "EUR", "seq": 1, "what": "hash"
    }  # fmt: skip
    assert (of_account["row"], of_account["what"]) == ("account", "account_hash")


async def test_the_command_says_what_it_could_not_verify(holdfast: Holdfast, world: World):
    away = replace(holdfast.shards[1], dsn=f"postgresql://h@127.0.0.1:{free_port()}/x")
    without = replace(holdfast, shards=[holdfast.shards[0], away])

    ended = [
        await without("verify"),
        await without("verify", "--shard", "shard0"),
        await without("verify", "--shard", "shard9"),
        await holdfast("verify", "--user", str(RandomIds().new_id(4000))),
    ]

    assert [one.code for one in ended] == [2, 0, 2, 2]
    assert "shard1 was not verified: " in ended[0].out
    assert ended[0].out.splitlines()[-1].startswith("NOT VERIFIED")
    assert "--shard is one of shard0, shard1" in ended[2].err
    assert "is no user of this system" in ended[3].err
