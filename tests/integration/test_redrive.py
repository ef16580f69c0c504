"""Redrive: what a row's status implies, again and again, from the rows alone."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from sagas.messages import Message, Step, implied_message_of
from sagas.redrive import claim_messages
from sagas.states import TERMINAL
from shards.shard import Shard
from shards.transfers import claim_due
from tests.integration.world import POLICY, World

CAP = timedelta(seconds=20)


async def now(world: World, user: UUID) -> datetime:
    async with world.shards.of_id(user).connection() as conn:
        at: datetime = await conn.fetchval("SELECT app_now()")
    return at


async def claim(shard: Shard, *, jitter: float = 0.0, limit: int = 100) -> list[UUID]:
    async with shard.connection() as conn:
        due = await claim_due(
            conn,
            buckets=shard.buckets,
            limit=limit,
            backoff_base=timedelta(seconds=1),
            backoff_cap=CAP,
            jitter=jitter,
        )
    return [transfer.id for transfer, _ in due]


async def test_a_new_transfer_is_first_looked_at_after_a_while(world: World):
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 10)
    debited = await world.read((await world.debited(payer, payee, 10)).transfer_id)

    assert await world.redrive(payer) == []
    assert held.next_attempt_at == held.created_at + timedelta(seconds=10)
    assert debited.next_attempt_at == debited.created_at + timedelta(seconds=10)


async def test_a_message_of_redrive_is_the_one_that_was_sent(world: World):
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 10)
    confirm = await world.debited(payer, payee, 20)
    await world.make_due(held.id, confirm.transfer_id)

    assert {m.transfer_id: m for m in await world.redrive(payer)} == {
        held.id: implied_message_of(held),
        confirm.transfer_id: confirm,
    }


async def test_what_is_debited_and_expired_is_confirmed_and_never_cancelled(world: World):
    payer, payee = await world.pair(funds=100)
    confirm = await world.debited(payer, payee, 20)
    await world.expire(await world.read(confirm.transfer_id))
    await world.make_due(confirm.transfer_id)

    assert [message.step for message in await world.redrive(payer)] == [Step.CONFIRM]


@pytest.mark.parametrize(
    ("jitter", "waits_s"),
    [(0.0, [1, 2, 4, 8, 16, 20, 20]), (0.5, [0.75, 1.5, 3, 6, 12, 15, 15])],
)
async def test_the_wait_doubles_to_the_cap_and_jitter_shortens_it(
    world: World, jitter: float, waits_s: list[float]
):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 10)
    for attempt, wait_s in enumerate(waits_s, 1):
        await world.make_due(transfer.id)
        before = await now(world, payer)
        assert await claim(world.shards.of_id(payer), jitter=jitter) == [transfer.id]
        after = await now(world, payer)

        row = await world.read(transfer.id)
        wait = timedelta(seconds=wait_s)
        assert row.attempts == attempt
        assert row.next_attempt_at is not None
        assert before + wait <= row.next_attempt_at <= after + wait


async def test_a_change_of_status_begins_to_count_anew(world: World):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 10)
    await world.make_due(transfer.id)
    await world.redrive(payer)

    await world.try_confirm(transfer)

    assert (await world.read(transfer.id)).attempts == 0


async def test_rows_that_a_step_has_locked_are_left_to_it_without_waiting(world: World):
    payer, payee = await world.pair(funds=100)
    transfers = [await world.try_transfer(payer, payee, 10) for _ in range(3)]
    await world.make_due(*(transfer.id for transfer in transfers))

    async with world.session(payer) as step:
        await step.execute("BEGIN")
        await step.execute("SELECT FROM transfers WHERE id = $1 FOR UPDATE", transfers[1].id)
        claimed = await claim(world.shards.of_id(payer))

    assert set(claimed) == {transfers[0].id, transfers[2].id}


async def test_redrive_does_not_wait_for_a_locked_user(world: World):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 10)
    await world.make_due(transfer.id)

    async with world.locked(payer):
        assert [message.transfer_id for message in await world.redrive(payer)] == [transfer.id]


async def test_the_most_overdue_come_first_and_not_more_than_asked_for(world: World):
    payer, payee = await world.pair(funds=100)
    transfers = [await world.try_transfer(payer, payee, 10) for _ in range(3)]
    for transfer in reversed(transfers):
        await world.make_due(transfer.id)
    shard = world.shards.of_id(payer)

    assert set(await claim(shard, limit=2)) == {transfers[2].id, transfers[1].id}
    assert await claim(shard, limit=2) == [transfers[0].id]


async def test_only_the_buckets_asked_for_are_looked_in(world: World):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 10)
    await world.make_due(transfer.id)
    shard = world.shards.of_id(payer)

    async def in_buckets(*buckets: int) -> list[Message]:
        return await claim_messages(shard, buckets=buckets, policy=POLICY, jitter=0.0)

    assert await in_buckets(2, 4, 6) == []
    assert [message.transfer_id for message in await in_buckets(0)] == [transfer.id]


async def test_what_is_over_is_never_due_again(world: World):
    payer, payee = await world.pair(funds=100)
    done = await world.run_all(await world.try_transfer(payer, payee, 10))
    rejected = await world.try_transfer(payer, payee, 1_000)

    assert done.status in TERMINAL
    assert rejected.status in TERMINAL
    assert (done.next_attempt_at, rejected.next_attempt_at) == (None, None)
    assert await claim(world.shards.of_id(payer)) == []


async def test_redrive_alone_brings_every_transfer_to_its_end(world: World):
    payer, payee = await world.pair(funds=100)
    closed = await world.user(bucket=3)
    held = await world.try_transfer(payer, payee, 10)
    expired = await world.try_transfer(payer, payee, 20)
    await world.expire(expired)
    refused = (await world.debited(payer, closed, 30)).transfer_id
    await world.set_status(closed, "closed")
    all_ids = [held.id, expired.id, refused]

    await world.drain(all_ids)

    assert [(await world.read(id_)).status for id_ in all_ids] == [
        "completed",
        "cancelled",
        "refunded",
    ]
    assert await world.balance(payer) == (90, 0)


async def test_what_a_clock_that_was_ahead_has_planned_far_away_is_claimed(world: World):
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 10)
    async with world.shards.of_id(payer).connection() as conn:
        await conn.execute(
            "UPDATE transfers SET next_attempt_at = app_now() + interval '1 hour' WHERE id = $1",
            held.id,
        )

    claimed = await world.redrive(payer)

    assert [message.transfer_id for message in claimed] == [held.id]
