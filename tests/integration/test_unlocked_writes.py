"""Steps without locks first: what stops one that was overtaken, and what it leaves then."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest

import sagas.keyed_batch
import sagas.steps.run
import shards.writes
from sagas.messages import implied_message_of
from sagas.outcomes import SKIPPED
from sagas.states import Status
from sagas.steps.confirm import Confirmed
from sagas.steps.move import move
from sagas.steps.run import run_steps
from sagas.steps.try_confirm import TryConfirmed
from sagas.steps.try_transfer import Tried, try_transfers
from shards.errors import BucketNotHereError, ShardBusyError
from shards.movements import MovementKind
from shards.opening import open_keyed, open_sides
from shards.statements import load_statements
from shards.transfers import StaleStatusError, StatusChange, change_statuses
from shards.users import LockedUser, UserStatus
from shards.writes import write_unless_changed
from tests.integration.world import OPEN_MAX, TIMING, World

Meanwhile = Callable[[], Awaitable[object]]


class Between:
    """Does something between the read and the write of the next step that has no locks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._meanwhile: list[Meanwhile] = []
        self.unlocked = 0
        self._wrap(monkeypatch, sagas.steps.run, "open_sides", open_sides)
        self._wrap(monkeypatch, sagas.keyed_batch, "open_keyed", open_keyed)

    def do(self, meanwhile: Meanwhile) -> None:
        self._meanwhile.append(meanwhile)

    def _wrap(self, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, real: Any) -> None:
        async def read(conn: Any, locked: Any, *args: Any, **options: Any) -> Any:
            found = await real(conn, locked, *args, **options)
            if locked is None:
                self.unlocked += 1
                while self._meanwhile:
                    await self._meanwhile.pop()()
            return found

        monkeypatch.setattr(module, name, read)


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Between:
    return Between(monkeypatch)


async def try_unlocked(world: World, payer: UUID, payee: UUID, amount: int, key: str) -> Tried:
    request = world.try_request(payer, payee, amount, key=key)
    (outcome,) = await try_transfers(
        world.shards.of_id(payer), [request], wait=False, timing=TIMING, open_max=OPEN_MAX
    )
    assert isinstance(outcome, Tried)
    return outcome


# --- overtaken between the read and the write


async def test_a_balance_that_was_spent_meanwhile_is_not_spent_again(
    world: World, between: Between
):
    payer, payee = await world.pair(funds=100)
    between.do(lambda: world.try_transfer(payer, payee, 60))

    tried = await try_unlocked(world, payer, payee, 60, "k")

    assert (tried.transfer.status, tried.transfer.reason) == ("rejected", "insufficient_funds")
    assert await world.balance(payer) == (100, 60)


@pytest.mark.parametrize("first_amount", [10, 1_000])
async def test_a_key_that_a_movement_used_meanwhile_is_used(
    world: World, between: Between, first_amount: int
):
    """The refused withdrawal, too: all it changes is its own row and the count of events."""
    payer, payee = await world.pair(funds=100)
    request = world.move_request(payer, MovementKind.WITHDRAWAL, first_amount, key="k")
    between.do(lambda: move(world.shards.of_id(payer), [request], wait=True))

    (outcome,) = await try_transfers(
        world.shards.of_id(payer),
        [world.try_request(payer, payee, 10, key="k")],
        wait=False,
        timing=TIMING,
        open_max=OPEN_MAX,
    )

    assert not isinstance(outcome, Tried)
    assert await world.balance(payer) == (100 - (10 if first_amount == 10 else 0), 0)


async def test_the_same_request_meanwhile_is_a_repeat(world: World, between: Between):
    payer, payee = await world.pair(funds=100)
    between.do(lambda: world.try_together([(payer, payee, 60)], key="k"))

    tried = await try_unlocked(world, payer, payee, 60, "k")

    assert tried.replayed
    assert await world.balance(payer) == (100, 60)


async def test_a_payer_who_was_frozen_meanwhile_is_not_debited(world: World, between: Between):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)
    between.do(lambda: world.set_status(payer, "frozen"))

    outcome = await world.try_confirm(transfer, wait=False)

    assert isinstance(outcome, TryConfirmed)
    assert (outcome.transfer.status, outcome.confirm) == (Status.CANCELLED, None)
    assert await world.balance(payer) == (100, 0)


async def test_a_payee_who_was_closed_meanwhile_is_not_credited(world: World, between: Between):
    payer, payee = await world.pair(funds=100)
    message = await world.debited(payer, payee, 60)
    between.do(lambda: world.set_status(payee, "closed"))

    (outcome,) = await run_steps(world.shards.of_id(payee), [message], wait=False)

    assert isinstance(outcome, Confirmed)
    assert outcome.verdict.reason == "payee_closed"
    assert await world.balance(payee) == (0, 0)


async def test_a_debit_that_another_worker_did_meanwhile_is_done_once(
    world: World, between: Between
):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)
    between.do(lambda: world.try_confirm(transfer))

    outcome = await world.try_confirm(transfer, wait=False)

    assert isinstance(outcome, TryConfirmed)
    assert outcome.confirm is not None
    assert await world.balance(payer) == (40, 0)


async def test_two_verdicts_on_a_payee_that_does_not_exist_are_one(world: World, between: Between):
    payer, payee = await world.pair(funds=100)
    nobody = UUID(int=payee.int ^ 1)
    message = await world.debited(payer, nobody, 60)
    known = await world.debited(payer, payee, 10)
    between.do(lambda: world.confirm(message))

    with pytest.raises(ShardBusyError):
        await run_steps(world.shards.of_id(payee), [message, known], wait=False)

    assert await world.balance(payee) == (0, 0)


