"""Accounts rebuilt from entries and open transfers."""

import asyncio
from uuid import UUID

import pytest

from shards.entry_hash import FIRST_PREV_HASH
from shards.limits import Limit, read_limit
from shards.rebuild import AccountState, Difference, rebuild_shard
from tests.databases import ShardDatabase
from tests.integration.books import audit_of, make_books
from tests.integration.world import World

CORRUPTIONS = {
    "balance": "balance = balance + 7",
    "held": "held = held - 1",
    "seq": "seq = seq - 1",
    "head_hash": "head_hash = sha256('')",
    "last_at": "last_at = NULL",
    "everything": "balance = 0, held = 0, seq = 0, head_hash = sha256(''), last_at = now()",
}


async def limit_of(world: World, user_id: UUID) -> Limit:
    async with world.shards.of_id(user_id).connection() as conn:
        return await read_limit(conn, user_id=user_id, currency="EUR")


async def rebuild(world: World, *, write: bool, batch: int = 2) -> list[Difference]:
    return [
        difference
        for shard in world.shards.shards
        async for differences in rebuild_shard(shard, write=write, batch=batch)
        for difference in differences
    ]


async def corrupt(world: World, user_id: UUID, assignments: str) -> None:
    async with world.shards.of_id(user_id).connection() as conn:
        await conn.execute(f"UPDATE accounts SET {assignments} WHERE user_id = $1", user_id)


async def test_books_in_order_do_not_differ(world: World) -> None:
    await make_books(world)

    assert await rebuild(world, write=True) == []


@pytest.mark.parametrize("assignments", CORRUPTIONS.values(), ids=CORRUPTIONS)
async def test_an_account_is_put_right(
    world: World, shard_databases: list[ShardDatabase], assignments: str
) -> None:
    books = await make_books(world)
    before = await world.balance(books.payer)
    await corrupt(world, books.payer, assignments)

    found = await rebuild(world, write=True)

    assert [difference.user_id for difference in found] == [books.payer]
    assert await world.balance(books.payer) == before
    assert (await audit_of(shard_databases)).ok
    assert await rebuild(world, write=True) == [], "a second run finds nothing"


@pytest.mark.parametrize(
    "assignments",
    [
        "spent = spent + 7",
        "spent = 0, spent_day = spent_day - 1",
        "spent = 0, spent_day = NULL",
        "held = held - 70",
    ],
)
async def test_what_is_spent_and_on_hold_is_put_right_and_the_limit_stays(
    world: World, shard_databases: list[ShardDatabase], assignments: str
) -> None:
    booker = (await make_books(world)).of_shop.booker
    before = await limit_of(world, booker)
    await corrupt(world, booker, assignments)

    found = await rebuild(world, write=True)

    assert [difference.user_id for difference in found] == [booker]
    assert await limit_of(world, booker) == before
    assert (await audit_of(shard_databases)).ok


async def test_a_check_tells_and_changes_nothing(world: World) -> None:
    payer, payee = await world.pair(funds=100)
    await world.try_transfer(payer, payee, 30)
    await corrupt(world, payer, "held = 1")

    first, second = await rebuild(world, write=False), await rebuild(world, write=False)

    assert first == second
    (difference,) = first
    assert difference.stored is not None
    assert (difference.stored.held, difference.rebuilt.held) == (1, 30)
    assert await world.balance(payer) == (100, 1)


async def test_a_lost_account_comes_back(
    world: World, shard_databases: list[ShardDatabase]
) -> None:
    books = await make_books(world)
    before = await world.balance(books.payee)
    async with world.shards.of_id(books.payee).connection() as conn:
        await conn.execute("DELETE FROM accounts WHERE user_id = $1", books.payee)

    (difference,) = await rebuild(world, write=True)

    assert difference.stored is None
    assert await world.balance(books.payee) == before
    assert (await audit_of(shard_databases)).ok


async def test_an_account_without_entries_goes_back_to_zero(world: World) -> None:
    payer, payee = await world.pair(funds=100)
    await world.run_all(await world.try_transfer(payer, payee, 30))
    async with world.shards.of_id(payee).connection() as conn:
        await conn.execute("DELETE FROM entries WHERE user_id = $1", payee)

    (difference,) = await rebuild(world, write=True)

    assert difference.rebuilt == AccountState(0, 0, 0, FIRST_PREV_HASH, None, 0, None)
    assert await world.balance(payee) == (0, 0)


async def test_what_no_legal_account_follows_from_is_told_and_left(world: World) -> None:
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 30)
    async with world.shards.of_id(payer).connection() as conn:
        await conn.execute("UPDATE transfers SET amount = 101 WHERE id = $1", transfer.id)

    (difference,) = await rebuild(world, write=True)

    assert not difference.writable
    assert await world.balance(payer) == (100, 30)


async def test_an_account_that_moves_is_put_right_too(
    world: World, shard_databases: list[ShardDatabase]
) -> None:
    """Steps run on while the account drifts again and again: no change of theirs is lost."""
    payer, payee = await world.pair(funds=1_000)
    await world.deposit(payee, 1_000)
    stop = asyncio.Event()

    async def pay(payer: UUID, payee: UUID) -> None:
        while not stop.is_set():
            await world.run_all(await world.try_transfer(payer, payee, 1))

    found = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pay(payer, payee))
        tasks.create_task(pay(payee, payer))
        for _ in range(20):
            await corrupt(world, payee, "held = held + 5")
            found += await rebuild(world, write=True)
        stop.set()
    await rebuild(world, write=True)

    assert {difference.user_id for difference in found} == {payee}
    assert (await audit_of(shard_databases)).ok
