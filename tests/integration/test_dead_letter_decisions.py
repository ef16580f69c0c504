"""Decisions on dead letters on PostgreSQL: once, each in the trail, and none that hides money."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from sagas.dead_letters import Decision, Obstacle, Refused
from sagas.deciding import Decided, Order, decide
from sagas.messages import Step, message_of
from sagas.steps.cancel import AskedBy
from shards.dead_letters import LetterStatus
from shards.errors import ShardAwayError
from shards.ids import RandomIds
from tests.databases import ShardDatabase, moved, open_map
from tests.integration.books import BUCKETS, audit_of, broken
from tests.integration.letters import (
    KEYS,
    ask,
    bug,
    confirm_that_met_a_bug,
    keep,
    kept,
    obstacle,
    poison,
    trail,
)
from tests.integration.world import World

# --- redrive


async def test_redrive_makes_the_row_due_and_the_workers_send_what_it_implies(world: World):
    confirm, letter_id = await confirm_that_met_a_bug(world)
    assert await world.redrive(confirm.payer_id) == []

    decided = await ask(world, letter_id, Decision.REDRIVE, by="Ada", reason="mended in 1.2")
    sent = await world.redrive(confirm.payer_id)

    assert isinstance(decided, Decided)
    assert not decided.repeated
    assert sent == [confirm]
    assert (await kept(world, 1))[0].status is LetterStatus.REDRIVEN
    (act,) = await trail(world, 1)
    assert act == decided.act
    assert (act.act, act.target_id, act.seq) == ("dead_letter.redrive", letter_id, 1)
    assert (act.done_by, act.reason) == ("Ada", "mended in 1.2")
    assert act.detail == f"confirm asked for again: transfer {confirm.transfer_id} is debited"
    assert abs((datetime.now(UTC) - act.at).total_seconds()) < 60


async def test_a_command_that_dies_half_way_has_decided_nothing_and_can_be_repeated(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """The letter is on the payee's shard, which answers no more when the row is due."""
    confirm, letter_id = await confirm_that_met_a_bug(world)
    with monkeypatch.context() as away:
        away.setattr("sagas.deciding.add_act", fail_as_away)
        with pytest.raises(ShardAwayError):
            await ask(world, letter_id, Decision.REDRIVE)
    between = (await kept(world, 1))[0].status, await trail(world, 1)

    again = await ask(world, letter_id, Decision.REDRIVE)

    assert between == (LetterStatus.OPEN, [])
    assert isinstance(again, Decided)
    assert not again.repeated
    assert await world.redrive(confirm.payer_id) == [confirm]


async def fail_as_away(*_args: object) -> None:
    raise ShardAwayError("shard1", "away")


async def test_redrive_sends_what_the_row_implies_now_and_not_the_bytes(world: World):
    """The letter is a try-confirm; the transfer has been debited since."""
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 10)
    letter_id = await keep(world, bug(message_of(held, Step.TRY_CONFIRM)))
    await world.try_confirm(held)

    await ask(world, letter_id, Decision.REDRIVE)

    assert [message.step for message in await world.redrive(payer)] == [Step.CONFIRM]


async def test_poison_that_verifies_with_a_key_that_is_back_can_be_redriven(world: World):
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 10)
    letter = bug(message_of(held, Step.TRY_CONFIRM))
    letter_id = await keep(world, replace(letter, reason="unknown_key", transfer_id=None))

    assert await obstacle(world, letter_id, Decision.REDRIVE) is Obstacle.NOT_VERIFIED
    decided = await ask(world, letter_id, Decision.REDRIVE, keys=KEYS)

    assert isinstance(decided, Decided)
    assert [message.transfer_id for message in await world.redrive(payer)] == [held.id]


async def test_forged_bytes_are_never_redriven(world: World):
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 10)
    value = KEYS.encode(message_of(held, Step.TRY_CONFIRM)).replace(b'"10"', b'"99"')
    letter_id = await keep(world, poison(bucket=0, value=value))

    refused = await ask(world, letter_id, Decision.REDRIVE, keys=KEYS)

    assert isinstance(refused, Refused)
    assert refused.obstacle is Obstacle.NAMES_NO_TRANSFER
    assert await world.redrive(payer) == []
    assert await trail(world, 0) == []
    assert (await kept(world, 0))[0].status is LetterStatus.OPEN


async def test_a_transfer_that_is_over_is_not_redriven(world: World):
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 10)
    letter_id = await keep(world, bug(message_of(held, Step.TRY_CONFIRM)))
    await world.cancel(held, AskedBy.PAYER)

    assert await obstacle(world, letter_id, Decision.REDRIVE) is Obstacle.TRANSFER_OVER


