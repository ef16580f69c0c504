"""Refunds on a real PostgreSQL: never more than was sent, whatever races, and linked both ways."""

import asyncio
from uuid import UUID

import pytest

from sagas.messages import implied_message_of
from sagas.outcomes import Failed
from sagas.refund_caps import (
    REFUNDS_MAX,
    NotCompletedError,
    RefundTooLargeError,
    TooManyRefundsError,
)
from sagas.states import Status
from sagas.steps.cancel import AskedBy
from sagas.steps.try_transfer import Tried
from shards.refunds import Refund, read_refunds
from shards.transfers import Transfer
from tests.databases import ShardDatabase
from tests.integration.books import audit_of, broken
from tests.integration.holding import (
    ask_refunds,
    capture_part,
    is_failed,
    open_hold,
    refund,
    refund_request,
    refunded_amount,
)
from tests.integration.world import World

# Both ways of running a step: the outcome must be the same.
pytestmark = pytest.mark.parametrize(
    "world", [True, False], indirect=True, ids=["locked", "unlocked"]
)


async def paid(world: World, amount: int, *, funds: int = 100) -> tuple[UUID, UUID, Transfer]:
    """Payer and payee of a completed transfer, and it."""
    payer, payee = await world.pair(funds=funds)
    return payer, payee, await world.run_all(await world.try_transfer(payer, payee, amount))


async def refunds_of(world: World, transfer: Transfer) -> list[Refund]:
    async with world.shards.of_id(transfer.id).connection() as conn:
        return (await read_refunds(conn, [transfer.id])).get(transfer.id, [])


async def test_a_refund_of_all_brings_it_back(world: World, shard_databases: list[ShardDatabase]):
    payer, payee, transfer = await paid(world, 60)

    back = await world.run_all(await refund(world, transfer))

    assert (back.status, back.amount, back.refund_of) == (Status.COMPLETED, 60, transfer.id)
    assert (back.payer_id, back.payee_id) == (payee, payer)
    assert await world.balance(payer) == (100, 0)
    assert await world.balance(payee) == (0, 0)
    assert (await world.read(transfer.id)).status == Status.COMPLETED
    assert await refunds_of(world, transfer) == [Refund(transfer_id=back.id, amount=60)]
    assert broken(await audit_of(shard_databases)) == {}


async def test_parts_add_up_to_what_was_sent_and_no_further(world: World):
    payer, _, transfer = await paid(world, 60)

    first = await world.run_all(await refund(world, transfer, 20))
    second = await world.run_all(await refund(world, transfer, 30))
    (too_much,) = await ask_refunds(world, refund_request(world, transfer, 11))
    rest = await world.run_all(await refund(world, transfer))
    (nothing_left,) = await ask_refunds(world, refund_request(world, transfer))

    assert is_failed(too_much, RefundTooLargeError)
    assert is_failed(nothing_left, RefundTooLargeError)
    assert rest.amount == 10
    assert await world.balance(payer) == (100, 0)
    assert [one.transfer_id for one in await refunds_of(world, transfer)] == [
        first.id,
        second.id,
        rest.id,
    ]


async def test_the_cap_counts_what_is_only_held(world: World):
    _, _, transfer = await paid(world, 60)
    await refund(world, transfer, 50)

    (outcome,) = await ask_refunds(world, refund_request(world, transfer, 11))

    assert is_failed(outcome, RefundTooLargeError)
    assert await refunded_amount(world, transfer) == 50


async def test_refunds_of_one_batch_see_each_other(
    world: World, shard_databases: list[ShardDatabase]
):
    _, _, transfer = await paid(world, 60)

    outcomes = await ask_refunds(
        world,
        refund_request(world, transfer, 40),
        refund_request(world, transfer, 30),
        refund_request(world, transfer),
        refund_request(world, transfer, 1),
    )

    first, second, third, fourth = outcomes
    assert isinstance(first, Tried)
    assert is_failed(second, RefundTooLargeError)
    assert isinstance(third, Tried)
    assert third.transfer.amount == 20
    assert is_failed(fourth, RefundTooLargeError)
    assert await refunded_amount(world, transfer) == 60
    assert broken(await audit_of(shard_databases)) == {}


