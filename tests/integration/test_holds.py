"""Holds on a real PostgreSQL: what is reserved, captured, released; and one end, whoever races."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from sagas.idempotency import KeyReusedError
from sagas.messages import Step, implied_message_of
from sagas.outcomes import Failed
from sagas.states import Status
from sagas.steps.capture import CaptureTooLargeError, HoldClosedError, UnknownHoldError
from sagas.steps.confirm import Confirmed
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
    let_pass,
    open_hold,
    read_hold,
)
from tests.integration.world import World

# Both ways of running a step: the outcome must be the same.
pytestmark = pytest.mark.parametrize(
    "world", [True, False], indirect=True, ids=["locked", "unlocked"]
)


def is_failed(outcome: object, kind: type[Exception]) -> bool:
    return isinstance(outcome, Failed) and isinstance(outcome.error, kind)


async def told(world: World, user: UUID) -> list[str]:
    async with world.shards.of_id(user).connection() as conn:
        rows = await conn.fetch(
            "SELECT type FROM outbox WHERE user_id = $1 ORDER BY sequence", user
        )
    return [row["type"] for row in rows]


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
