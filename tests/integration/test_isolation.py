"""Two sessions at once on a real PostgreSQL, each stepped by hand or queued for one row."""

import asyncio
from dataclasses import replace
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from sagas.outcomes import SKIPPED, SetAside
from sagas.states import Status
from sagas.steps.cancel import AskedBy, CancelDone
from sagas.steps.confirm import Confirmed
from sagas.steps.settle import Settled
from sagas.steps.try_confirm import TryConfirmed
from sagas.steps.try_transfer import Tried, try_transfers
from shards.errors import ShardBusyError
from shards.verdicts import VerdictKind
from tests.integration.world import OPEN_MAX, TIMING, World

LOCK = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE"
HELD = "SELECT coalesce(sum(held), 0)::bigint FROM accounts WHERE user_id = $1"
LOCK_AND_READ = f"WITH locked AS MATERIALIZED ({LOCK}) SELECT ({HELD}) FROM locked"
RAISE_HELD = "UPDATE accounts SET held = held + 60 WHERE user_id = $1"


async def held_as_read_by(world: World, payer: UUID, *statements: str) -> int:
    """What the last statement reads when the first waits for a lock whose holder holds 60."""
    async with world.session(payer) as holder, world.session(payer) as reader:
        await holder.execute("BEGIN")
        await holder.execute(LOCK, payer)
        await reader.execute("BEGIN")
        first = asyncio.create_task(reader.fetchval(statements[0], payer))
        await world.until_waiting(payer)
        await holder.execute(RAISE_HELD, payer)
        await holder.execute("COMMIT")
        read = await first
        for statement in statements[1:]:
            read = await reader.fetchval(statement, payer)
    assert isinstance(read, int)
    return read


async def test_reading_in_the_statement_that_locks_reads_what_was_before_the_lock(world: World):
    payer = await world.user(bucket=0, funds=100)

    assert await held_as_read_by(world, payer, LOCK_AND_READ) == 0


async def test_reading_in_the_statement_after_the_lock_reads_what_is(world: World):
    payer = await world.user(bucket=0, funds=100)

    assert await held_as_read_by(world, payer, LOCK, HELD) == 60


# --- tries


async def test_the_same_key_at_once_is_one_transfer(world: World):
    payer, payee = await world.pair(funds=100)

    outcomes = await world.queued(
        payer, *(world.try_together([(payer, payee, 60)], key="k") for _ in range(2))
    )

    first, second = (outcome for (outcome,) in outcomes)
    assert isinstance(first, Tried)
    assert isinstance(second, Tried)
    assert (first.replayed, second.replayed) == (False, True)
    assert first.transfer == second.transfer
    assert await world.balance(payer) == (100, 60)


async def test_a_key_whose_first_try_was_rolled_back_is_free(world: World):
    payer, payee = await world.pair(funds=100)
    doomed = world.try_request(payer, payee, 60, key="k")
    again = world.try_request(payer, payee, 60, key="k")
    async with world.session(payer) as first:
        await first.execute("BEGIN")
        await first.execute(LOCK, payer)
        await first.execute(
            "INSERT INTO transfers (id, bucket, payer_id, payee_id, currency, amount, status,"
            " caller, idempotency_key, fingerprint, traceparent, attempts, next_attempt_at,"
            " created_at, expires_at) SELECT $1, 0, $2::uuid, $3, 'EUR', 60, 'held',"
            " $2::uuid::text, 'k', '', '', 0, now(), now(), now()",
            doomed.transfer_id,
            payer,
            payee,
        )
        shard = world.shards.of_id(payer)
        second = asyncio.create_task(
            try_transfers(shard, [again], wait=True, timing=TIMING, open_max=OPEN_MAX)
        )
        await world.until_waiting(payer)
        await first.execute("ROLLBACK")

    (outcome,) = await second
    assert isinstance(outcome, Tried)
    assert (outcome.transfer.id, outcome.replayed) == (again.transfer_id, False)


async def test_of_two_tries_for_one_balance_one_is_rejected(world: World):
    payer, payee = await world.pair(funds=100)

    transfers = await world.queued(payer, *(world.try_transfer(payer, payee, 60) for _ in "ab"))

    assert [transfer.status for transfer in transfers] == [Status.HELD, Status.REJECTED]
    assert await world.balance(payer) == (100, 60)


async def test_of_many_tries_at_once_as_many_are_held_as_there_is_money(world: World):
    payer, payee = await world.pair(funds=100)

    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(world.try_transfer(payer, payee, 30)) for _ in range(12)]

    statuses = sorted(task.result().status for task in tries)
    assert statuses == [Status.HELD] * 3 + [Status.REJECTED] * 9
    assert await world.balance(payer) == (100, 90)


# --- cancel, expiry and try-confirm: one of them wins


async def race(world: World, order: tuple[str, ...], by: AskedBy) -> list[Any]:
    """Runs the two steps on one transfer in this order of arrival; the statuses they return."""
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)
    if by is AskedBy.EXPIRY:
        await world.expire(transfer)
    steps = {"cancel": world.cancel(transfer, by), "debit": world.try_confirm(transfer)}
    outcomes = await world.queued(payer, *(steps[name] for name in order))
    balance = await world.balance(payer)
    assert (
        balance
        == {"cancelled": (100, 0), "debited": (40, 0)}[(await world.read(transfer.id)).status]
    )
    return outcomes


async def test_a_cancel_before_the_try_confirm_wins(world: World):
    cancelled, confirmed = await race(world, ("cancel", "debit"), AskedBy.PAYER)

    assert isinstance(cancelled, CancelDone)
    assert cancelled.transfer.status == Status.CANCELLED
    assert isinstance(confirmed, TryConfirmed)
    assert (confirmed.transfer, confirmed.confirm) == (cancelled.transfer, None)