async def test_a_transfer_that_ends_while_redrive_waits_for_it_is_not_redriven(world: World):
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 10)
    letter_id = await keep(world, bug(message_of(held, Step.TRY_CONFIRM)))

    async with world.session(payer) as step:
        await step.execute("BEGIN")
        await step.execute(
            "UPDATE transfers SET status = 'cancelled', reason = 'expired', ended_at = app_now(),"
            " next_attempt_at = NULL WHERE id = $1",
            held.id,
        )
        asking = asyncio.create_task(ask(world, letter_id, Decision.REDRIVE))
        await world.until_waiting(payer)
        await step.execute("COMMIT")
        refused = await asking

    assert isinstance(refused, Refused)
    assert refused.obstacle is Obstacle.TRANSFER_OVER
    assert await trail(world, 0) == []


async def test_a_transfer_whose_verdict_is_on_something_else_is_not_redriven(world: World):
    confirm, letter_id = await confirm_that_met_a_bug(world)
    await world.confirm(confirm)
    async with world.shards.of_id(confirm.payee_id).connection() as conn:
        await conn.execute("UPDATE verdicts SET amount = amount + 1")

    assert await obstacle(world, letter_id, Decision.REDRIVE) is Obstacle.VERDICT_DISAGREES


async def test_a_letter_that_names_a_transfer_that_is_not_there(world: World):
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 10)
    message = replace(message_of(held, Step.TRY_CONFIRM), transfer_id=RandomIds().new_id(0))
    letter_id = await keep(world, bug(message))

    assert await obstacle(world, letter_id, Decision.REDRIVE) is Obstacle.UNKNOWN_TRANSFER
    assert isinstance(await ask(world, letter_id, Decision.DISCARD), Decided)


# --- discard


async def test_a_letter_of_an_open_transfer_is_not_discarded_before_the_end(world: World):
    confirm, letter_id = await confirm_that_met_a_bug(world)

    before = await obstacle(world, letter_id, Decision.DISCARD)
    await world.deliver(confirm)
    after = await ask(world, letter_id, Decision.DISCARD)

    assert before is Obstacle.TRANSFER_OPEN
    assert isinstance(after, Decided)
    assert after.act.detail == f"transfer {confirm.transfer_id} is over: completed"


async def test_poison_is_discarded(world: World):
    letter_id = await keep(world, poison(bucket=1))

    decided = await ask(world, letter_id, Decision.DISCARD)

    assert isinstance(decided, Decided)
    assert decided.act.detail == "it names no transfer"


async def test_what_may_be_ours_is_not_discarded_by_somebody_without_keys(world: World):
    confirm, _ = await confirm_that_met_a_bug(world)
    letter = replace(bug(confirm, position=7), reason="unknown_key", transfer_id=None)
    letter_id = await keep(world, letter)

    without = await ask(world, letter_id, Decision.DISCARD)
    during = await ask(world, letter_id, Decision.DISCARD, keys=KEYS)
    await world.deliver(confirm)
    after = await ask(world, letter_id, Decision.DISCARD, keys=KEYS)

    assert isinstance(without, Refused)
    assert without.obstacle is Obstacle.NOT_VERIFIED
    assert isinstance(during, Refused)
    assert during.obstacle is Obstacle.TRANSFER_OPEN
    assert isinstance(after, Decided)
    assert await trail(world, 1) == [after.act]


async def test_the_trail_says_that_nobody_verified_what_was_discarded(world: World):
    letter_id = await keep(world, replace(poison(bucket=1), reason="forged"))

    decided = await ask(world, letter_id, Decision.DISCARD)

    assert isinstance(decided, Decided)
    assert decided.act.detail == "not verified: no keys given; it was forged when it came"


# --- decided once


@pytest.mark.parametrize("decision", Decision)
async def test_the_same_decision_again_has_the_same_answer(world: World, decision: Decision):
    confirm, letter_id = await confirm_that_met_a_bug(world)
    if decision is Decision.DISCARD:
        await world.deliver(confirm)

    first = await ask(world, letter_id, decision, by="Ada")
    await world.deliver(confirm)
    second = await ask(world, letter_id, decision, by="Eve", reason="me too")

    assert isinstance(first, Decided)
    assert second == replace(first, repeated=True)
    assert await trail(world, 1) == [first.act]


async def test_a_decided_letter_is_not_decided_otherwise(world: World):
    confirm, letter_id = await confirm_that_met_a_bug(world)
    await ask(world, letter_id, Decision.REDRIVE)
    await world.deliver(confirm)

    assert await obstacle(world, letter_id, Decision.DISCARD) is Obstacle.ALREADY_DECIDED


async def test_two_people_at_once_make_one_act(world: World, shard_databases: list[ShardDatabase]):
    _, letter_id = await confirm_that_met_a_bug(world)

    async with asyncio.TaskGroup() as group:
        asking = [
            group.create_task(ask(world, letter_id, Decision.REDRIVE, by=f"person {number}"))
            for number in range(5)
        ]
    decided = [task.result() for task in asking]

    assert all(isinstance(one, Decided) for one in decided)
    assert sorted(one.repeated for one in decided if isinstance(one, Decided)) == [False] + 4 * [
        True
    ]
    assert len(await trail(world, 1)) == 1
    assert broken(await audit_of(shard_databases)) == {}


