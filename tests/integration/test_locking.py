"""Who waits for whom: users in one order, what is locked skipped, buckets that move."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest

from sagas.outcomes import SKIPPED
from sagas.steps.end_hold import EndedBy, EndHold, end_holds
from sagas.steps.move import MoveRequest, move
from sagas.steps.try_confirm import TryConfirmed
from sagas.steps.try_transfer import Tried, try_transfers
from shards.book_rows import BookError, EntryKind
from shards.errors import BucketNotHereError, ShardAwayError, ShardBusyError
from shards.holds import Hold
from shards.ids import RandomIds
from shards.keys import KeyOf
from shards.movements import MovementKind
from shards.opening import open_keyed
from shards.operator_acts import NewAct, list_acts
from shards.pool import ShardOptions, open_asyncpg_pool
from shards.shard import Shard
from shards.users import LockedUser, find_users, lock_users
from shards.writes import write_together
from tests.integration.holding import open_hold
from tests.integration.world import OPEN_MAX, TIMING, World

OurConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

# As shards/sql/shard.sql has it: a move takes the same lock, but for itself.
MOVE = "SELECT pg_advisory_xact_lock(1212107844, $1)"
SET_STATE = "UPDATE buckets SET state = $2, epoch = epoch + 1 WHERE bucket = $1"


def in_order(locked: dict[UUID, LockedUser]) -> list[UUID]:
    return list(locked)


def act_on(id_: UUID) -> NewAct:
    return NewAct(act="hold.void", target_id=id_, done_by="Ada", reason="a test", detail="-")


def with_act(request: MoveRequest) -> MoveRequest:
    return replace(request, act=act_on(request.movement_id))


def void_with_act(hold: Hold) -> EndHold:
    return EndHold(
        hold_id=hold.id, payer_id=hold.payer_id, ended_by=EndedBy.VOID, act=act_on(hold.id)
    )


async def acts_in_order(shard: Shard) -> list[UUID]:
    """What the acts of a shard are on, as they were added."""
    async with shard.connection() as conn:
        acts = await list_acts(conn, limit=100, target_id=None, after=None)
    times = [listed.act.at for listed in acts]
    assert len(set(times)) == len(times), "the clock tells their order"
    return [listed.act.target_id for listed in reversed(acts)]


async def test_users_are_locked_in_the_order_of_their_ids(world: World):
    # Each id is smaller than the one before: a scan comes to the rows in the wrong order.
    world.ids = RandomIds(milliseconds=count(2**40, -1).__next__)
    users = [await world.user(bucket=bucket) for bucket in (4, 0, 2)]

    async with world.shards.of_bucket(0).transaction([0, 2, 4]) as conn:
        locked = await lock_users(conn, users, wait=True)

    assert in_order(locked) == sorted(users)


async def test_batches_over_the_same_users_in_opposite_order_do_not_deadlock(world: World):
    users = [await world.user(bucket=bucket, funds=100) for bucket in (0, 2, 4, 6) * 3]
    payee = await world.user(bucket=1)

    async def batch(payers: list[UUID]) -> None:
        for _ in range(5):
            outcomes = await world.try_together([(payer, payee, 1) for payer in payers])
            assert all(isinstance(outcome, Tried) for outcome in outcomes)

    async with asyncio.TaskGroup() as group:
        for payers in (users, users[::-1], users[6:] + users[:6]):
            group.create_task(batch(payers))

    assert [await world.balance(user) for user in users] == [(100, 15)] * 12


async def test_acts_of_a_batch_lock_their_trails_in_the_order_of_the_buckets(world: World):
    users = [await world.user(bucket=bucket, funds=100) for bucket in (4, 0, 2, 0)]
    payee = await world.user(bucket=1)
    shard = world.shards.of_id(users[0])
    moves = [with_act(world.move_request(user, MovementKind.DEPOSIT, 1)) for user in users]
    holds = [await open_hold(world, user, payee, 1) for user in users]

    await move(shard, moves, wait=True)
    moved = await acts_in_order(shard)
    await end_holds(shard, [void_with_act(hold) for hold in holds], wait=True)
    voided = (await acts_in_order(shard))[len(moved) :]

    for acts, asked in ((moved, [m.movement_id for m in moves]), (voided, [h.id for h in holds])):
        assert acts == [asked[1], asked[3], asked[2], asked[0]]


async def test_without_waiting_only_the_locked_user_is_left_out(world: World):
    users = [await world.user(bucket=0) for _ in range(3)]
    shard = world.shards.of_bucket(0)

    async with world.locked(users[1]), shard.transaction([0]) as conn:
        locked = await lock_users(conn, users, wait=False)
        found = await find_users(conn, [*users, world.ids.new_id(0)])

    assert locked.keys() == {users[0], users[2]}
    assert found.keys() == set(users)


async def test_a_batch_does_not_wait_for_the_one_user_that_is_locked(world: World):
    payer, payee = await world.pair(funds=100)
    other = await world.user(bucket=2, funds=100)
    requests = [world.try_request(one, payee, 10) for one in (payer, other)]

    async with world.locked(payer):
        outcomes = await try_transfers(
            world.shards.of_id(payer), requests, wait=False, timing=TIMING, open_max=OPEN_MAX
        )

    assert outcomes[0] is SKIPPED
    assert isinstance(outcomes[1], Tried)
    assert (await world.balance(payer), await world.balance(other)) == ((100, 0), (100, 10))


async def rests_between_statements(conn: OurConnection) -> None:
    await conn.execute("SELECT 1")


async def rests_in_a_statement(conn: OurConnection) -> None:
    """The server waits for the second half: it counts as active, and never as idle."""
    await conn.prepare("SELECT id FROM users")


@pytest.mark.parametrize("stand_still", [rests_between_statements, rests_in_a_statement])
async def test_a_holder_that_stands_still_is_ended_and_the_waiting_step_goes_on(
    world: World, stand_still: Callable[[OurConnection], Awaitable[None]]
):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)

    async with connection_of_ours(world, payer, transaction_s=0.5) as paused:
        await paused.execute("BEGIN")
        await paused.execute("SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE", payer)
        await stand_still(paused)
        outcome = await world.try_confirm(transfer)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await paused.execute("COMMIT")

    assert isinstance(outcome, TryConfirmed)
    assert await world.balance(payer) == (40, 0)


@asynccontextmanager
async def connection_of_ours(
    world: World, user_id: UUID, *, transaction_s: float
) -> AsyncIterator[OurConnection]:
    """A connection of the pool that nobody in this process watches, as if it were paused."""
    dsn = world.shards.of_id(user_id).dsn
    pool = await open_asyncpg_pool(dsn, ShardOptions(transaction_s=transaction_s))
    conn = await pool.acquire(timeout=5)
    try:
        yield conn
    finally:
        pool.terminate()


async def test_a_transaction_that_its_server_ends_was_away(world: World):
    payer = await world.user(bucket=0)
    hasty = Shard(
        name="shard0",
        dsn=world.shards.of_id(payer).dsn,
        buckets=range(4),
        options=ShardOptions(pool_size=1),
    )
    # Before this process would drop the connection itself.
    async with hasty.connection() as conn:
        await conn.execute("SET transaction_timeout = '50ms'")

    async def outlast() -> None:
        async with hasty.transaction([0]) as conn:
            await conn.execute("SELECT pg_sleep(10)")

    with pytest.raises(ShardAwayError, match="transaction timeout"):
        await outlast()

    await hasty.close()


async def test_our_connections_are_ended_when_their_transactions_last(world: World):
    payer = await world.user(bucket=0)
    async with world.shards.of_id(payer).connection() as conn:
        settings = await conn.fetchrow(
            "SELECT current_setting('transaction_timeout') AS transaction,"
            " current_setting('lock_timeout') AS lock"
        )

    assert settings is not None
    assert dict(settings) == {"transaction": "5s", "lock": "1s"}


async def test_a_lock_that_is_not_to_be_had_in_time_is_busy(world: World):
    payer, payee = await world.pair(funds=100)
    shard = world.shards.of_id(payer)
    hasty = Shard(
        name="shard0", dsn=shard.dsn, buckets=shard.buckets, options=ShardOptions(lock_s=0.05)
    )
    request = world.try_request(payer, payee, 10)

    async with world.locked(payer):
        with pytest.raises(ShardBusyError, match="lock timeout"):
            await try_transfers(hasty, [request], wait=True, timing=TIMING, open_max=OPEN_MAX)

    await hasty.close()


async def test_an_account_that_was_changed_without_its_users_lock_is_not_written_over(
    world: World,
):
    payer = await world.user(bucket=0, funds=100)

    with pytest.raises(BookError, match="update_accounts: 0 rows, not 1"):
        await deposit_while_another_writes(world, payer)

    assert await world.balance(payer) == (90, 0)


async def deposit_while_another_writes(world: World, user: UUID) -> None:
    change = "UPDATE accounts SET balance = 90, version = version + 1 WHERE user_id = $1"
    async with world.shards.of_id(user).transaction([0]) as conn:
        users = await lock_users(conn, [user], wait=True)
        asked = [(KeyOf(user, "", ""), "EUR")]
        book = (await open_keyed(conn, users, asked, count_max=0)).book
        async with world.session(user) as rogue:
            await rogue.execute(change, user)
        book.post(EntryKind.DEPOSIT, user_id=user, currency="EUR", amount=5, source_id=user)
        await write_together(conn, book.writes())


# --- buckets that move


@pytest.mark.parametrize("state", ["moving", "gone"])
async def test_a_bucket_that_is_leaving_is_refused(world: World, state: str):
    payer, payee = await world.pair(funds=100)
    shard = world.shards.of_id(payer)
    async with shard.connection() as conn:
        await conn.execute(SET_STATE, 0, state)

    with pytest.raises(BucketNotHereError, match="bucket 0"):
        await world.try_transfer(payer, payee, 10)
    assert await world.balance(payer) == (100, 0)


async def test_a_bucket_of_another_shard_is_refused(world: World):
    with pytest.raises(BucketNotHereError, match="bucket 1"):
        async with world.shards.of_bucket(0).transaction([0, 1, 2]):
            pytest.fail("not reached")


async def test_a_move_waits_for_the_transactions_of_its_bucket(world: World):
    payer = await world.user(bucket=0, funds=100)
    shard = world.shards.of_id(payer)

    async with world.session(payer) as mover:
        async with shard.transaction([0]), shard.transaction([0]):
            moving = asyncio.create_task(mover.execute(MOVE, 0))
            await world.until_waiting(payer)
            await mover_is_free_for_other_buckets(world, payer)
            assert not moving.done()
        await moving


async def mover_is_free_for_other_buckets(world: World, payer: UUID) -> None:
    async with world.session(payer) as other:
        await other.execute(MOVE, 2)


async def test_a_transaction_that_waited_for_a_move_sees_that_the_bucket_left(world: World):
    payer, payee = await world.pair(funds=100)

    async with world.session(payer) as mover:
        await mover.execute("BEGIN")
        await mover.execute(MOVE, 0)
        waiting = asyncio.create_task(world.try_transfer(payer, payee, 10))
        await world.until_waiting(payer)
        await mover.execute(SET_STATE, 0, "gone")
        await mover.execute("COMMIT")

    with pytest.raises(BucketNotHereError):
        await waiting