async def test_many_at_once_refund_no_more_than_was_sent(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee, transfer = await paid(world, 60)
    await world.deposit(payee, 1_000)
    world.waits = True

    async def ask() -> Tried | Failed:
        (outcome,) = await ask_refunds(world, refund_request(world, transfer, 25))
        return outcome

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask()) for _ in range(6)]
    tried = [one.transfer.id for t in tasks if isinstance(one := t.result(), Tried)]
    await world.drain(tried)

    assert len(tried) == 2
    assert await world.balance(payer) == (90, 0)
    assert await refunded_amount(world, transfer) == 50
    assert broken(await audit_of(shard_databases)) == {}


async def test_the_last_of_so_many_refunds_is_of_all_that_is_left(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee, transfer = await paid(world, 2 * REFUNDS_MAX, funds=2 * REFUNDS_MAX)
    parts = [refund_request(world, transfer, 1) for _ in range(REFUNDS_MAX - 1)]

    tried = await ask_refunds(world, *parts[1:])
    await world.cancel(await refund(world, transfer, 1), AskedBy.PAYER)
    tried += await ask_refunds(world, parts[0])
    (part,) = await ask_refunds(world, refund_request(world, transfer, 1))
    rest = await refund(world, transfer)
    (nothing_left,) = await ask_refunds(world, refund_request(world, transfer))

    assert all(isinstance(one, Tried) for one in tried)
    assert is_failed(part, TooManyRefundsError)
    assert rest.amount == REFUNDS_MAX + 1
    assert is_failed(nothing_left, RefundTooLargeError)
    await world.drain([one.transfer.id for one in tried if isinstance(one, Tried)] + [rest.id])
    assert len(await refunds_of(world, transfer)) == REFUNDS_MAX
    assert await world.balance(payer) == (2 * REFUNDS_MAX, 0)
    assert await world.balance(payee) == (0, 0)
    assert broken(await audit_of(shard_databases)) == {}


async def test_refunds_of_one_batch_are_counted_together(world: World):
    _, _, transfer = await paid(world, 2 * REFUNDS_MAX, funds=2 * REFUNDS_MAX)

    outcomes = await ask_refunds(
        world, *[refund_request(world, transfer, 1) for _ in range(REFUNDS_MAX + 1)]
    )

    assert [isinstance(one, Tried) for one in outcomes].count(True) == REFUNDS_MAX - 1
    assert all(is_failed(one, TooManyRefundsError) for one in outcomes[REFUNDS_MAX - 1 :])
    assert await refunded_amount(world, transfer) == REFUNDS_MAX - 1


async def test_a_repeat_is_the_refund_again(world: World):
    _, _, transfer = await paid(world, 60)
    (first,) = await ask_refunds(world, refund_request(world, transfer, 60, key="r"))

    (again,) = await ask_refunds(world, refund_request(world, transfer, 60, key="r"))

    assert isinstance(first, Tried)
    assert isinstance(again, Tried)
    assert again.replayed
    assert again.transfer.id == first.transfer.id
    assert await refunded_amount(world, transfer) == 60


@pytest.mark.parametrize("by", AskedBy)
async def test_a_refund_that_is_cancelled_may_be_asked_for_again(
    world: World, shard_databases: list[ShardDatabase], by: AskedBy
):
    payer, payee, transfer = await paid(world, 60)
    held = await refund(world, transfer, 40)
    if by is AskedBy.EXPIRY:
        await world.expire(held)

    await world.cancel(held, by)
    await world.cancel(held, by)

    assert (await world.read(held.id)).status == Status.CANCELLED
    assert await refunded_amount(world, transfer) == 0
    await world.run_all(await refund(world, transfer, 60))
    assert await world.balance(payer) == (100, 0)
    assert await world.balance(payee) == (0, 0)
    assert broken(await audit_of(shard_databases)) == {}


async def test_a_refund_cancelled_by_try_confirm_may_be_asked_for_again(world: World):
    _, payee, transfer = await paid(world, 60)
    held = await refund(world, transfer, 40)
    await world.set_status(payee, "frozen")

    await world.try_confirm(held)

    cancelled = await world.read(held.id)
    assert (cancelled.status, cancelled.reason) == (Status.CANCELLED, "payer_frozen")
    assert await refunded_amount(world, transfer) == 0


async def test_a_refund_that_returns_may_be_asked_for_again(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee, transfer = await paid(world, 60, funds=60)
    held = await refund(world, transfer, 40)
    await world.set_status(payer, "closed")

    await world.drain([held.id])

    assert (await world.read(held.id)).status == Status.REFUNDED
    assert await refunded_amount(world, transfer) == 0
    assert await world.balance(payee) == (60, 0)
    assert await refunds_of(world, transfer) == []
    assert broken(await audit_of(shard_databases)) == {}


@pytest.mark.parametrize("step", ["held", "debited", "cancelled", "rejected", "refunded"])
async def test_only_what_the_payee_was_credited_is_refunded(world: World, step: str):
    payer, payee = await world.pair(funds=100)
    await world.deposit(payee, 100)
    transfer = await world.try_transfer(payer, payee, 1_000 if step == "rejected" else 60)
    match step:
        case "debited":
            await world.try_confirm(transfer)
        case "cancelled":
            await world.cancel(transfer, AskedBy.PAYER)
        case "refunded":
            # Closed is for good but in a test.
            await world.rewrite_status(payee, "closed")
            await world.drain([transfer.id])
            await world.rewrite_status(payee, "open")

    (outcome,) = await ask_refunds(world, refund_request(world, transfer, 10))

    assert is_failed(outcome, NotCompletedError)
    assert await world.balance(payee) == (100, 0)


async def test_a_credit_is_refunded_though_its_settle_is_still_to_come(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee = await world.pair(funds=100)
    confirm = await world.debited(payer, payee, 60)
    await world.confirm(confirm)
    transfer = await world.read(confirm.transfer_id)
    assert transfer.status == Status.DEBITED

    back = await world.run_all(await refund(world, transfer))
    assert (await world.read(transfer.id)).status == Status.DEBITED
    await world.drain([transfer.id])

    assert back.status == Status.COMPLETED
    assert (await world.read(transfer.id)).status == Status.COMPLETED
    assert await world.balance(payer) == (100, 0)
    assert broken(await audit_of(shard_databases)) == {}


async def test_money_that_is_spent_cannot_be_refunded_and_the_key_remembers(world: World):
    _, payee, transfer = await paid(world, 60)
    other = await world.user(bucket=0)
    await world.run_all(await world.try_transfer(payee, other, 30))

    refused = await refund(world, transfer)

    assert (refused.status, refused.reason) == (Status.REJECTED, "insufficient_funds")
    assert refused.refund_of == transfer.id
    assert await refunded_amount(world, transfer) == 0


async def test_a_capture_can_be_refunded(world: World, shard_databases: list[ShardDatabase]):
    payer, payee = await world.pair(funds=100)
    captured = await capture_part(world, await open_hold(world, payer, payee, 60), 40)
    await world.drain([captured.id])

    await world.run_all(await refund(world, captured, 15))

    assert await world.balance(payer) == (75, 0)
    assert broken(await audit_of(shard_databases)) == {}


async def test_a_confirm_whose_refund_was_taken_out_does_not_fit_its_verdict(world: World):
    _, _, transfer = await paid(world, 60)
    held = await refund(world, transfer, 40)
    await world.try_confirm(held)
    confirm = implied_message_of(await world.read(held.id))
    assert confirm is not None
    await world.confirm(confirm)

    assert confirm.refund_of == transfer.id
    assert [one.amount for one in await refunds_of(world, transfer)] == [40]
