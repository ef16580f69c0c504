"""A transaction of a shard, and every way it can end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from sagas.steps.try_transfer import Tried, try_transfers
from shards.connection import Connection
from shards.errors import (
    BucketNotHereError,
    CommitUnknownError,
    RolledBackError,
    ShardAwayError,
    ShardBusyError,
)
from shards.pool import ShardOptions
from shards.shard import Shard
from tests.databases import ShardDatabase
from tests.eventually import eventually
from tests.integration.world import OPEN_MAX, TIMING, World

CURRENCY = "INSERT INTO currencies (code, name, decimals) VALUES ($1, 'New', 2)"
# The commit of a transaction that has inserted into the table waits until nobody holds lock 7.
COMMIT_WAITS = """
    CREATE FUNCTION wait_at_commit() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN
            -- As a disk that hangs, which no limit of the server ends.
            PERFORM set_config(''transaction_timeout'', ''0'', true);
            PERFORM pg_advisory_xact_lock(7);
            RETURN NULL;
        END';
    CREATE CONSTRAINT TRIGGER wait_at_commit AFTER INSERT ON {table}
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_at_commit();
"""


@asynccontextmanager
async def opened(database: ShardDatabase, **options: float) -> AsyncIterator[Shard]:
    shard = Shard(
        name=database.name,
        dsn=database.dsn,
        buckets=database.buckets,
        options=ShardOptions(**options),  # type: ignore[arg-type]  # pool_size is whole
    )
    yield shard
    await shard.close()


@pytest.fixture
def database(shard_databases: list[ShardDatabase]) -> ShardDatabase:
    return shard_databases[0]


@pytest.fixture
async def shard(database: ShardDatabase) -> AsyncIterator[Shard]:
    """A shard with one connection, so that every use gets what the use before left."""
    async with opened(database, pool_size=1, transaction_s=30.0) as one:
        yield one


async def query(database: ShardDatabase, sql: str, *args: object) -> object:
    """A statement from outside."""
    conn = await asyncpg.connect(database.dsn)
    try:
        return await conn.fetchval(sql, *args) if args else await conn.execute(sql)
    finally:
        await conn.close()


async def kill(database: ShardDatabase, pid: int) -> None:
    await query(database, "SELECT pg_terminate_backend($1, 5000)", pid)


async def codes(database: ShardDatabase) -> object:
    return await query(
        database, "SELECT count(*) FROM currencies WHERE name = ANY($1::text[])", ["New"]
    )


async def pid_of(conn: Connection) -> int:
    pid: int = await conn.fetchval("SELECT pg_backend_pid()")
    return pid


async def transact(shard: Shard, work: Callable[[Connection], Awaitable[object]]) -> None:
    """Runs `work` as one transaction."""
    async with shard.transaction([0]) as conn:
        await work(conn)


async def is_clean(shard: Shard) -> bool:
    """Whether the pooled connection has no transaction of somebody else open."""
    async with shard.connection() as conn:
        first = await conn.fetchval("SELECT pg_current_xact_id()::text")
        return bool(first != await conn.fetchval("SELECT pg_current_xact_id()::text"))


# --- the ends that a block chooses


async def test_a_block_that_ends_is_committed(database: ShardDatabase, shard: Shard):
    async with shard.transaction([0]) as conn:
        await conn.execute(CURRENCY, "NEW")

    assert await codes(database) == 1
    assert await is_clean(shard)


async def test_a_block_that_raises_is_rolled_back_and_its_connection_serves_again(
    database: ShardDatabase, shard: Shard
):
    async with shard.connection() as conn:
        pid = await pid_of(conn)

    async def work(conn: Connection) -> None:
        await conn.execute(CURRENCY, "NEW")
        raise KeyError

    with pytest.raises(KeyError):
        await transact(shard, work)

    assert await codes(database) == 0
    assert await is_clean(shard)
    async with shard.connection() as conn:
        assert await pid_of(conn) == pid


async def test_an_error_of_a_statement_is_raised_as_it_is(shard: Shard):
    async def work(conn: Connection) -> None:
        await conn.execute(CURRENCY, "NEW")
        await conn.execute(CURRENCY, "NEW")

    with pytest.raises(asyncpg.UniqueViolationError) as raised:
        await transact(shard, work)

    assert raised.value.constraint_name == "currencies_pkey"
    assert await is_clean(shard)


async def test_a_block_that_goes_on_after_an_error_is_not_taken_for_committed(
    database: ShardDatabase, shard: Shard
):
    async def work(conn: Connection) -> None:
        await conn.execute(CURRENCY, "NEW")
        with pytest.raises(asyncpg.UniqueViolationError):
            await conn.execute(CURRENCY, "NEW")

    with pytest.raises(RolledBackError, match="ROLLBACK"):
        await transact(shard, work)

    assert await codes(database) == 0
    assert await is_clean(shard)


async def test_a_bucket_that_is_not_here_leaves_nothing_open(shard: Shard):
    with pytest.raises(BucketNotHereError):
        async with shard.transaction([1]):
            pytest.fail("not reached")

    assert await is_clean(shard)


async def test_an_argument_that_cannot_be_sent_is_a_bug_and_not_an_outage(shard: Shard):
    with pytest.raises(asyncpg.DataError, match="query argument"):
        await transact(shard, lambda conn: conn.fetchval("SELECT $1::bigint", 2**63))

    assert await is_clean(shard)


async def test_amounts_come_and_go_as_whole_numbers(shard: Shard):
    async with shard.connection() as conn:
        amount = await conn.fetchval("SELECT $1::numeric(38, 0) + 1", 10**37)

    assert amount == 10**37 + 1
    assert type(amount) is int


# --- connections that break


async def test_a_connection_killed_in_a_transaction_is_away_and_the_next_is_fresh(
    database: ShardDatabase, shard: Shard
):
    async def work(conn: Connection) -> None:
        await conn.execute(CURRENCY, "NEW")
        await kill(database, await pid_of(conn))
        await conn.execute(CURRENCY, "TWO")

    with pytest.raises(ShardAwayError) as raised:
        await transact(shard, work)

    assert not isinstance(raised.value, CommitUnknownError)
    await shard.ping()
    assert await codes(database) == 0


async def test_a_connection_killed_before_its_commit_was_sent_is_unknown_too(
    database: ShardDatabase, shard: Shard
):
    async def work(conn: Connection) -> None:
        await conn.execute(CURRENCY, "NEW")
        await kill(database, await pid_of(conn))

    with pytest.raises(CommitUnknownError):
        await transact(shard, work)

    await shard.ping()
    assert await codes(database) == 0


async def test_a_connection_killed_while_it_commits_is_unknown(
    database: ShardDatabase, shard: Shard
):
    async def kill_at_commit(pid: int) -> None:
        await eventually(lambda: is_committing(database))
        await kill(database, pid)

    async with commits_wait(database, table="currencies"), asyncio.TaskGroup() as group:

        async def work(conn: Connection) -> None:
            await conn.execute(CURRENCY, "NEW")
            group.create_task(kill_at_commit(await pid_of(conn)))

        with pytest.raises(CommitUnknownError):
            await transact(shard, work)

    await shard.ping()
    assert await codes(database) == 0


@asynccontextmanager
async def commits_wait(database: ShardDatabase, *, table: str) -> AsyncIterator[None]:
    """Meanwhile no transaction that has inserted into this table commits."""
    await query(database, COMMIT_WAITS.format(table=table))
    holder = await asyncpg.connect(database.dsn)
    try:
        await holder.execute("SELECT pg_advisory_lock(7)")
        yield
    finally:
        await holder.close()


async def is_committing(database: ShardDatabase) -> bool:
    sql = "SELECT count(*) FROM pg_stat_activity WHERE query = $1 AND wait_event_type = 'Lock'"
    return bool(await query(database, sql, "COMMIT"))


async def test_a_commit_whose_answer_never_came_may_have_happened_and_the_key_tells(
    world: World, database: ShardDatabase
):
    payer, payee = await world.pair(funds=100)
    request = world.try_request(payer, payee, 60)

    async with (
        commits_wait(database, table="transfers"),
        opened(database, transaction_s=1.0, lock_s=30.0) as hasty,
    ):
        with pytest.raises(CommitUnknownError):
            await try_transfers(hasty, [request], wait=True, timing=TIMING, open_max=OPEN_MAX)

    (outcome,) = await try_transfers(
        world.shards.of_id(payer), [request], wait=True, timing=TIMING, open_max=OPEN_MAX
    )
    assert isinstance(outcome, Tried)
    assert outcome.replayed
    assert await world.balance(payer) == (100, 60)


async def test_a_transaction_that_takes_too_long_loses_its_connection(database: ShardDatabase):
    async with opened(database, transaction_s=0.5) as hasty:
        with pytest.raises(ShardAwayError, match="connection lost"):
            await transact(hasty, lambda conn: conn.execute("SELECT pg_sleep(60)"))

        await hasty.ping()


async def test_a_connection_that_is_dropped_within_a_statement_is_lost(
    shard: Shard, monkeypatch: pytest.MonkeyPatch
):
    """The deadline passes after the statement was prepared and before it is run."""
    prepare = asyncpg.Connection._get_statement  # type: ignore[attr-defined]

    async def prepare_too_late(
        self: "asyncpg.Connection[asyncpg.Record]", *args: Any, **options: Any
    ) -> Any:
        prepared = await prepare(self, *args, **options)
        self.terminate()
        return prepared

    async def read() -> None:
        async with shard.connection() as conn:
            await conn.fetchval("SELECT 1")

    await read()
    monkeypatch.setattr(asyncpg.Connection, "_get_statement", prepare_too_late)
    with pytest.raises(ShardAwayError, match="connection lost"):
        await read()

    monkeypatch.undo()
    await shard.ping()


async def test_a_mistake_in_a_block_is_no_lost_connection(shard: Shard):
    with pytest.raises(AttributeError):
        async with shard.connection() as conn:
            conn.nothing  # type: ignore[attr-defined]  # noqa: B018


async def test_a_cancelled_task_drops_its_connection_and_its_transaction(
    database: ShardDatabase, shard: Shard
):
    reached: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def stand_still(conn: Connection) -> None:
        await conn.execute(CURRENCY, "NEW")
        reached.set_result(await pid_of(conn))
        await asyncio.Event().wait()

    task = asyncio.create_task(transact(shard, stand_still))
    dropped = await reached
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    async with shard.connection() as conn:
        assert await pid_of(conn) != dropped
    assert await codes(database) == 0


# --- a shard that is busy


async def test_without_a_free_connection_the_shard_is_busy(database: ShardDatabase):
    async with opened(database, pool_size=1, transaction_s=0.5) as small:
        pool = await small._opened()
        # Taken past the shard, which would drop it before the next in line gives up.
        taken = await pool.acquire(timeout=1.0)
        with pytest.raises(ShardBusyError, match="all connections are in use"):
            await small.ping()
        await pool.release(taken)

        await small.ping()


async def test_a_deadlock_is_busy_and_one_of_the_two_goes_on(database: ShardDatabase):
    both = asyncio.Barrier(2)

    async def lock(shard: Shard, *order: int) -> None:
        async with shard.transaction([0]) as conn:
            await conn.execute("SET LOCAL deadlock_timeout = '10ms'")
            await conn.execute("SELECT pg_advisory_xact_lock($1)", order[0])
            await both.wait()
            await conn.execute("SELECT pg_advisory_xact_lock($1)", order[1])

    async with opened(database) as shard:
        tasks = [asyncio.create_task(lock(shard, *order)) for order in ((1, 2), (2, 1))]
        await asyncio.wait(tasks, timeout=5)
        errors = [task.exception() for task in tasks]

    assert sorted(type(error).__name__ for error in errors) == ["NoneType", "ShardBusyError"]
