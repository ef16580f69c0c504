"""Spending limits on a real PostgreSQL: per account and UTC day, reserved, and given back once."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from sagas.keyed_batch import UnknownWalletError
from sagas.limits import LimitOrder, set_limit
from sagas.states import Status
from sagas.steps.cancel import AskedBy
from sagas.steps.end_hold import EndedBy
from sagas.steps.move import Moved, move
from sagas.steps.try_transfer import Tried
from shards.holds import HoldStatus
from shards.limits import Limit, read_limit
from shards.movements import MovementKind
from shards.operator_acts import list_acts
from tests.databases import ShardDatabase
from tests.integration.books import audit_of, broken
from tests.integration.holding import capture_part, end, let_pass, open_hold, refund
from tests.integration.world import World

# Both ways of running a step: the outcome must be the same.
pytestmark = pytest.mark.parametrize(
    "world", [True, False], indirect=True, ids=["locked", "unlocked"]
)


async def limit_to(world: World, user: UUID, daily: int | None) -> Limit:
    order = LimitOrder(
        user_id=user,
        currency="EUR",
        daily=daily,
        done_by="Ops",
        reason="a test",
        traceparent="",
    )
    return await set_limit(world.shards.of_id(user), order)


async def limit_of(world: World, user: UUID) -> Limit:
    async with world.shards.of_id(user).connection() as conn:
        return await read_limit(conn, user_id=user, currency="EUR")


async def withdraw(world: World, user: UUID, amount: int) -> Moved:
    request = world.move_request(user, MovementKind.WITHDRAWAL, amount)
    (outcome,) = await move(world.shards.of_id(user), [request], wait=world.waits)
    assert isinstance(outcome, Moved)
    return outcome


async def set_noon(world: World, *users: UUID, day: int) -> None:
    """Sets the clocks of the users' shards to noon (UTC) of a day from today."""
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    for user in users:
        await world.shift_clock(user, noon + timedelta(days=day) - datetime.now(UTC))


async def test_what_is_over_the_limit_is_rejected_and_the_key_remembers(world: World):
    payer, payee = await world.pair(funds=1_000)
    await limit_to(world, payer, 100)

    first = await world.try_transfer(payer, payee, 60)
    refused = (await world.try_together([(payer, payee, 50)], key="k"))[0]
    await limit_to(world, payer, None)
    again = (await world.try_together([(payer, payee, 50)], key="k"))[0]

    assert first.status == Status.HELD
    for outcome in (refused, again):
        assert isinstance(outcome, Tried)
        assert outcome.transfer.reason == "limit_exceeded"
    assert await world.balance(payer) == (1_000, 60)


async def test_a_limit_can_be_used_up_to_the_last_unit(world: World):
    payer, payee = await world.pair(funds=1_000)
    await limit_to(world, payer, 100)

    statuses = [(await world.try_transfer(payer, payee, n)).status for n in (60, 40, 1)]

    assert statuses == ["held", "held", "rejected"]
    assert await limit_of(world, payer) == Limit(daily=100, spent=100)


async def test_a_limit_of_zero_lets_nothing_out_and_everything_in(world: World):
    payer, payee = await world.pair(funds=1_000)
    await limit_to(world, payer, 0)

    assert (await world.try_transfer(payer, payee, 1)).reason == "limit_exceeded"
    assert (await world.deposit(payer, 5)).movement.status == "completed"
    await world.deposit(payee, 10)
    await world.run_all(await world.try_transfer(payee, payer, 10))
    assert await world.balance(payer) == (1_015, 0)


async def test_transfers_holds_and_withdrawals_share_one_limit(world: World):
    payer, payee = await world.pair(funds=1_000)
    await limit_to(world, payer, 100)

    await world.try_transfer(payer, payee, 30)
    await open_hold(world, payer, payee, 30)
    await withdraw(world, payer, 30)

    assert (await limit_of(world, payer)).spent == 90
    assert (await world.try_transfer(payer, payee, 11)).reason == "limit_exceeded"
    assert (await open_hold(world, payer, payee, 11)).reason == "limit_exceeded"
    assert (await withdraw(world, payer, 11)).movement.reason == "limit_exceeded"
    assert (await withdraw(world, payer, 10)).movement.status == "completed"