async def test_a_cancel_after_the_try_confirm_is_too_late(world: World):
    confirmed, late = await race(world, ("debit", "cancel"), AskedBy.PAYER)

    assert isinstance(confirmed, TryConfirmed)
    assert confirmed.confirm is not None
    assert late == CancelDone(confirmed.transfer)
    assert confirmed.transfer.status == Status.DEBITED


@pytest.mark.parametrize("order", list(permutations(("cancel", "debit"))), ids="-".join)
async def test_an_expiry_that_has_passed_wins_in_any_order(world: World, order: tuple[str, ...]):
    outcomes = await race(world, order, AskedBy.EXPIRY)

    assert {outcome.transfer.status for outcome in outcomes} == {Status.CANCELLED}
    assert {outcome.transfer.reason for outcome in outcomes} == {"expired"}


async def test_two_try_confirms_at_once_debit_once_and_both_say_the_confirm(world: World):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)

    first, second = await world.queued(payer, *(world.try_confirm(transfer) for _ in "ab"))

    assert first == second
    assert isinstance(first, TryConfirmed)
    assert first.confirm is not None
    assert await world.balance(payer) == (40, 0)


async def test_two_cancels_at_once_let_go_once(world: World):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)

    first, second = await world.queued(
        payer, *(world.cancel(transfer, AskedBy.PAYER) for _ in "ab")
    )

    assert first == second
    assert await world.balance(payer) == (100, 0)


# --- confirm and settle


async def test_two_confirms_at_once_give_one_verdict(world: World):
    payer, payee = await world.pair(funds=100)
    message = await world.debited(payer, payee, 60)

    first, second = await world.queued(payee, *(world.confirm(message) for _ in "ab"))

    assert first == second
    assert isinstance(first, Confirmed)
    assert await world.balance(payee) == (60, 0)


async def test_without_a_payee_to_lock_the_verdicts_key_decides(world: World):
    payer, _ = await world.pair(funds=100)
    stranger = world.ids.new_id(1)
    message = await world.debited(payer, stranger, 60)
    async with world.session(stranger) as first:
        await first.execute("BEGIN")
        await first.execute(
            "INSERT INTO verdicts VALUES ($1, 1, $2, $3, 'EUR', 60, 'refused', 'unknown_payee',"
            " 0, now())",
            message.transfer_id,
            payer,
            stranger,
        )
        second = asyncio.create_task(world.confirm(message))
        await world.until_waiting(stranger)
        await first.execute("COMMIT")

    with pytest.raises(ShardBusyError, match="another worker gave the verdict"):
        await second
    again = await world.confirm(message)
    assert isinstance(again, Confirmed)
    assert again.verdict.kind is VerdictKind.REFUSED


async def test_a_payee_closed_while_the_confirm_waits_refuses(world: World):
    payer, payee = await world.pair(funds=100)
    message = await world.debited(payer, payee, 60)
    async with world.session(payee) as operator:
        await operator.execute("BEGIN")
        await operator.execute("UPDATE users SET status = 'closed' WHERE id = $1", payee)
        waiting = asyncio.create_task(world.confirm(message))
        await world.until_waiting(payee)
        await operator.execute("COMMIT")

    outcome = await waiting
    assert isinstance(outcome, Confirmed)
    assert outcome.verdict.reason == "payee_closed"


@pytest.mark.parametrize("status", ["open", "closed"])
async def test_two_settles_at_once_end_the_transfer_once(world: World, status: str):
    payer, payee = await world.pair(funds=100)
    message = await world.debited(payer, payee, 60)
    await world.set_status(payee, status)
    confirmed = await world.confirm(message)
    assert isinstance(confirmed, Confirmed)

    first, second = await world.queued(payer, *(world.settle(confirmed.verdict) for _ in "ab"))

    assert first == second
    assert isinstance(first, Settled)
    assert await world.balance(payer) == ((40, 0) if status == "open" else (100, 0))


async def test_a_verdict_that_contradicts_the_end_is_set_aside(world: World):
    payer, payee = await world.pair(funds=100)
    message = await world.debited(payer, payee, 60)
    await world.set_status(payee, "closed")
    refused = await world.confirm(message)
    assert isinstance(refused, Confirmed)
    await world.settle(refused.verdict)

    outcome = await world.settle(replace(refused.verdict, kind=VerdictKind.CREDITED, reason=None))

    assert isinstance(outcome, SetAside)
    assert outcome.reason == "verdict_contradicts"
    assert await world.balance(payer) == (100, 0)


# --- whose transfer it is


async def test_a_cancel_by_another_user_finds_nothing_also_in_one_batch_with_the_payers(
    world: World,
):
    payer, payee = await world.pair(funds=100)
    other = await world.user(bucket=2)
    transfer = await world.try_transfer(payer, payee, 60)

    for asking in ([other, payer], [payer, other]):
        outcomes = dict(zip(asking, await world.cancel_as(transfer, *asking), strict=True))
        assert isinstance(outcomes[other], SetAside)
        assert isinstance(outcomes[payer], CancelDone)


async def test_another_users_cancel_cannot_reach_a_transfer_whose_payer_is_locked(world: World):
    payer, payee = await world.pair(funds=100)
    other = await world.user(bucket=2)
    transfer = await world.try_transfer(payer, payee, 60)

    async with world.locked(payer):
        foreign, own = await world.cancel_as(transfer, other, payer, wait=False)

    assert isinstance(foreign, SetAside)
    assert own is SKIPPED
