"""Every check of the audit, shown to find what it is for, in books that were in order before."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

import asyncpg
import pytest

from audit import Outcome
from audit.reader import Row
from devstack.postgres import PostgresServer
from shards.book import EntryKind, open_book
from shards.ids import RandomIds, bucket_of
from shards.users import lock_users
from shards.verdicts import Verdict, VerdictKind, insert_verdicts
from tests.databases import ShardDatabase, create_shards, drop_shards, open_map
from tests.integration.test_audit import BUCKETS, Books, audit_of, broken, make_books
from tests.integration.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`sql` on a shard must be found by `check`, which must name `id` (a field of Books)."""

    check: str
    sql: str
    id: str
    shard: int = 0


CASES = (
    Case(
        check="account_balance",
        sql="UPDATE accounts SET balance = balance + 1 WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(
        check="account_balance",
        sql="""DELETE FROM entries WHERE transfer_id = '{completed}' AND kind = 'transfer_in'""",
        id="payee",
        shard=1,
    ),
    Case(
        check="account_head",
        sql="UPDATE accounts SET head_hash = sha256('') WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(
        check="account_head",
        sql="UPDATE accounts SET seq = seq + 1 WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(
        check="account_head",
        sql="UPDATE accounts SET last_at = last_at - interval '1 microsecond'"
        " WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(
        check="account_held",
        sql="UPDATE accounts SET held = held + 1 WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(
        check="account_held",
        sql="UPDATE transfers SET status = 'cancelled', reason = 'expired', ended_at = now(),"
        " next_attempt_at = NULL WHERE id = '{held}'",
        id="payer",
    ),
    Case(
        check="account_held",
        sql="DELETE FROM accounts WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(
        check="account_bounds",
        sql="UPDATE accounts SET held = balance + 1 WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(
        check="account_bounds",
        sql="UPDATE accounts SET balance = 'NaN' WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(check="account_owner", sql="DELETE FROM users WHERE id = '{payer}'", id="payer"),
    Case(check="entry_account", sql="DELETE FROM users WHERE id = '{payer}'", id="payer"),
    Case(check="entry_account", sql="DELETE FROM accounts WHERE user_id = '{payer}'", id="payer"),
    Case(
        check="entry_shape",
        sql="UPDATE entries SET contra = 'external' WHERE transfer_id = '{completed}'",
        id="payer",
    ),
    Case(
        check="entry_shape",
        sql="UPDATE entries SET amount = -amount WHERE transfer_id = '{completed}'",
        id="payer",
    ),
    Case(
        check="entry_seq",
        sql="UPDATE entries SET seq = seq + 1 WHERE user_id = '{payer}' AND seq >= 3",
        id="payer",
    ),
    Case(
        check="entry_seq",
        sql="DELETE FROM entries WHERE user_id = '{payer}' AND seq = 2",
        id="payer",
    ),
    Case(
        check="entry_balance",
        sql="UPDATE entries SET balance_after = balance_after + 1"
        " WHERE transfer_id = '{completed}'",
        id="payer",
    ),
    Case(
        check="entry_hash",
        sql="UPDATE entries SET amount = amount + 1 WHERE transfer_id = '{completed}'",
        id="payee",
        shard=1,
    ),
    Case(
        check="entry_hash",
        sql="UPDATE entries SET hash = sha256(hash) WHERE transfer_id = '{completed}'",
        id="payer",
    ),
    Case(
        check="entry_hash",
        sql="UPDATE entries SET at = at + interval '1 microsecond' WHERE user_id = '{payer}'",
        id="payer",
    ),
    Case(
        check="entry_chain",
        sql="UPDATE entries SET prev_hash = sha256('') WHERE user_id = '{payer}' AND seq = 1",
        id="payer",
    ),
    Case(
        check="entry_chain",
        sql="UPDATE entries SET hash = sha256(hash) WHERE transfer_id = '{completed}'",
        id="payer",
    ),
    Case(
        check="entry_time",
        sql="UPDATE entries SET at = at - interval '1 hour' WHERE transfer_id = '{completed}'",
        id="payer",
    ),
    Case(
        check="transfer_shape",
        sql="UPDATE transfers SET next_attempt_at = now() WHERE id = '{completed}'",
        id="completed",
    ),
    Case(
        check="transfer_shape",
        sql="UPDATE transfers SET status = 'frozen' WHERE id = '{held}'",
        id="held",
    ),
    Case(
        check="transfer_entries",
        sql="UPDATE transfers SET status = 'refunded', reason = 'payee_closed'"
        " WHERE id = '{completed}'",
        id="completed",
    ),
    Case(
        check="transfer_entries",
        sql="DELETE FROM entries WHERE transfer_id = '{refunded}' AND kind = 'transfer_return'",
        id="refunded",
    ),
    Case(
        check="transfer_entries",
        sql="""INSERT INTO entries SELECT (json_populate_record(entries, '{{"seq": 99}}')).*
        FROM entries WHERE transfer_id = '{debited}'""",
        id="debited",
    ),
    Case(
        check="transfer_entries",
        sql="UPDATE transfers SET status = 'held', debited_at = NULL WHERE id = '{debited}'",
        id="debited",
    ),
    Case(
        check="debit_of_transfer",
        sql="UPDATE transfers SET amount = amount + 1 WHERE id = '{debited}'",
        id="debited",
    ),
    Case(
        check="debit_of_transfer",
        sql="UPDATE transfers SET payee_id = '{neighbour_id}' WHERE id = '{debited}'",
        id="debited",
    ),
    Case(
        check="debit_of_transfer",
        sql="DELETE FROM transfers WHERE id = '{debited}'",
        id="debited",
    ),
    Case(
        check="verdict_shape",
        sql="UPDATE verdicts SET refunded_amount = amount + 1 WHERE transfer_id = '{completed}'",
        id="completed",
        shard=1,
    ),
    Case(
        check="verdict_once",
        sql="""INSERT INTO verdicts SELECT
        (json_populate_record(verdicts, '{{"verdict": "refused", "reason": "payee_closed"}}')).*
        FROM verdicts WHERE transfer_id = '{credited}'""",
        id="credited",
        shard=1,
    ),
    Case(
        check="verdict_entries",
        sql="""INSERT INTO entries SELECT (json_populate_record(entries, '{{"seq": 99}}')).*
        FROM entries WHERE transfer_id = '{completed}'""",
        id="completed",
        shard=1,
    ),
    Case(
        check="verdict_entries",
        sql="DELETE FROM entries WHERE transfer_id = '{completed}'",
        id="completed",
        shard=1,
    ),
    Case(
        check="credit_of_verdict",
        sql="DELETE FROM verdicts WHERE transfer_id = '{completed}'",
        id="completed",
        shard=1,
    ),
    Case(
        check="credit_of_verdict",
        sql="UPDATE verdicts SET amount = amount + 1 WHERE transfer_id = '{completed}'",
        id="completed",
        shard=1,
    ),
    Case(
        check="movement_shape",
        sql="UPDATE movements SET kind = 'gift' WHERE user_id = '{payer}'",
        id="deposit",
    ),
    Case(
        check="movement_entries",
        sql="DELETE FROM entries WHERE movement_id = '{deposit}'",
        id="deposit",
    ),
    Case(
        check="movement_entries",
        sql="UPDATE movements SET status = 'rejected', reason = 'expired' WHERE id = '{deposit}'",
        id="deposit",
    ),
    Case(
        check="entry_of_movement",
        sql="UPDATE movements SET amount = amount + 1 WHERE id = '{deposit}'",
        id="deposit",
    ),
    Case(
        check="entry_of_movement",
        sql="UPDATE movements SET balance_before = 1 WHERE id = '{deposit}'",
        id="deposit",
    ),
    Case(
        check="entry_of_movement",
        sql="UPDATE movements SET hash = sha256(hash) WHERE id = '{deposit}'",
        id="deposit",
    ),
    Case(
        check="entry_of_movement", sql="DELETE FROM movements WHERE id = '{deposit}'", id="deposit"
    ),
    Case(
        check="key_once",
        sql="UPDATE movements SET idempotency_key ="
        " (SELECT idempotency_key FROM transfers WHERE id = '{held}') WHERE id = '{deposit}'",
        id="held",
    ),
    Case(
        check="key_once",
        sql="UPDATE transfers SET idempotency_key = 'same' WHERE payer_id = '{payer}'",
        id="cancelled",
    ),
    Case(
        check="bucket_of_id",
        sql="UPDATE transfers SET bucket = 2 WHERE id = '{held}'",
        id="held",
    ),
    Case(
        check="bucket_of_id",
        sql="UPDATE verdicts SET bucket = 3 WHERE transfer_id = '{credited}'",
        id="credited",
        shard=1,
    ),
    Case(
        check="bucket_here",
        sql="UPDATE transfers SET bucket = 1 WHERE id = '{held}'",
        id="held",
    ),
    Case(
        check="event_sequence",
        sql="DELETE FROM outbox WHERE user_id = '{payer}' AND sequence = 3",
        id="payer",
    ),
    Case(
        check="event_sequence",
        sql="UPDATE users SET event_sequence = event_sequence + 1 WHERE id = '{payer}'",
        id="payer",
    ),
    Case(
        check="event_sequence",
        sql="UPDATE outbox SET sequence = 2 WHERE user_id = '{payer}' AND sequence = 1",
        id="payer",
    ),
    Case(check="bucket_placed", sql="DELETE FROM buckets WHERE bucket = 0", id="bucket"),
    Case(check="bucket_placed", sql="INSERT INTO buckets VALUES (0)", id="bucket", shard=1),
    Case(
        check="credit_has_debit",
        sql="UPDATE transfers SET status = 'refunded', reason = 'payee_closed'"
        " WHERE id = '{completed}'",
        id="completed",
    ),
    Case(
        check="credit_has_debit",
        sql="DELETE FROM transfers WHERE id = '{completed}'",
        id="completed",
    ),
    Case(
        check="credit_has_debit",
        sql="UPDATE verdicts SET amount = amount + 1 WHERE transfer_id = '{completed}'",
        id="completed",
        shard=1,
    ),
    Case(
        check="refusal_has_debit",
        sql="UPDATE transfers SET status = 'completed', reason = NULL WHERE id = '{refunded}'",
        id="refunded",
    ),
    Case(
        check="completed_has_credit",
        sql="DELETE FROM verdicts WHERE transfer_id = '{completed}'",
        id="completed",
        shard=1,
    ),
    Case(
        check="completed_has_credit",
        sql="UPDATE verdicts SET verdict = 'refused', reason = 'payee_closed'"
        " WHERE transfer_id = '{completed}'",
        id="completed",
        shard=1,
    ),
    Case(
        check="completed_has_credit",
        sql="UPDATE transfers SET payee_id = '018f0000-0000-8fff-8000-000000000000'"
        " WHERE id = '{completed}'",
        id="completed",
    ),
    Case(
        check="refunded_has_refusal",
        sql="DELETE FROM verdicts WHERE transfer_id = '{refunded}'",
        id="refunded",
        shard=1,
    ),
    Case(
        check="conservation",
        sql="UPDATE accounts SET balance = balance + 1 WHERE user_id = '{payer}'",
        id="currency",
    ),
)


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
async def clones(
    pristine: tuple[list[ShardDatabase], Books],
) -> AsyncIterator[list[ShardDatabase]]:
    """The two shards, to be broken; without constraints, which would refuse that."""
    made = []
    for database in pristine[0]:
        server, name = database.dsn.rsplit("/", 1)
        clone = f"test_{secrets.token_hex(6)}"
        await run(f"{server}/postgres", f'CREATE DATABASE "{clone}" TEMPLATE "{name}"')
        made.append(replace(database, dsn=f"{server}/{clone}"))
    yield made
    await drop_shards(made)


@pytest.fixture
async def named(pristine: tuple[list[ShardDatabase], Books]) -> dict[str, str]:
    """The ids that cases speak of."""
    databases, books = pristine
    names = {name: str(getattr(books, name)) for name in Books.__slots__}
    (deposit,) = await run(
        databases[0].dsn,
        f"SELECT id FROM movements WHERE user_id = '{books.payer}' AND kind = 'deposit'",
    )
    neighbour_id = RandomIds().new_id(bucket_of(books.payee))
    return names | {
        "deposit": str(deposit["id"]),
        "neighbour_id": str(neighbour_id),
        "bucket": "0",
        "currency": "EUR",
    }


async def run(dsn: str, sql: str) -> list[Row]:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetch(sql)
    finally:
        await conn.close()


async def drop_constraints(database: ShardDatabase) -> None:
    rows = await run(
        database.dsn,
        "SELECT format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', conrelid::regclass,"
        " conname) AS sql FROM pg_constraint WHERE contype <> 'n' AND conrelid <> 0"
        " AND connamespace = 'public'::regnamespace",
    )
    for row in rows:
        await run(database.dsn, row["sql"])


async def test_the_books_are_in_order_before(clones: list[ShardDatabase]):
    report = await audit_of(clones)

    assert broken(report) == {}
    assert {check.name for check in report.checks} == {case.check for case in CASES}


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case.check}: {' '.join(case.sql.split())}"
)
async def test_a_planted_corruption_is_found(
    clones: list[ShardDatabase], named: dict[str, str], case: Case
):
    await run(clones[case.shard].dsn, case.sql.format(**named))

    report = await audit_of(clones)

    assert report.outcome is Outcome.BREACH
    assert case.check in broken(report)
    assert named[case.id] in broken(report)[case.check]


