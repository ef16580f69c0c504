"""Captures on a real PostgreSQL: parts of a hold, or all of it, become transfers."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from sagas.idempotency import KeyReusedError
from sagas.messages import Step, implied_message_of
from sagas.outcomes import Failed
from sagas.states import Status
from sagas.steps.capture import (
    CAPTURES_MAX,
    CaptureTooLargeError,
    HoldClosedError,
    TooManyCapturesError,
)
from sagas.steps.confirm import Confirmed
from sagas.steps.end_hold import EndedBy
from sagas.steps.open_hold import HoldTried
from sagas.steps.try_transfer import Tried
from shards.holds import HoldStatus
from tests.databases import ShardDatabase
from tests.integration.books import audit_of, broken, told
from tests.integration.holding import (
    ask_captures,
    ask_holds,
    capture_part,
    capture_request,
    end,
    hold_request,
    is_failed,
    let_pass,
    open_hold,
    read_hold,
)
from tests.integration.world import World

# Both ways of running a step: the outcome must be the same.
pytestmark = pytest.mark.parametrize(
    "world", [True, False], indirect=True, ids=["locked", "unlocked"]
)


async def test_a_capture_of_all_is_a_transfer_that_is_debited(world: World):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)

    captured = await capture_part(world, hold)

    assert (captured.status, captured.amount, captured.hold_id) == (Status.DEBITED, 60, hold.id)
    assert captured.debited_at == captured.created_at
    assert await world.balance(payer) == (40, 0)
    assert (await read_hold(world, hold)).status is HoldStatus.CAPTURED
    assert await told(world, payer) == [
        "movement.deposited", "hold.open", "hold.captured", "transfer.debited",
    ]  # fmt: skip


async def test_a_capture_goes_on_like_any_transfer(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)
    captured = await capture_part(world, hold, 25)

    confirm = implied_message_of(captured)
    assert confirm is not None
    assert confirm.step is Step.CONFIRM
    confirmed = await world.confirm(confirm)
    assert isinstance(confirmed, Confirmed)
    await world.settle(confirmed.verdict)

    assert (await world.read(captured.id)).status == Status.COMPLETED
    assert await world.balance(payer) == (75, 0)
    assert await world.balance(payee) == (25, 0)
    assert broken(await audit_of(shard_databases)) == {}


async def test_several_captures_share_a_hold_and_the_last_one_releases_the_rest(world: World):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)

    await capture_part(world, hold, 20, is_final=False)
    assert await world.balance(payer) == (80, 40)
    await capture_part(world, hold, 15, is_final=False)
    assert await world.balance(payer) == (65, 25)
    await capture_part(world, hold, 5, is_final=True)

    assert await world.balance(payer) == (60, 0)
    ended = await read_hold(world, hold)
    assert (ended.status, ended.captured, ended.remaining) == (HoldStatus.CAPTURED, 40, 0)


async def test_a_capture_that_takes_the_last_of_it_ends_the_hold_though_it_is_not_final(
    world: World,
):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)

    await capture_part(world, hold, 20, is_final=False)
    await capture_part(world, hold, 40, is_final=False)

    assert (await read_hold(world, hold)).status is HoldStatus.CAPTURED
    assert await world.balance(payer) == (40, 0)


async def test_captures_of_one_batch_see_each_other(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)
    requests = [
        capture_request(world, hold, 30, is_final=False),
        capture_request(world, hold, 20, is_final=False),
        capture_request(world, hold, 20, is_final=False),
        capture_request(world, hold, None, is_final=True),
        capture_request(world, hold, 1, is_final=False),
    ]

    first, second, third, fourth, fifth = await ask_captures(world, *requests)

    assert isinstance(first, Tried)
    assert isinstance(second, Tried)
    assert is_failed(third, CaptureTooLargeError)
    assert isinstance(fourth, Tried)
    assert fourth.transfer.amount == 10
    assert is_failed(fifth, HoldClosedError)
    assert await world.balance(payer) == (40, 0)
    assert broken(await audit_of(shard_databases)) == {}


async def test_more_than_remains_cannot_be_captured(world: World):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)

    (outcome,) = await ask_captures(world, capture_request(world, hold, 61))

    assert is_failed(outcome, CaptureTooLargeError)
    assert await world.balance(payer) == (100, 60)


async def test_a_repeat_of_a_final_capture_is_its_transfer_again_and_not_a_closed_hold(
    world: World,
):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)
    request = capture_request(world, hold, 25, key="once")
    (first,) = await ask_captures(world, request)

    (again,) = await ask_captures(world, capture_request(world, hold, 25, key="once"))

    assert isinstance(first, Tried)
    assert isinstance(again, Tried)
    assert again.replayed
    assert again.transfer.id == first.transfer.id
    assert await world.balance(payer) == (75, 0)


async def test_a_key_of_a_capture_is_one_with_those_of_holds_and_transfers(world: World):
    payer, payee = await world.pair(funds=100)
    (held,) = await ask_holds(world, hold_request(world, payer, payee, 10, key="k"))
    assert isinstance(held, HoldTried)
    request = replace(capture_request(world, held.hold, 5, key="k"), caller=str(payer))

    (captured,) = await ask_captures(world, request)
    (tried,) = await world.try_together([(payer, payee, 5)], key="k")

    assert is_failed(captured, KeyReusedError)
    assert is_failed(tried, KeyReusedError)


@pytest.mark.parametrize("ended", [HoldStatus.VOIDED, HoldStatus.EXPIRED, HoldStatus.CAPTURED])
async def test_a_hold_that_is_over_is_not_captured(world: World, ended: HoldStatus):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)
    match ended:
        case HoldStatus.CAPTURED:
            await capture_part(world, hold, 1)
        case HoldStatus.EXPIRED:
            await let_pass(world, hold)
            await end(world, hold, EndedBy.EXPIRY)
        case _:
            await end(world, hold, EndedBy.VOID)

    (outcome,) = await ask_captures(world, capture_request(world, hold, 1))

    assert is_failed(outcome, HoldClosedError)
    assert (await read_hold(world, hold)).status is ended


async def test_a_frozen_payer_is_not_captured_from_and_the_key_remembers(world: World):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)
    await world.set_status(payer, "frozen")
    request = capture_request(world, hold, 10, key="k")
    (refused,) = await ask_captures(world, request)
    await world.set_status(payer, "open")

    (again,) = await ask_captures(world, capture_request(world, hold, 10, key="k"))

    for outcome in (refused, again):
        assert isinstance(outcome, Tried)
        assert (outcome.transfer.status, outcome.transfer.reason) == ("rejected", "payer_frozen")
    assert (await read_hold(world, hold)).remaining == 60
    assert await world.balance(payer) == (100, 60)


async def test_a_frozen_payee_is_captured_for(world: World):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)
    await world.set_status(payee, "frozen")

    captured = await capture_part(world, hold, 10)
    await world.drain([captured.id])

    assert await world.balance(payee) == (10, 0)


async def test_what_the_payees_shard_refuses_returns_and_the_hold_does_not_open_again(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)
    await world.set_status(payee, "closed")
    captured = await capture_part(world, hold, 25, is_final=False)

    await world.drain([captured.id])

    assert (await world.read(captured.id)).status == Status.REFUNDED
    assert await world.balance(payer) == (100, 35)
    left = await read_hold(world, hold)
    assert (left.status, left.captured, left.remaining) == (HoldStatus.OPEN, 25, 35)
    assert broken(await audit_of(shard_databases)) == {}


async def test_redrive_alone_brings_a_capture_to_its_end(world: World):
    payer, payee = await world.pair(funds=100)
    captured = await capture_part(world, await open_hold(world, payer, payee, 60))

    await world.drain([captured.id])

    assert await world.balance(payee) == (60, 0)


async def test_many_captures_at_once_take_no_more_than_there_is(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)
    world.waits = True

    async def take() -> Tried | Failed:
        (outcome,) = await ask_captures(world, capture_request(world, hold, 25, is_final=False))
        return outcome

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(take()) for _ in range(5)]

    assert sum(isinstance(task.result(), Tried) for task in tasks) == 2
    assert await world.balance(payer) == (50, 10)
    assert broken(await audit_of(shard_databases)) == {}


async def test_a_capture_that_was_refused_is_none_and_may_be_later_than_the_end_of_its_hold(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)
    await world.shift_clock(payer, timedelta(minutes=30))
    await world.set_status(payer, "frozen")
    refused = await capture_part(world, hold, 20)
    await world.set_status(payer, "open")
    await world.shift_clock(payer, timedelta())

    await end(world, hold, EndedBy.VOID)

    assert refused.status == Status.REJECTED
    assert broken(await audit_of(shard_databases)) == {}


@pytest.mark.parametrize(
    ("amount", "is_final"), [(1, True), (None, False)], ids=["final", "all of it"]
)
async def test_the_last_of_so_many_captures_ends_the_hold(
    world: World, shard_databases: list[ShardDatabase], amount: int | None, is_final: bool
) -> None:
    payer, payee = await world.pair(funds=2 * CAPTURES_MAX)
    hold = await open_hold(world, payer, payee, 2 * CAPTURES_MAX)
    parts = [capture_request(world, hold, 1, is_final=False) for _ in range(CAPTURES_MAX)]

    made = await ask_captures(world, *parts)
    (one_more,) = await ask_captures(world, parts[-1])
    (last,) = await ask_captures(world, capture_request(world, hold, amount, is_final=is_final))

    assert [isinstance(one, Tried) for one in made] == [True] * (CAPTURES_MAX - 1) + [False]
    for refused in (made[-1], one_more):
        assert isinstance(refused, Failed)
        assert isinstance(refused.error, TooManyCapturesError)
    assert isinstance(last, Tried)
    ended = await read_hold(world, hold)
    assert (ended.status, ended.captures) == (HoldStatus.CAPTURED, CAPTURES_MAX)
    assert broken(await audit_of(shard_databases)) == {}
