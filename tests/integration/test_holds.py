"""Holds on a real PostgreSQL: what is reserved, captured, released; and one end, whoever races."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sagas.states import Status
from sagas.steps.capture import HoldClosedError, UnknownHoldError
from sagas.steps.end_hold import EndedBy
from sagas.steps.open_hold import HoldTried, TooManyHoldsError, open_holds
from sagas.steps.try_transfer import Tried
from shards.holds import HoldStatus
from tests.databases import ShardDatabase
from tests.integration.books import audit_of, broken
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


async def test_a_hold_reserves_and_moves_nothing(world: World):
    payer, payee = await world.pair(funds=100)

    hold = await open_hold(world, payer, payee, 60)

    assert (hold.status, hold.captured, hold.remaining) == (HoldStatus.OPEN, 0, 60)
    assert await world.balance(payer) == (100, 60)
    assert await world.balance(payee) == (0, 0)


async def test_what_is_on_hold_cannot_be_spent_otherwise(world: World):
    payer, payee = await world.pair(funds=100)
    await open_hold(world, payer, payee, 60)

    transfer = await world.try_transfer(payer, payee, 50)
    second = await open_hold(world, payer, payee, 50)

    assert transfer.reason == "insufficient_funds"
    assert (second.status, second.reason) == (HoldStatus.REJECTED, "insufficient_funds")
    assert await world.balance(payer) == (100, 60)


@pytest.mark.parametrize("status", ["frozen", "closed"])
async def test_who_may_not_pay_opens_no_hold(world: World, status: str):
    payer, payee = await world.pair(funds=0)
    await world.set_status(payer, status)

    hold = await open_hold(world, payer, payee, 10)

    assert (hold.status, hold.reason) == (HoldStatus.REJECTED, f"payer_{status}")


async def test_a_repeat_of_a_hold_is_the_hold_as_it_is_now(world: World):
    payer, payee = await world.pair(funds=100)
    (first,) = await ask_holds(world, hold_request(world, payer, payee, 60, key="h"))
    assert isinstance(first, HoldTried)
    await capture_part(world, first.hold, 10)

    (again,) = await ask_holds(world, hold_request(world, payer, payee, 60, key="h"))

    assert isinstance(again, HoldTried)
    assert again.replayed
    assert (again.hold.id, again.hold.status) == (first.hold.id, HoldStatus.CAPTURED)
    assert await world.balance(payer) == (90, 0)


@pytest.mark.parametrize("by", EndedBy)
async def test_what_is_left_is_released_once(world: World, by: EndedBy):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)
    await capture_part(world, hold, 20, is_final=False)
    if by is EndedBy.EXPIRY:
        await let_pass(world, hold)

    ended = await end(world, hold, by)
    again = await end(world, hold, by)

    expected = HoldStatus.VOIDED if by is EndedBy.VOID else HoldStatus.EXPIRED
    assert (ended.status, ended.captured) == (expected, 20)
    assert again == ended
    assert await world.balance(payer) == (80, 0)


async def test_the_clock_ends_no_hold_before_its_expiry(world: World):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)

    assert (await end(world, hold, EndedBy.EXPIRY)).status is HoldStatus.OPEN
    assert await world.balance(payer) == (100, 60)


async def test_a_hold_whose_expiry_has_passed_is_neither_captured_nor_voided(world: World):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)
    await let_pass(world, hold)

    (outcome,) = await ask_captures(world, capture_request(world, hold, 10))

    assert is_failed(outcome, HoldClosedError)
    assert (await end(world, hold, EndedBy.VOID)).status is HoldStatus.EXPIRED
    assert await world.balance(payer) == (100, 0)


@pytest.mark.parametrize("end_of_it", ["capture", "void", "expiry"])
async def test_the_times_of_a_hold_stay_in_order_though_the_clock_is_set_back(
    world: World, shard_databases: list[ShardDatabase], end_of_it: str
):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)
    await world.shift_clock(payer, timedelta(minutes=30))
    first = await capture_part(world, hold, 20, is_final=False)
    await world.set_status(payer, "frozen")
    await world.shift_clock(payer, timedelta(minutes=40))
    refused = await capture_part(world, hold, 20, is_final=False)
    await world.set_status(payer, "open")
    await world.shift_clock(payer, timedelta(minutes=10))

    match end_of_it:
        case "capture":
            await capture_part(world, hold, 20)
        case "void":
            await end(world, hold, EndedBy.VOID)
        case _:
            await let_pass(world, hold)
            await end(world, hold, EndedBy.EXPIRY)

    ended = await read_hold(world, hold)
    assert ended.ended_at is not None
    assert ended.ended_at >= first.created_at
    assert refused.status == Status.REJECTED
    await world.drain([first.id])
    assert broken(await audit_of(shard_databases)) == {}


@pytest.mark.parametrize("round_", range(4))
async def test_capture_void_and_expiry_at_once_have_one_winner(
    world: World, shard_databases: list[ShardDatabase], round_: int
):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)
    world.waits = True

    async def take() -> str:
        (outcome,) = await ask_captures(world, capture_request(world, hold, 60))
        return "captured" if isinstance(outcome, Tried) else "too late"

    async def void() -> str:
        return (await end(world, hold, EndedBy.VOID)).status

    racers = [take, void, take, void]
    turned = [*racers[round_:], *racers[:round_]]
    await world.queued(payer, *(racer() for racer in turned))

    ended = await read_hold(world, hold)
    first_is_take = turned[0] is take
    assert ended.status is (HoldStatus.CAPTURED if first_is_take else HoldStatus.VOIDED)
    assert await world.balance(payer) == ((40, 0) if first_is_take else (100, 0))
    assert broken(await audit_of(shard_databases)) == {}


async def test_a_hold_of_another_payer_or_one_that_was_refused_is_unknown(world: World):
    payer, payee = await world.pair(funds=100)
    rejected = await open_hold(world, payer, payee, 101)
    hold = await open_hold(world, payer, payee, 10)
    other = await world.user(bucket=0, funds=100)
    foreign = replace(hold, payer_id=other)

    outcomes = [
        *await ask_captures(world, capture_request(world, rejected, 1)),
        *await ask_captures(world, capture_request(world, foreign, 1)),
    ]

    assert all(is_failed(outcome, UnknownHoldError) for outcome in outcomes)


async def test_a_payer_has_no_more_open_holds_than_it_may(world: World):
    payer, payee = await world.pair(funds=100)
    shard = world.shards.of_id(payer)
    requests = [hold_request(world, payer, payee, 1) for _ in range(3)]

    first, second, third = await open_holds(shard, requests, wait=world.waits, open_max=2)
    (later,) = await open_holds(shard, requests[2:], wait=world.waits, open_max=2)
    assert isinstance(first, HoldTried)
    await end(world, first.hold, EndedBy.VOID)
    (free,) = await open_holds(shard, requests[2:], wait=world.waits, open_max=2)

    assert isinstance(second, HoldTried)
    assert is_failed(third, TooManyHoldsError)
    assert is_failed(later, TooManyHoldsError)
    assert isinstance(free, HoldTried)


async def test_the_times_of_a_hold_stay_in_order_when_the_clock_is_set_back_between_its_captures(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)
    await world.shift_clock(payer, timedelta(minutes=30))
    first = await capture_part(world, hold, 20, is_final=False)
    await world.shift_clock(payer, timedelta())

    last = await capture_part(world, hold, 10)

    ended = await read_hold(world, hold)
    assert ended.ended_at is not None
    assert first.created_at <= last.created_at <= ended.ended_at
    assert broken(await audit_of(shard_databases)) == {}


@pytest.mark.parametrize("by", EndedBy)
async def test_a_hold_does_not_end_before_its_last_capture_when_the_clock_is_set_back(
    world: World, shard_databases: list[ShardDatabase], by: EndedBy
):
    payer, payee = await world.pair(funds=100)
    hold = await open_hold(world, payer, payee, 60)
    await world.shift_clock(payer, timedelta(minutes=30))
    captured = await capture_part(world, hold, 20, is_final=False)
    await world.shift_clock(payer, timedelta())
    if by is EndedBy.EXPIRY:
        await let_pass(world, hold)

    ended = await end(world, hold, by)

    assert ended.ended_at is not None
    assert captured.created_at <= ended.ended_at
    assert "hold_times" not in broken(await audit_of(shard_databases))