async def test_a_limit_set_later_knows_what_was_spent_before(world: World):
    payer, payee = await world.pair(funds=1_000)
    await world.run_all(await world.try_transfer(payer, payee, 70))

    assert await limit_to(world, payer, 100) == Limit(daily=100, spent=70)
    assert (await world.try_transfer(payer, payee, 31)).reason == "limit_exceeded"


@pytest.mark.parametrize("by", AskedBy)
async def test_what_is_cancelled_is_given_back_once(
    world: World, shard_databases: list[ShardDatabase], by: AskedBy
):
    payer, payee = await world.pair(funds=1_000)
    await limit_to(world, payer, 100)
    held = await world.try_transfer(payer, payee, 60)
    if by is AskedBy.EXPIRY:
        await world.expire(held)

    await world.cancel(held, by)
    await world.cancel(held, by)

    assert (await limit_of(world, payer)).spent == 0
    assert (await world.try_transfer(payer, payee, 100)).status == Status.HELD
    assert broken(await audit_of(shard_databases)) == {}


async def test_what_returns_is_given_back(world: World, shard_databases: list[ShardDatabase]):
    payer, payee = await world.pair(funds=1_000)
    await limit_to(world, payer, 100)
    held = await world.try_transfer(payer, payee, 60)
    await world.set_status(payee, "closed")

    await world.drain([held.id])

    assert (await world.read(held.id)).status == Status.REFUNDED
    assert (await limit_of(world, payer)).spent == 0
    assert broken(await audit_of(shard_databases)) == {}


async def test_what_is_completed_is_not_given_back_by_its_refund(world: World):
    payer, payee = await world.pair(funds=1_000)
    await limit_to(world, payer, 100)
    transfer = await world.run_all(await world.try_transfer(payer, payee, 60))

    await world.run_all(await refund(world, transfer))

    assert (await limit_of(world, payer)).spent == 60
    assert (await limit_of(world, payee)).spent == 60


@pytest.mark.parametrize("by", EndedBy)
async def test_the_rest_of_a_hold_is_given_back(
    world: World, shard_databases: list[ShardDatabase], by: EndedBy
):
    payer, payee = await world.pair(funds=1_000)
    await limit_to(world, payer, 100)
    hold = await open_hold(world, payer, payee, 80)
    await capture_part(world, hold, 30, is_final=False)
    assert (await limit_of(world, payer)).spent == 80
    if by is EndedBy.EXPIRY:
        await let_pass(world, hold)

    await end(world, hold, by)

    assert (await limit_of(world, payer)).spent == 30
    assert broken(await audit_of(shard_databases)) == {}


async def test_a_final_capture_gives_the_rest_back(world: World):
    payer, payee = await world.pair(funds=1_000)
    await limit_to(world, payer, 100)
    hold = await open_hold(world, payer, payee, 80)

    await capture_part(world, hold, 30)

    assert (await limit_of(world, payer)).spent == 30


async def test_a_new_day_begins_at_zero(world: World, shard_databases: list[ShardDatabase]):
    payer, payee = await world.pair(funds=1_000)
    await set_noon(world, payer, payee, day=1)
    await limit_to(world, payer, 100)
    await world.try_transfer(payer, payee, 100)

    await set_noon(world, payer, payee, day=2)

    assert (await limit_of(world, payer)).spent == 0
    assert (await world.try_transfer(payer, payee, 100)).status == Status.HELD
    assert (await limit_of(world, payer)).spent == 100
    assert broken(await audit_of(shard_databases)) == {}