async def test_whom_others_have_locked_is_skipped_and_the_others_go_on(world: World):
    payer, payee = await world.pair(funds=100)
    other = await world.user(bucket=0, funds=100)
    held = [await world.try_transfer(one, payee, 60) for one in (payer, other)]
    messages = [message for one in held if (message := implied_message_of(one)) is not None]

    async with asyncio.timeout(2), world.locked(payer):
        first, second = await world.run_try_confirm(messages, wait=False)

    assert first is SKIPPED
    assert isinstance(second, TryConfirmed)
    assert [await world.balance(one) for one in (payer, other)] == [(100, 60), (40, 0)]


async def test_many_go_with_locks(world: World, between: Between):
    payer, payee = await world.pair(funds=100)
    shard = world.shards.of_id(payer)
    asked = [world.try_request(payer, payee, 1) for _ in range(shard.unlocked_max + 1)]

    for requests in (asked[:-1], asked):
        await try_transfers(shard, requests, wait=False, timing=TIMING, open_max=OPEN_MAX)
        assert between.unlocked == 1


async def test_behind_a_gate_that_is_always_open_the_number_of_the_event_is_taken(
    world: World, between: Between, monkeypatch: pytest.MonkeyPatch
):
    """The rule broken: what the gate is there for, and what is left if it fails one day."""
    blind = shards.writes._GATE.replace("USING (id, event_sequence, status)", "USING (id, status)")
    assert blind != shards.writes._GATE
    monkeypatch.setattr(shards.writes, "_GATE", blind)
    shards.writes._gated_statement.cache_clear()
    payer, payee = await world.pair(funds=100)
    request = world.move_request(payer, MovementKind.WITHDRAWAL, 1_000, key="k")
    between.do(lambda: move(world.shards.of_id(payer), [request], wait=True))

    with pytest.raises(asyncpg.UniqueViolationError, match="outbox_sequence_key"):
        await try_unlocked(world, payer, payee, 10, "k")
    shards.writes._gated_statement.cache_clear()

    assert await world.balance(payer) == (100, 0)


# --- the statement itself


async def change(world: World, transfer_id: UUID, seen: LockedUser, *, before: str) -> bool:
    """A status change that should be refused, unless all is as it was seen."""
    shard = world.shards.of_id(transfer_id)
    now = (await world.read(transfer_id)).created_at
    writes = change_statuses(
        [
            StatusChange(
                id=transfer_id,
                before=before,
                after="cancelled",
                reason="expired",
                at=now,
                next_attempt_at=None,
            )
        ]
    )
    async with shard.connection() as conn:
        return await write_unless_changed(shard, conn, writes, users=[seen], buckets=[0])


async def sequence_of(world: World, user: UUID) -> int:
    async with world.session(user) as conn:
        sequence: int = await conn.fetchval("SELECT event_sequence FROM users WHERE id = $1", user)
    return sequence


async def test_a_count_that_is_off_undoes_the_statement(world: World):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)
    seen = LockedUser(payer, UserStatus.OPEN, await sequence_of(world, payer))

    with pytest.raises(StaleStatusError):
        await change(world, transfer.id, seen, before="debited")

    assert await world.read(transfer.id) == transfer


@pytest.mark.parametrize(
    ("status", "ahead"), [(UserStatus.OPEN, 1), (UserStatus.FROZEN, 0), (UserStatus.OPEN, -1)]
)
async def test_nothing_is_written_for_a_user_who_is_not_as_it_was_seen(
    world: World, status: UserStatus, ahead: int
):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)
    seen = LockedUser(payer, status, await sequence_of(world, payer) + ahead)

    assert await change(world, transfer.id, seen, before="held") is False

    assert await world.read(transfer.id) == transfer


async def test_nothing_is_written_for_a_bucket_that_moves(world: World):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)
    seen = LockedUser(payer, UserStatus.OPEN, await sequence_of(world, payer))
    async with world.session(payer) as conn:
        await conn.execute("UPDATE buckets SET state = 'moving' WHERE bucket = 0")

    with pytest.raises(BucketNotHereError):
        await change(world, transfer.id, seen, before="held")

    assert await world.read(transfer.id) == transfer


def test_every_block_that_writes_rows_can_be_gated():
    """`write_unless_changed` puts its gate where a block takes its rows from."""
    blocks = {
        name: sql
        for subject in ("book_writes", "transfers", "verdicts", "movements")
        for name, sql in load_statements(subject).items()
        if name.startswith(("insert_", "write_", "change_", "update_"))
    }

    assert len(blocks) == 9
    assert {name for name, sql in blocks.items() if sql.count("FROM unnest(") != 1} == set()


async def test_users_are_locked_before_anything_else(world: World):
    """Or two transactions could wait for each other: each has locked what the other wants."""
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 60)
    seen = LockedUser(payer, UserStatus.OPEN, await sequence_of(world, payer))
    async with world.session(payer) as other, asyncio.TaskGroup() as group:
        await other.execute("BEGIN")
        await other.execute("SELECT FROM transfers WHERE id = $1 FOR UPDATE", transfer.id)
        changing = group.create_task(change(world, transfer.id, seen, before="held"))
        await world.until_waiting(payer)

        async with world.session(payer) as third:
            locked = await third.fetch(
                "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED", payer
            )
        await other.execute("ROLLBACK")

    assert locked == []
    assert changing.result() is True
