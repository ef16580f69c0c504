"""What operators do to users: every act in every status, its trace in the rows, and races."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from itertools import product
from typing import Any
from uuid import UUID

import orjson
import pytest

from sagas.operators import (
    ROLE_AFTER,
    STATUS_AFTER,
    UnknownUserError,
    UserAct,
    UserClosedError,
    WalletNotEmptyError,
)
from sagas.states import Status
from sagas.steps.confirm import Confirmed
from sagas.steps.move import Moved
from sagas.steps.try_confirm import TryConfirmed
from sagas.user_acts import UserChanged
from shards.movements import MovementKind
from shards.users import UserStatus
from tests.databases import ShardDatabase
from tests.integration.books import audit_of, broken, move_out
from tests.integration.world import World

EVENTS = {
    UserAct.FREEZE: "user.frozen",
    UserAct.UNFREEZE: "user.unfrozen",
    UserAct.CLOSE: "user.closed",
    UserAct.MAKE_OPERATOR: "user.made_operator",
    UserAct.REMOVE_OPERATOR: "user.removed_operator",
}
# What brings a new user into a status.
BEFORE = {
    UserStatus.OPEN: (),
    UserStatus.FROZEN: (UserAct.FREEZE,),
    UserStatus.CLOSED: (UserAct.CLOSE,),
}
STATUS_ACTS = (UserAct.FREEZE, UserAct.UNFREEZE, UserAct.CLOSE)
both_ways = pytest.mark.parametrize(
    "world", [True, False], indirect=True, ids=["locked", "unlocked"]
)


async def user_in(world: World, status: UserStatus) -> UUID:
    user = await world.user(bucket=0)
    for act in BEFORE[status]:
        await world.act(user, act)
    return user


async def trace_of(world: World, user_id: UUID) -> list[tuple[Any, ...]]:
    """All that acts leave of a user: its row, its acts and its events."""
    async with world.session(user_id) as conn:
        user = await conn.fetch("SELECT * FROM users WHERE id = $1", user_id)
        acts = await conn.fetch("SELECT * FROM operator_acts WHERE target_id = $1", user_id)
        events = await conn.fetch("SELECT * FROM outbox WHERE user_id = $1", user_id)
    return [tuple(row) for row in [*user, *acts, *events]]


@asynccontextmanager
async def untouched(world: World, user_id: UUID) -> AsyncIterator[None]:
    before = await trace_of(world, user_id)
    yield
    assert await trace_of(world, user_id) == before


async def assert_in_order(databases: list[ShardDatabase]) -> None:
    assert broken(await audit_of(databases)) == {}


@pytest.mark.parametrize(("before", "act"), [*product(UserStatus, STATUS_ACTS)])
async def test_each_act_does_in_each_status_what_the_table_says(
    world: World, shard_databases: list[ShardDatabase], before: UserStatus, act: UserAct
):
    user = await user_in(world, before)
    after = STATUS_AFTER.get((before, act))

    if after is None:
        async with untouched(world, user):
            with pytest.raises(UserClosedError):
                await world.act(user, act)
    elif after is before:
        async with untouched(world, user):
            done = await world.act(user, act)
        assert (done.user.status, done.act) == (before, None)
    else:
        done = await world.act(user, act)
        assert done.user.status is after
        assert done.act is not None
        assert (done.act.act, done.act.detail) == (act, f"{before} to {after}")
    await assert_in_order(shard_databases)


@pytest.mark.parametrize("status", UserStatus)
async def test_a_role_is_given_and_taken_in_every_status(
    world: World, shard_databases: list[ShardDatabase], status: UserStatus
):
    user = await user_in(world, status)

    done = [await world.act(user, act) for act in ROLE_AFTER for _ in range(2)]

    assert [(one.user.role, one.act is None) for one in done] == [
        ("operator", False),
        ("operator", True),
        ("user", False),
        ("user", True),
    ]
    assert {one.user.status for one in done} == {status}
    await assert_in_order(shard_databases)


@pytest.mark.parametrize("act", UserAct)
async def test_an_act_is_told_with_its_number_and_the_trail_says_who_and_why(
    world: World, act: UserAct
):
    undo = {UserAct.UNFREEZE: UserAct.FREEZE, UserAct.REMOVE_OPERATOR: UserAct.MAKE_OPERATOR}
    user = await world.user(bucket=0)
    if act in undo:
        await world.act(user, undo[act])

    done = await world.act(user, act)

    assert done.act is not None
    assert (done.act.done_by, done.act.reason, done.act.target_id) == ("Ada", "a test", user)
    async with world.session(user) as conn:
        event = await conn.fetchrow(
            "SELECT type, data FROM outbox WHERE user_id = $1 ORDER BY sequence DESC", user
        )
    assert event is not None
    field = "role" if act in ROLE_AFTER else "status"
    assert (event["type"], orjson.loads(event["data"])) == (
        EVENTS[act],
        {"user_id": str(user), field: getattr(done.user, field), "act_seq": done.act.seq},
    )


@pytest.mark.parametrize("act", UserAct)
async def test_nobody_cannot_be_changed(world: World, act: UserAct):
    with pytest.raises(UnknownUserError):
        await world.act(world.ids.new_id(0), act)


async def test_a_wallet_is_closed_only_when_nothing_is_in_it_or_could_come_back(world: World):
    payer, payee = await world.pair(funds=100)

    async def is_refused() -> bool:
        async with untouched(world, payer):
            try:
                await world.act(payer, UserAct.CLOSE)
            except WalletNotEmptyError:
                return True
        return False

    assert await is_refused(), "a balance"
    held = await world.try_transfer(payer, payee, 100)
    assert await is_refused(), "all of it held"
    debited = await world.try_confirm(held)
    assert isinstance(debited, TryConfirmed)
    assert await world.balance(payer) == (0, 0)
    assert await is_refused(), "it may come back"
    assert debited.confirm is not None
    confirmed = await world.confirm(debited.confirm)
    assert await is_refused(), "not settled yet"
    assert isinstance(confirmed, Confirmed)
    await world.settle(confirmed.verdict)
    assert (await world.act(payer, UserAct.CLOSE)).user.status is UserStatus.CLOSED


@both_ways
async def test_what_comes_to_a_closed_wallet_is_returned(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 60)
    await world.act(payee, UserAct.CLOSE)

    done = await world.run_all(held)

    assert (done.status, done.reason) == (Status.REFUNDED, "payee_closed")
    assert await world.balance(payer) == (100, 0)
    assert await world.balance(payee) == (0, 0)
    await assert_in_order(shard_databases)


@both_ways
async def test_what_a_frozen_payer_holds_is_let_go_and_what_is_debited_goes_on(
    world: World, shard_databases: list[ShardDatabase]
):
    payer, payee = await world.pair(funds=100)
    debited = await world.debited(payer, payee, 30)
    held = await world.try_transfer(payer, payee, 60)
    await world.act(payer, UserAct.FREEZE)

    cancelled = await world.try_confirm(held)
    confirmed = await world.confirm(debited)
    assert isinstance(confirmed, Confirmed)
    await world.settle(confirmed.verdict)

    assert isinstance(cancelled, TryConfirmed)
    assert (cancelled.transfer.status, cancelled.transfer.reason) == ("cancelled", "payer_frozen")
    assert await world.balance(payer) == (70, 0)
    assert await world.balance(payee) == (30, 0)
    await assert_in_order(shard_databases)


# --- races: both wait for the user's row, in this order, and each sees what the first has done


async def ended(work: Coroutine[Any, Any, object]) -> object:
    """What it returned, or the refusal that it ended with."""
    try:
        return await work
    except (WalletNotEmptyError, UserClosedError) as refusal:
        return refusal


@pytest.mark.parametrize("first", ["close", "deposit"])
async def test_a_close_and_a_deposit_see_each_other(
    world: World, shard_databases: list[ShardDatabase], first: str
):
    user = await world.user(bucket=0)
    request = world.move_request(user, MovementKind.DEPOSIT, 5)
    close, deposit = ended(world.act(user, UserAct.CLOSE)), ended(world.move(request))

    outcomes = await world.queued(
        user, *((close, deposit) if first == "close" else (deposit, close))
    )

    kinds = {type(outcome) for outcome in outcomes}
    if first == "close":
        assert UserChanged in kinds
        assert Moved not in kinds
        assert await world.balance(user) == (0, 0)
    else:
        assert kinds == {Moved, WalletNotEmptyError}
        assert await world.balance(user) == (5, 0)
    await assert_in_order(shard_databases)


@pytest.mark.parametrize("first", ["close", "confirm"])
async def test_a_close_and_an_incoming_transfer_see_each_other(
    world: World, shard_databases: list[ShardDatabase], first: str
):
    payer, payee = await world.pair(funds=100)
    message = await world.debited(payer, payee, 60)
    close, confirm = ended(world.act(payee, UserAct.CLOSE)), ended(world.confirm(message))

    outcomes = await world.queued(
        payee, *((close, confirm) if first == "close" else (confirm, close))
    )
    (confirmed,) = (outcome for outcome in outcomes if isinstance(outcome, Confirmed))
    await world.settle(confirmed.verdict)

    is_closed = any(isinstance(outcome, UserChanged) for outcome in outcomes)
    assert is_closed == (first == "close")
    assert confirmed.verdict.reason == ("payee_closed" if is_closed else None)
    assert await world.balance(payer) == ((100, 0) if is_closed else (40, 0))
    assert await world.balance(payee) == ((0, 0) if is_closed else (60, 0))
    await assert_in_order(shard_databases)


@pytest.mark.parametrize("first", ["close", "withdrawal"])
async def test_a_close_and_the_last_withdrawal_see_each_other(
    world: World, shard_databases: list[ShardDatabase], first: str
):
    user = await world.user(bucket=0, funds=5)
    close, withdrawal = ended(world.act(user, UserAct.CLOSE)), ended(move_out(world, user, 5))

    outcomes = await world.queued(
        user, *((close, withdrawal) if first == "close" else (withdrawal, close))
    )

    is_refused = any(isinstance(outcome, WalletNotEmptyError) for outcome in outcomes)
    assert is_refused == (first == "close")
    assert await world.balance(user) == (0, 0)
    await assert_in_order(shard_databases)


@pytest.mark.parametrize("first", ["freeze", "try"])
async def test_a_freeze_and_a_try_see_each_other(
    world: World, shard_databases: list[ShardDatabase], first: str
):
    payer, payee = await world.pair(funds=100)
    freeze = ended(world.act(payer, UserAct.FREEZE))
    asked = ended(world.try_transfer(payer, payee, 60))

    await world.queued(payer, *((freeze, asked) if first == "freeze" else (asked, freeze)))

    assert await world.balance(payer) == ((100, 0) if first == "freeze" else (100, 60))
    await assert_in_order(shard_databases)


@pytest.mark.parametrize("first", ["freeze", "try-confirm"])
async def test_a_freeze_and_a_debit_see_each_other(
    world: World, shard_databases: list[ShardDatabase], first: str
):
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 60)
    freeze, debit = ended(world.act(payer, UserAct.FREEZE)), ended(world.try_confirm(held))

    await world.queued(payer, *((freeze, debit) if first == "freeze" else (debit, freeze)))

    transfer = await world.read(held.id)
    expected = ("cancelled", "payer_frozen") if first == "freeze" else ("debited", None)
    assert (transfer.status, transfer.reason) == expected
    await assert_in_order(shard_databases)


async def test_many_acts_at_once_are_each_done_once(
    world: World, shard_databases: list[ShardDatabase]
):
    user = await world.user(bucket=0)
    acts = [UserAct.FREEZE, UserAct.UNFREEZE, UserAct.MAKE_OPERATOR, UserAct.REMOVE_OPERATOR] * 4

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(world.act(user, act)) for act in acts]

    done = [task.result().act for task in tasks]
    numbers = sorted(act.seq for act in done if act is not None)
    assert numbers == list(range(1, len(numbers) + 1))
    await assert_in_order(shard_databases)
