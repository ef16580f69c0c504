"""Idempotency keys: one per wallet and caller, across everything that moves or reserves money."""

import asyncio
from dataclasses import replace

import pytest

from sagas.idempotency import KeyReusedError
from sagas.outcomes import Failed
from sagas.states import Reason
from sagas.steps.move import Moved, MoveRequest, move
from sagas.steps.try_transfer import Tried, TryRequest, try_transfers
from shards.connection import Connection
from shards.errors import ShardAwayError
from shards.keys import KeyOf, KeyOwner, UsedKey
from shards.movements import MovementKind
from shards.opening import open_keyed
from tests.integration.world import OPEN_MAX, TIMING, World

# Both ways of running a step: the outcome must be the same.
pytestmark = pytest.mark.parametrize(
    "world", [True, False], indirect=True, ids=["locked", "unlocked"]
)


async def try_one(world: World, request: TryRequest) -> Tried | Failed:
    (outcome,) = await try_transfers(
        world.shards.of_id(request.payer_id),
        [request],
        wait=world.waits,
        timing=TIMING,
        open_max=OPEN_MAX,
    )
    assert isinstance(outcome, Tried | Failed)
    return outcome


async def move_one(world: World, request: MoveRequest) -> Moved | Failed:
    (outcome,) = await move(world.shards.of_id(request.user_id), [request], wait=world.waits)
    assert isinstance(outcome, Moved | Failed)
    return outcome


async def used_keys(conn: Connection, keys: list[KeyOf]) -> dict[KeyOf, UsedKey]:
    """What these keys were used for."""
    keyed = await open_keyed(conn, {}, [(key, "EUR") for key in keys], count_max=0)
    return keyed.used


def is_reused(outcome: object) -> bool:
    return isinstance(outcome, Failed) and isinstance(outcome.error, KeyReusedError)


async def test_a_key_tells_its_row_to_its_wallet_and_caller_alone(world: World):
    payer, payee = await world.pair(funds=100)
    request = world.try_request(payer, payee, 10, key="k")
    await try_one(world, request)
    deposit = world.move_request(payer, MovementKind.DEPOSIT, 5, key="m")
    await move_one(world, deposit)
    mine, moved = request.key, deposit.key
    foreign = [mine._replace(wallet_id=payee), mine._replace(caller="x"), mine._replace(key="K")]

    async with world.shards.of_id(payer).connection() as conn:
        found = await used_keys(conn, [mine, moved, *foreign])

    assert {key: (used.owner, used.id) for key, used in found.items()} == {
        mine: (KeyOwner.TRANSFER, request.transfer_id),
        moved: (KeyOwner.MOVEMENT, deposit.movement_id),
    }
    assert found[mine].fingerprint == request.fingerprint


async def test_a_repeat_gives_what_the_first_run_made_as_it_is_now(world: World):
    payer, payee = await world.pair(funds=100)
    request = world.try_request(payer, payee, 60)
    first = await try_one(world, request)
    assert isinstance(first, Tried)
    await world.run_all(first.transfer)

    again = await try_one(world, replace(request, transfer_id=world.ids.new_id(0)))

    assert isinstance(again, Tried)
    assert again.replayed
    assert (again.transfer.id, again.transfer.status) == (request.transfer_id, "completed")
    assert await world.balance(payer) == (40, 0)


async def test_a_refusal_answers_its_key_for_ever(world: World):
    payer, payee = await world.pair(funds=100)
    request = world.try_request(payer, payee, 101)
    await try_one(world, request)
    await world.deposit(payer, 1_000)

    again = await try_one(world, request)

    assert isinstance(again, Tried)
    assert (again.transfer.status, again.transfer.reason) == ("rejected", "insufficient_funds")


async def test_a_rejected_withdrawal_answers_its_key_for_ever(world: World):
    user = await world.user(bucket=0, funds=10)
    request = world.move_request(user, MovementKind.WITHDRAWAL, 11)
    first = await move_one(world, request)
    await world.deposit(user, 1_000)

    again = await move_one(world, request)

    assert isinstance(first, Moved)
    assert first.movement.reason == Reason.INSUFFICIENT_FUNDS
    assert again == Moved(first.movement, replayed=True)


async def test_the_key_is_looked_at_before_anything_that_can_change(world: World):
    payer, payee = await world.pair(funds=100)
    request = world.try_request(payer, payee, 60)
    await try_one(world, request)
    await world.rewrite_status(payer, "closed")
    away = ShardAwayError("shard1", "away")

    again = await try_one(world, replace(request, obstacle=away))
    new = await try_one(world, world.try_request(payer, payee, 1, key="new"))
    blocked = replace(world.try_request(payer, payee, 1, key="newer"), obstacle=away)

    assert isinstance(again, Tried)
    assert again.replayed
    assert isinstance(new, Tried)
    assert new.transfer.reason == "payer_closed"
    assert await try_one(world, blocked) == Failed(away)


@pytest.mark.parametrize("first", ["transfer", "movement"])
async def test_a_key_of_a_transfer_is_not_free_for_a_movement_nor_the_reverse(
    world: World, first: str
):
    payer, payee = await world.pair(funds=100)
    # Even with one fingerprint, which no two requests should have.
    transfer = replace(world.try_request(payer, payee, 10, key="k"), fingerprint=b"same")
    movement = replace(
        world.move_request(payer, MovementKind.DEPOSIT, 10, key="k"), fingerprint=b"same"
    )

    if first == "transfer":
        await try_one(world, transfer)
        assert is_reused(await move_one(world, movement))
    else:
        await move_one(world, movement)
        assert is_reused(await try_one(world, transfer))


async def test_a_movement_and_a_transfer_with_one_key_at_once_do_one_of_the_two(world: World):
    world.waits = True
    payer, payee = await world.pair(funds=100)
    movement = move_one(world, world.move_request(payer, MovementKind.DEPOSIT, 10, key="k"))
    transfer = try_one(world, world.try_request(payer, payee, 10, key="k"))

    done, refused = await world.queued(payer, movement, transfer)

    assert isinstance(done, Moved)
    assert is_reused(refused)
    assert await world.balance(payer) == (110, 0)


async def test_callers_of_one_wallet_have_keys_of_their_own(world: World):
    payer, payee = await world.pair(funds=100)
    request = world.try_request(payer, payee, 10, key="k")
    other = replace(request, caller="operator", transfer_id=world.ids.new_id(0))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(try_one(world, one)) for one in (request, other)]

    assert len({task.result().transfer.id for task in tasks}) == 2  # type: ignore[union-attr]
    assert await world.balance(payer) == (100, 20)


async def test_keys_of_any_text_are_told_apart(world: World):
    user = await world.user(bucket=0, funds=100)
    keys = ["k", "K", "k ", "ｋ", "é", "e\u0301", "'; --", "%", "x" * 255]

    for key in keys:
        await move_one(world, world.move_request(user, MovementKind.DEPOSIT, 1, key=key))

    async with world.shards.of_id(user).connection() as conn:
        found = await used_keys(conn, [KeyOf(user, str(user), key) for key in keys])
    assert len({used.id for used in found.values()}) == len(keys)