async def test_many_decisions_in_one_bucket_at_once_are_one_chain_without_a_gap(
    world: World, shard_databases: list[ShardDatabase]
):
    letters = [await keep(world, poison(bucket=1, position=number)) for number in range(12)]

    async with asyncio.TaskGroup() as group:
        for letter_id in letters:
            group.create_task(ask(world, letter_id, Decision.DISCARD))

    assert sorted(act.seq for act in await trail(world, 1)) == list(range(1, 13))
    assert broken(await audit_of(shard_databases)) == {}


# --- what is not here


@pytest.mark.parametrize("bucket", [1, BUCKETS, 4095])
async def test_an_unknown_letter_is_refused(world: World, bucket: int):
    refused = await obstacle(world, RandomIds().new_id(bucket), Decision.DISCARD)

    assert refused is Obstacle.UNKNOWN_LETTER


async def decide_with_a_map(
    databases: list[ShardDatabase], letter_id: UUID, decision: Decision
) -> Decided | Refused:
    shards = open_map(databases, buckets=BUCKETS)
    try:
        order = Order(decision=decision, done_by="Ada", reason="why")
        return await decide(shards, letter_id, order, keys=None)
    finally:
        await shards.close()


async def test_an_open_transfer_is_not_taken_for_missing_on_a_shard_that_does_not_own_it(
    world: World, shard_databases: list[ShardDatabase]
):
    """The map is right for the letter on the payee's shard, and wrong for the payer."""
    _, letter_id = await confirm_that_met_a_bug(world)

    refused = await decide_with_a_map(moved(shard_databases, 0), letter_id, Decision.DISCARD)

    assert isinstance(refused, Refused)
    assert refused.obstacle is Obstacle.BUCKET_NOT_HERE
    assert (await kept(world, 1))[0].status is LetterStatus.OPEN


async def test_a_verdict_is_not_taken_for_missing_on_a_shard_that_does_not_own_it(
    world: World, shard_databases: list[ShardDatabase]
):
    """The map is right for letter and transfer, and wrong for the payee."""
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 10)
    letter_id = await keep(world, bug(message_of(held, Step.TRY_CONFIRM)))

    refused = await decide_with_a_map(moved(shard_databases, 1), letter_id, Decision.REDRIVE)

    assert isinstance(refused, Refused)
    assert refused.obstacle is Obstacle.BUCKET_NOT_HERE


async def test_a_letter_is_not_taken_for_missing_on_a_shard_that_does_not_own_it(
    world: World, shard_databases: list[ShardDatabase]
):
    letter_id = await keep(world, poison(bucket=1))

    refused = await decide_with_a_map(moved(shard_databases, 1), letter_id, Decision.DISCARD)

    assert isinstance(refused, Refused)
    assert refused.obstacle is Obstacle.BUCKET_NOT_HERE


async def test_a_letter_on_a_shard_that_does_not_own_its_bucket_is_not_decided(
    world: World, shard_databases: list[ShardDatabase]
):
    letter = poison(bucket=1)
    async with world.shards.of_bucket(0).connection() as conn:
        await conn.execute(
            "INSERT INTO dead_letters (id, bucket, topic, partition, position, value_sha256,"
            " headers, reason, detail, created_at)"
            " VALUES ($1, 1, 't', 1, 0, '', '[]', 'forged', '', app_now())",
            letter.id,
        )

    refused = await decide_with_a_map(moved(shard_databases, 1), letter.id, Decision.DISCARD)

    assert isinstance(refused, Refused)
    assert refused.obstacle is Obstacle.BUCKET_NOT_HERE
    assert await trail(world, 0) == []


# --- the trail


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE operator_acts SET reason = 'another'",
        "DELETE FROM operator_acts",
        "TRUNCATE operator_acts CASCADE",
    ],
)
async def test_postgresql_refuses_to_change_the_trail(world: World, statement: str):
    await ask(world, await keep(world, poison(bucket=1)), Decision.DISCARD)
    before = await trail(world, 1)

    async with world.shards.of_bucket(1).connection() as conn:
        with pytest.raises(asyncpg.RestrictViolationError, match="rows are only ever added"):
            await conn.execute(statement)

    assert await trail(world, 1) == before


async def test_postgresql_refuses_a_decision_without_its_act(world: World):
    letter_id = await keep(world, poison(bucket=1))

    async with world.shards.of_bucket(1).connection() as conn:
        with pytest.raises(asyncpg.CheckViolationError):
            await conn.execute("UPDATE dead_letters SET status = 'discarded'")
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await conn.execute("UPDATE dead_letters SET status = 'discarded', act_seq = 7")

    assert (await kept(world, 1))[0].id == letter_id