async def test_a_second_credit_in_a_perfect_chain_is_found(
    clones: list[ShardDatabase], pristine: tuple[list[ShardDatabase], Books]
):
    """The account, its hashes and its sums all agree; only the number of credits does not."""
    books = pristine[1]

    await forge_credit(clones[1], books, verdict=False)

    found = broken(await audit_of(clones))
    assert found == {"verdict_entries": [str(books.completed)], "conservation": ["EUR"]}


async def test_a_credit_that_nobody_paid_is_found(
    clones: list[ShardDatabase], pristine: tuple[list[ShardDatabase], Books]
):
    """Everything on the payee's shard agrees; only the payer's shard knows nothing of it."""
    books = pristine[1]

    forged = await forge_credit(clones[1], books, verdict=True)

    found = broken(await audit_of(clones))
    assert found == {"credit_has_debit": [forged], "conservation": ["EUR"]}


async def forge_credit(database: ShardDatabase, books: Books, *, verdict: bool) -> str:
    """Credits the payee through the book: for a transfer again, or for one that never was."""
    transfer_id = RandomIds().new_id(bucket_of(books.payer)) if verdict else books.completed
    (shard,) = open_map([replace(database, buckets=tuple(range(BUCKETS)))], buckets=BUCKETS).shards
    async with shard.transaction([bucket_of(books.payee)]) as conn:
        users = await lock_users(conn, [books.payee], wait=True)
        book = await open_book(conn, users=users, accounts=[(books.payee, "EUR")])
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
            )
            await conn.execute("ALTER TABLE verdicts ADD PRIMARY KEY (transfer_id)")
            await insert_verdicts(conn, [forged])
        await conn.execute("ALTER TABLE accounts ADD PRIMARY KEY (user_id, currency)")
        await book.write(conn)
    await shard.close()
    return str(transfer_id)
