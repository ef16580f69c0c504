"""Every check of the audit, shown to find what it is for, in books that were in order before."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from audit import Outcome
from audit.report import BREACHES_MAX
from devstack.postgres import PostgresServer
from sagas.events import TRANSFER_CREDITED, credited_data
from shards.book_rows import EntryKind
from shards.ids import RandomIds, bucket_of
from shards.keys import KeyOf
from shards.opening import open_keyed
from shards.users import lock_users
from shards.verdicts import Verdict, VerdictKind, insert_verdicts
from shards.writes import write_together
from tests.databases import ShardDatabase, create_shards, drop_shards, open_map
from tests.integration.act_cases import ACT_CASES
from tests.integration.audit_cases import CASES, Case
from tests.integration.books import BUCKETS, NEW_CURRENCY, Books, audit_of, broken, make_books
from tests.integration.clones import Clones, drop_constraints, run
from tests.integration.shop_books import ShopBooks
from tests.integration.shop_cases import SHOP_CASES
from tests.integration.world import World

ALL_CASES = (*CASES, *SHOP_CASES, *ACT_CASES)


@pytest.fixture(scope="module")
def pristine(postgres: PostgresServer) -> Iterator[tuple[list[ShardDatabase], Books]]:
    """Books in order, for the tests to clone."""

    async def make() -> tuple[list[ShardDatabase], Books]:
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
async def clones(pristine: tuple[list[ShardDatabase], Books]) -> AsyncIterator[Clones]:
    made = Clones(pristine[0])
    yield made
    await made.drop()


@pytest.fixture
async def named(pristine: tuple[list[ShardDatabase], Books]) -> dict[str, str]:
    """The ids that cases speak of."""
    databases, books = pristine
    names = {
        name: str(getattr(rows, name))
        for rows, kind in ((books, Books), (books.of_shop, ShopBooks))
        for name in kind.__slots__
    }
    moved = f"SELECT id FROM movements WHERE user_id = '{books.payer}'"
    (deposit,) = await run(databases[0].dsn, f"{moved} AND kind = 'deposit'")
    (rejected,) = await run(databases[0].dsn, f"{moved} AND status = 'rejected'")
    neighbour_id = RandomIds().new_id(bucket_of(books.payee))
    return names | {
        "deposit": str(deposit["id"]),
        "rejected_withdrawal": str(rejected["id"]),
        "neighbour_id": str(neighbour_id),
        "bucket": "0",
        "currency": "EUR",
        "new_currency": NEW_CURRENCY,
    }


async def test_the_books_are_in_order_before(clones: Clones) -> None:
    report = await audit_of(clones.shards)

    assert broken(report) == {}
    assert {check.name for check in report.checks} == {case.check for case in ALL_CASES}


@pytest.mark.parametrize(
    "case", ALL_CASES, ids=lambda case: f"{case.check}: {' '.join(case.sql.split())}"
)
async def test_a_planted_corruption_is_found(
    clones: Clones, named: dict[str, str], case: Case
) -> None:
    await run((await clones.of(case.shard)).dsn, case.sql.format(**named))

    report = await audit_of(clones.shards)

    assert report.outcome is Outcome.BREACH
    assert case.check in broken(report)
    assert named[case.id] in broken(report)[case.check]


async def test_a_second_credit_in_a_perfect_chain_is_found(
    clones: Clones, pristine: tuple[list[ShardDatabase], Books]
) -> None:
    """The account, its hashes and its sums all agree; only the number of credits does not."""
    books = pristine[1]

    await forge_credit(await clones.of(1), books, verdict=False)

    found = broken(await audit_of(clones.shards))
    assert found == {"verdict_entries": [str(books.completed)], "conservation": ["EUR"]}


async def test_a_credit_that_nobody_paid_is_found(
    clones: Clones, pristine: tuple[list[ShardDatabase], Books]
) -> None:
    """Everything on the payee's shard agrees; only the payer's shard knows nothing of it."""
    books = pristine[1]

    forged = await forge_credit(await clones.of(1), books, verdict=True)

    found = broken(await audit_of(clones.shards))
    assert found == {"credit_has_debit": [forged], "conservation": ["EUR"]}


async def test_a_shard_shows_no_more_than_some_breaches(
    clones: Clones, pristine: tuple[list[ShardDatabase], Books]
) -> None:
    copies = f"""INSERT INTO verdicts SELECT (json_populate_record(verdicts,
        json_build_object('transfer_id', gen_random_uuid()))).*
        FROM verdicts, generate_series(1, {BREACHES_MAX + 1})
        WHERE transfer_id = '{pristine[1].completed}'"""
    await run((await clones.of(1)).dsn, copies)

    report = await audit_of(clones.shards)

    entries = next(check for check in report.checks if check.name == "verdict_entries")
    assert len(entries.breaches) == BREACHES_MAX
    assert entries.more


async def forge_credit(database: ShardDatabase, books: Books, *, verdict: bool) -> str:
    """Credits the payee through the book: for a transfer again, or for one that never was."""
    transfer_id = RandomIds().new_id(bucket_of(books.payer)) if verdict else books.completed
    (shard,) = open_map([replace(database, buckets=tuple(range(BUCKETS)))], buckets=BUCKETS).shards
    async with shard.transaction([bucket_of(books.payee)]) as conn:
        users = await lock_users(conn, [books.payee], wait=True)
        asked = [(KeyOf(books.payee, "", ""), "EUR")]
        book = (await open_keyed(conn, users, asked, count_max=0)).book
        book.post(
            EntryKind.TRANSFER_IN,
            user_id=books.payee,
            currency="EUR",
            amount=100,
            source_id=transfer_id,
            counterparty_id=books.payer,
        )
        if verdict:
            forged = Verdict(
                transfer_id=transfer_id,
                payer_id=books.payer,
                payee_id=books.payee,
                currency="EUR",
                amount=100,
                kind=VerdictKind.CREDITED,
                reason=None,
                created_at=book.now,
                refund_of=None,
            )
            await conn.execute("ALTER TABLE verdicts ADD PRIMARY KEY (transfer_id)")
            await write_together(conn, insert_verdicts([forged]))
            book.tell(
                TRANSFER_CREDITED,
                user_id=books.payee,
                data=credited_data(forged),
                traceparent="",
            )
        await conn.execute("ALTER TABLE accounts ADD PRIMARY KEY (user_id, currency)")
        await write_together(conn, book.writes())
    await shard.close()
    return str(transfer_id)
