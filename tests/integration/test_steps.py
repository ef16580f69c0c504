"""The steps on a real PostgreSQL, one behaviour each."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from sagas.messages import Message, Step
from sagas.outcomes import SKIPPED, Failed, SetAside
from sagas.states import Reason, Status
from sagas.steps.cancel import AskedBy, CancelDone
from sagas.steps.confirm import Confirmed
from sagas.steps.move import BalanceLimitError, Moved, WalletClosedError, move
from sagas.steps.settle import Settled
from sagas.steps.try_confirm import TryConfirmed
from sagas.steps.try_transfer import Tried, TryRequest, UnknownWalletError, try_transfers
from shards.book import BALANCE_LIMIT
from shards.movements import MovementKind
from shards.verdicts import VerdictKind
from tests.integration.world import TIMING, World

SAME_SHARD = pytest.mark.parametrize("same_shard", [True, False], ids=["one-shard", "two-shards"])


@SAME_SHARD
async def test_a_transfer_moves_its_amount_once(world: World, same_shard: bool):
    payer, payee = await world.pair(same_shard=same_shard, funds=100)

    done = await world.run_all(await world.try_transfer(payer, payee, 60))

    assert done.status == Status.COMPLETED
    assert await world.balance(payer) == (40, 0)
    assert await world.balance(payee) == (60, 0)


async def test_a_try_reserves_and_the_next_one_sees_it(world: World):
    payer, payee = await world.pair(funds=100)

    first, second = await world.try_together([(payer, payee, 60), (payer, payee, 60)])

    assert isinstance(first, Tried)
    assert first.transfer.status == Status.HELD
    assert isinstance(second, Tried)
    assert (second.transfer.status, second.transfer.reason) == (
        Status.REJECTED,
        Reason.INSUFFICIENT_FUNDS,
    )
    assert await world.balance(payer) == (100, 60)


async def test_the_same_key_in_one_batch_is_one_transfer(world: World):
    payer, payee = await world.pair(funds=100)

    outcomes = await world.try_together([(payer, payee, 10)] * 3, key="k")

    assert all(isinstance(outcome, Tried) for outcome in outcomes)
    assert {o.transfer.id for o in outcomes if isinstance(o, Tried)} == {
        outcomes[0].transfer.id  # type: ignore[union-attr]  # asserted above
    }
    assert [o.replayed for o in outcomes if isinstance(o, Tried)] == [False, True, True]
    assert await world.balance(payer) == (100, 10)


async def test_a_key_that_stands_for_another_request_is_refused(world: World):
    payer, payee = await world.pair(funds=100)
    await world.try_together([(payer, payee, 10)], key="k")

    (outcome,) = await world.try_together([(payer, payee, 11)], key="k")

    assert isinstance(outcome, Failed)
    assert type(outcome.error).__name__ == "KeyReusedError"
    assert await world.balance(payer) == (100, 10)


async def test_a_repeated_try_confirm_repeats_its_confirm_and_debits_once(world: World):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)

    outcomes = [await world.try_confirm(transfer) for _ in range(3)]

    confirms = {o.confirm for o in outcomes if isinstance(o, TryConfirmed)}
    assert len(confirms) == 1
    assert None not in confirms
    assert await world.balance(payer) == (40, 0)


async def test_a_repeated_confirm_returns_the_verdict_and_credits_once(world: World):
    payer, payee = await world.pair(funds=100)
    confirm = await world.debited(payer, payee, 60)

    outcomes = [await world.confirm(confirm) for _ in range(3)]

    assert {o.verdict for o in outcomes if isinstance(o, Confirmed)} == {
        outcomes[0].verdict  # type: ignore[union-attr]  # a set of one
    }
    assert await world.balance(payee) == (60, 0)


async def test_a_closed_payee_refuses_and_the_money_comes_back_once(world: World):
    payer, payee = await world.pair(funds=100)
    confirm = await world.debited(payer, payee, 60)
    await world.set_status(payee, "closed")

    refused = await world.confirm(confirm)
    await world.set_status(payee, "open")
    again = await world.confirm(confirm)
    assert isinstance(refused, Confirmed)
    settled = [await world.settle(refused.verdict) for _ in range(3)]

    assert again == refused
    assert refused.verdict.kind is VerdictKind.REFUSED
    assert {s.transfer.status for s in settled if isinstance(s, Settled)} == {Status.REFUNDED}
    assert await world.balance(payer) == (100, 0)
    assert await world.balance(payee) == (0, 0)


async def test_a_payee_that_does_not_exist_refuses(world: World):
    payer, payee = await world.pair(funds=100)
    stranger = world.ids.new_id(payee.int >> 64 & 0xFFF)
    confirm = await world.debited(payer, stranger, 60)

    outcome = await world.confirm(confirm)

    assert isinstance(outcome, Confirmed)
    assert outcome.verdict.reason == Reason.UNKNOWN_PAYEE


async def test_cancel_lets_go_what_is_held_and_never_what_is_debited(world: World):
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 30)
    debited = await world.debited(payer, payee, 60)

    first = await world.cancel(held, AskedBy.PAYER)
    late = await world.cancel(await world.read(debited.transfer_id), AskedBy.PAYER)

    assert isinstance(first, CancelDone)
    assert first.transfer.status == Status.CANCELLED
    assert isinstance(late, CancelDone)
    assert late.transfer.status == Status.DEBITED
    assert await world.balance(payer) == (40, 0)


async def test_the_clock_cancels_only_what_has_expired(world: World):
    payer, payee = await world.pair(funds=100)
    fresh = await world.try_transfer(payer, payee, 10)
    old = await world.try_transfer(payer, payee, 20)
    await world.expire(old)

    outcomes = [await world.cancel(t, AskedBy.EXPIRY) for t in (fresh, old)]

    assert [o.transfer.status for o in outcomes if isinstance(o, CancelDone)] == [
        Status.HELD,
        Status.CANCELLED,
    ]
    assert await world.balance(payer) == (100, 10)


@pytest.mark.parametrize("status", ["frozen", "closed"])
async def test_try_confirm_cancels_when_the_payer_may_not_pay_any_more(world: World, status: str):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)
    await world.set_status(payer, status)

    outcome = await world.try_confirm(transfer)

    assert isinstance(outcome, TryConfirmed)
    assert (outcome.transfer.status, outcome.confirm) == (Status.CANCELLED, None)
    assert outcome.transfer.reason == f"payer_{status}"
    assert await world.balance(payer) == (100, 0)


async def test_a_message_that_names_no_transfer_is_set_aside(world: World):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)
    forged = Message(
        step=Step.TRY_CONFIRM,
        transfer_id=world.ids.new_id(payer.int >> 64 & 0xFFF),
        payer_id=payer,
        payee_id=payee,
        currency="EUR",
        amount=60,
        traceparent="",
    )

    outcome = await world.run_try_confirm([forged])

    assert outcome == [SetAside("unknown_transfer", outcome[0].detail)]  # type: ignore[union-attr]
    assert (await world.read(transfer.id)).status == Status.HELD


async def test_a_locked_user_is_skipped_and_its_neighbour_goes_on(world: World):
    payer, payee = await world.pair(funds=100)
    other, _ = await world.pair(funds=100)
    first = await world.try_transfer(payer, payee, 10)
    second = await world.try_transfer(other, payee, 10)

    async with world.locked(payer):
        outcomes = [await world.try_confirm(t, wait=False) for t in (first, second)]

    assert outcomes[0] is SKIPPED
    assert isinstance(outcomes[1], TryConfirmed)


async def test_redrive_claims_what_is_due_once_and_says_what_it_implies(world: World):
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 10)
    debited = (await world.debited(payer, payee, 20)).transfer_id
    expired = await world.try_transfer(payer, payee, 30)
    await world.make_due(held.id, debited, expired.id)
    await world.expire(expired)

    claimed = await world.redrive(payer)
    again = await world.redrive(payer)

    assert {(m.transfer_id, m.step) for m in claimed} == {
        (held.id, Step.TRY_CONFIRM),
        (debited, Step.CONFIRM),
        (expired.id, Step.CANCEL),
    }
    assert again == []


async def try_one(world: World, request: TryRequest) -> Tried | Failed:
    (outcome,) = await try_transfers(
        world.shards.of_id(request.payer_id), [request], wait=True, timing=TIMING
    )
    assert isinstance(outcome, Tried | Failed)
    return outcome


async def move_one(
    world: World, user: UUID, kind: MovementKind, amount: int, *, key: str | None = None
) -> Moved | Failed:
    request = world.move_request(user, kind, amount, key=key)
    (outcome,) = await move(world.shards.of_id(user), [request], wait=True)
    assert isinstance(outcome, Moved | Failed)
    return outcome


async def told(world: World, user: UUID) -> list[str]:
    """Types of a user's public events, whose numbers must have no gap."""
    async with world.shards.of_id(user).connection() as conn:
        rows = await conn.fetch(
            "SELECT sequence, type FROM outbox WHERE user_id = $1 ORDER BY sequence", user
        )
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["type"] for row in rows]


@pytest.mark.parametrize("status", ["frozen", "closed"])
async def test_who_may_not_pay_is_rejected_at_the_try(world: World, status: str):
    payer, payee = await world.pair(funds=100)
    await world.set_status(payer, status)

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
    await world.set_status(user, "open")

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
    await world.set_status(payer, status)

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
    assert await told(world, payee) == []


async def test_an_expiry_that_passes_while_the_step_waits_for_its_lock_counts(world: World):
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