async def test_what_was_taken_yesterday_is_not_given_back_today(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee = await world.pair(funds=1_000)
    await set_noon(world, payer, payee, day=1)
    await limit_to(world, payer, 100)
    old = await world.try_transfer(payer, payee, 60)
    hold = await open_hold(world, payer, payee, 40)
    await set_noon(world, payer, payee, day=2)
    await world.try_transfer(payer, payee, 50)

    await world.cancel(old, AskedBy.PAYER)
    await end(world, hold, EndedBy.VOID)

    assert (await limit_of(world, payer)).spent == 50
    assert (await world.try_transfer(payer, payee, 51)).reason == "limit_exceeded"
    assert broken(await audit_of(shard_databases)) == {}


async def test_a_capture_counts_on_the_day_of_its_hold_and_returns_to_it(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee = await world.pair(funds=1_000)
    await set_noon(world, payer, payee, day=1)
    await limit_to(world, payer, 100)
    hold = await open_hold(world, payer, payee, 80)
    await world.set_status(payee, "closed")
    captured = await capture_part(world, hold, 80)
    await set_noon(world, payer, payee, day=2)
    await world.try_transfer(payer, payee, 10)

    await world.drain([captured.id])

    assert (await world.read(captured.id)).status == Status.REFUNDED
    assert (await limit_of(world, payer)).spent == 10
    assert broken(await audit_of(shard_databases)) == {}


async def test_a_clock_that_is_set_back_over_midnight_begins_no_day_anew(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee = await world.pair(funds=1_000)
    await set_noon(world, payer, payee, day=2)
    await limit_to(world, payer, 100)
    await world.try_transfer(payer, payee, 90)
    await set_noon(world, payer, payee, day=1)

    over = await world.try_transfer(payer, payee, 11)
    within = await world.try_transfer(payer, payee, 10)
    await world.cancel(within, AskedBy.PAYER)

    assert over.reason == "limit_exceeded"
    assert within.status == Status.HELD
    await set_noon(world, payer, payee, day=2)
    assert (await limit_of(world, payer)).spent == 90
    assert broken(await audit_of(shard_databases)) == {}


async def test_two_at_once_do_not_share_what_is_left(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee = await world.pair(funds=1_000)
    await limit_to(world, payer, 100)
    world.waits = True

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(world.try_transfer(payer, payee, 60)) for _ in range(4)]

    assert sorted(task.result().status for task in tasks) == ["held"] + ["rejected"] * 3
    assert (await limit_of(world, payer)).spent == 60
    assert broken(await audit_of(shard_databases)) == {}


async def test_a_limit_can_be_set_before_there_is_an_account_and_is_set_once(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee = await world.pair(funds=0)

    first = await limit_to(world, payee, 10)
    again = await limit_to(world, payee, 10)
    async with world.shards.of_id(payee).connection() as conn:
        acts = await list_acts(conn, limit=10, target_id=payee, after=None)

    assert first == again == Limit(daily=10, spent=0)
    assert [(listed.act.act, listed.act.detail) for listed in acts] == [
        ("account.set_limit", "EUR: 10 minor units a day, before no limit")
    ]
    await world.deposit(payee, 100)
    assert (await world.try_transfer(payee, payer, 11)).reason == "limit_exceeded"
    assert broken(await audit_of(shard_databases)) == {}


async def test_a_limit_of_nobody_is_refused(world: World):
    with pytest.raises(UnknownWalletError):
        await limit_to(world, world.ids.new_id(0), 10)


async def test_a_limit_below_what_is_spent_stops_what_comes_next_and_nothing_else(world: World):
    payer, payee = await world.pair(funds=1_000)
    held = await world.try_transfer(payer, payee, 60)
    hold = await open_hold(world, payer, payee, 30)
    await limit_to(world, payer, 10)

    assert (await world.run_all(held)).status == Status.COMPLETED
    assert (await capture_part(world, hold)).status == Status.DEBITED
    assert (await open_hold(world, payer, payee, 1)).status is HoldStatus.REJECTED
