"""Rules of the steps on a real PostgreSQL: who may, how much, what is told, whose clock."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from sagas.keyed_batch import UnknownWalletError
from sagas.outcomes import Failed, SetAside
from sagas.states import Reason, Status
from sagas.steps.cancel import AskedBy, CancelDone
from sagas.steps.confirm import Confirmed
from sagas.steps.move import BalanceLimitError, Moved, WalletClosedError, move
from sagas.steps.settle import Settled
from sagas.steps.try_confirm import TryConfirmed
from sagas.steps.try_transfer import Tried, TryRequest, try_transfers
from shards.book import BALANCE_LIMIT
from shards.movements import MovementKind
from tests.integration.books import told
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


async def move_one(
    world: World, user: UUID, kind: MovementKind, amount: int, *, key: str | None = None
) -> Moved | Failed:
    request = world.move_request(user, kind, amount, key=key)
    (outcome,) = await move(world.shards.of_id(user), [request], wait=world.waits)
    assert isinstance(outcome, Moved | Failed)
    return outcome


@pytest.mark.parametrize("status", ["frozen", "closed"])
async def test_who_may_not_pay_is_rejected_at_the_try(world: World, status: str):
    payer, payee = await world.pair(funds=100)
    await world.rewrite_status(payer, status)

    transfer = await world.try_transfer(payer, payee, 10)

    assert (transfer.status, transfer.reason) == (Status.REJECTED, f"payer_{status}")
    assert transfer.ended_at == transfer.created_at
    assert await world.balance(payer) == (100, 0)


async def test_a_frozen_payee_still_receives(world: World):
    payer, payee = await world.pair(funds=100)
    await world.set_status(payee, "frozen")

    done = await world.run_all(await world.try_transfer(payer, payee, 60))

    assert done.status == Status.COMPLETED
    assert await world.balance(payee) == (60, 0)


async def test_a_no_that_the_payees_shard_has_given_is_recorded(world: World):
    payer, payee = await world.pair(funds=100)
    request = replace(
        world.try_request(payer, payee, 10), payee_id=None, refusal=Reason.UNKNOWN_PAYEE
    )

    outcome = await try_one(world, request)

    assert isinstance(outcome, Tried)
    assert outcome.transfer.reason == Reason.UNKNOWN_PAYEE
    assert await world.read(request.transfer_id) == outcome.transfer


async def test_a_wallet_that_does_not_exist_is_told_and_nothing_is_written(world: World):
    _, payee = await world.pair(funds=100)
    nobody = world.ids.new_id(0)

    tried = await try_one(world, world.try_request(nobody, payee, 10))
    moved = await move_one(world, nobody, MovementKind.DEPOSIT, 10)

    for outcome in (tried, moved):
        assert isinstance(outcome, Failed)
        assert isinstance(outcome.error, UnknownWalletError)


async def test_a_transfer_is_read_as_the_try_returned_it(world: World):
    payer, payee = await world.pair(funds=10**26)
    request = replace(
        world.try_request(payer, payee, 10**26), metadata='{"note": "é"}', traceparent="00-1"
    )

    outcome = await try_one(world, request)

    assert isinstance(outcome, Tried)
    assert outcome.transfer.status == Status.HELD
    assert outcome.transfer == await world.read(request.transfer_id)


async def test_the_times_of_a_transfer_are_those_of_its_statuses(world: World):
    payer, payee = await world.pair(funds=100)

    done = await world.run_all(await world.try_transfer(payer, payee, 60))

    assert done == await world.read(done.id)
    assert done.debited_at is not None
    assert done.ended_at is not None
    assert done.created_at <= done.debited_at <= done.ended_at


async def test_over_the_balance_limit_a_deposit_fails_and_a_confirm_refuses(world: World):
    payer, payee = await world.pair(funds=100)
    await world.deposit(payee, 1)
    await world.rewrite_balance(payee, BALANCE_LIMIT - 10)
    confirm = await world.debited(payer, payee, 10)

    too_much = await move_one(world, payee, MovementKind.DEPOSIT, 10)
    enough = await move_one(world, payee, MovementKind.DEPOSIT, 9)
    refused = await world.confirm(confirm)

    assert isinstance(too_much, Failed)
    assert isinstance(too_much.error, BalanceLimitError)
    assert isinstance(enough, Moved)
    assert await world.balance(payee) == (BALANCE_LIMIT - 1, 0)
    assert isinstance(refused, Confirmed)
    assert refused.verdict.reason == Reason.BALANCE_LIMIT


async def test_a_return_is_not_stopped_by_the_balance_limit(world: World):
    payer, payee = await world.pair(funds=100)
    confirm = await world.debited(payer, payee, 60)
    await world.set_status(payee, "closed")
    await world.rewrite_balance(payer, BALANCE_LIMIT - 1)
    refused = await world.confirm(confirm)
    assert isinstance(refused, Confirmed)

    settled = await world.settle(refused.verdict)

    assert isinstance(settled, Settled)
    assert await world.balance(payer) == (BALANCE_LIMIT + 59, 0)


async def test_a_deposit_to_a_closed_wallet_fails_and_leaves_its_key_free(world: World):
    user = await world.user(bucket=0)
    await world.set_status(user, "closed")
    refused = await move_one(world, user, MovementKind.DEPOSIT, 10, key="k")
    await world.rewrite_status(user, "open")

    done = await move_one(world, user, MovementKind.DEPOSIT, 10, key="k")

    assert isinstance(refused, Failed)
    assert isinstance(refused.error, WalletClosedError)
    assert isinstance(done, Moved)
    assert (done.movement.balance_before, done.movement.balance_after) == (0, 10)


@pytest.mark.parametrize(
    ("status", "amount", "reason"),
    [
        ("open", 40, None),
        ("open", 41, Reason.INSUFFICIENT_FUNDS),
        ("frozen", 1, Reason.PAYER_FROZEN),
        ("closed", 1, Reason.PAYER_CLOSED),
    ],
)
async def test_a_withdrawal_takes_what_is_available_from_an_open_wallet(
    world: World, status: str, amount: int, reason: Reason | None
):
    payer, payee = await world.pair(funds=100)
    await world.try_transfer(payer, payee, 60)
    await world.rewrite_status(payer, status)

    outcome = await move_one(world, payer, MovementKind.WITHDRAWAL, amount)

    assert isinstance(outcome, Moved)
    assert outcome.movement.reason == reason
    assert await world.balance(payer) == (100 if reason else 60, 60)


async def test_a_confirm_that_says_otherwise_than_the_verdict_is_set_aside(world: World):
    payer, payee = await world.pair(funds=100)
    confirm = await world.debited(payer, payee, 60)
    await world.confirm(confirm)

    outcome = await world.confirm(replace(confirm, amount=61))

    assert isinstance(outcome, SetAside)
    assert outcome.reason == "verdict_mismatch"
    assert await world.balance(payee) == (60, 0)


async def test_a_verdict_on_a_transfer_that_is_not_there_is_set_aside(world: World):
    payer, payee = await world.pair(funds=100)
    confirmed = await world.confirm(await world.debited(payer, payee, 60))
    assert isinstance(confirmed, Confirmed)

    outcome = await world.settle(replace(confirmed.verdict, transfer_id=world.ids.new_id(0)))

    assert isinstance(outcome, SetAside)
    assert outcome.reason == "unknown_transfer"


async def test_everything_that_becomes_true_is_told_once_and_in_order(world: World):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)
    for _ in range(2):
        await world.try_confirm(transfer)
    await world.run_all(transfer)
    await world.cancel(await world.try_transfer(payer, payee, 40), AskedBy.PAYER)
    await world.try_transfer(payer, payee, 1_000)

    assert await told(world, payer) == [
        "movement.deposited",
        "transfer.held",
        "transfer.debited",
        "transfer.completed",
        "transfer.held",
        "transfer.cancelled",
        "transfer.rejected",
    ]
    assert await told(world, payee) == ["transfer.credited"]


async def test_a_refused_transfer_is_told_to_its_payer_alone(world: World):
    payer, payee = await world.pair(funds=100)
    await world.set_status(payee, "closed")

    await world.run_all(await world.try_transfer(payer, payee, 60))

    assert (await told(world, payer))[-1] == "transfer.refunded"
    assert await told(world, payee) == ["user.closed"]


async def test_an_expiry_that_passes_while_the_step_waits_for_its_lock_counts(world: World):
    world.waits = True
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)

    async with world.locked(payer):
        waiting = asyncio.create_task(world.try_confirm(transfer))
        await world.until_waiting(payer)
        await world.shift_clock(payer, timedelta(hours=2))

    outcome = await waiting
    assert isinstance(outcome, TryConfirmed)
    assert (outcome.transfer.status, outcome.transfer.reason) == ("cancelled", Reason.EXPIRED)


async def test_a_clock_that_steps_back_does_not_make_entries_older(world: World):
    user = await world.user(bucket=0, funds=100)
    before = await world.deposit(user, 1)
    await world.shift_clock(user, timedelta(hours=-2))

    after = await world.deposit(user, 1)

    assert after.movement.created_at == before.movement.created_at


async def test_a_clock_that_steps_back_leaves_the_times_of_a_transfer_in_order(world: World):
    payer, payee = await world.pair(funds=100)
    to_debit = await world.try_transfer(payer, payee, 60)
    to_cancel = await world.try_transfer(payer, payee, 30)
    await world.shift_clock(payer, timedelta(hours=-2))

    ended = await world.run_all(to_debit)
    cancelled = await world.cancel(to_cancel, AskedBy.PAYER)

    assert ended.created_at == ended.debited_at == ended.ended_at
    assert isinstance(cancelled, CancelDone)
    assert cancelled.transfer.ended_at == cancelled.transfer.created_at
    async with world.session(payer) as conn:
        assert ended.debited_at == await conn.fetchval(
            "SELECT at FROM entries WHERE transfer_id = $1", ended.id
        )
