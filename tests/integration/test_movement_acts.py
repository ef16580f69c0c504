"""Deposits and withdrawals that operators make: each is in the trail, once, with its row."""

import pytest

from sagas.outcomes import Failed
from sagas.states import Reason
from sagas.steps.move import Moved, MoveRequest, WalletClosedError
from shards.movements import MovementKind
from shards.operator_acts import list_acts
from tests.databases import ShardDatabase
from tests.integration.acting import OPERATOR, moved_by_operator
from tests.integration.books import audit_of, broken
from tests.integration.world import World

# Both ways of running a step: the outcome must be the same.
BOTH_WAYS = pytest.mark.parametrize(
    "world", [True, False], indirect=True, ids=["locked", "unlocked"]
)


async def acts_of(world: World, request: MoveRequest) -> list[tuple[str, str]]:
    """(act, who) of each act on this movement."""
    async with world.shards.of_id(request.user_id).connection() as conn:
        listed = await list_acts(conn, limit=100, target_id=request.movement_id, after=None)
    return [(one.act.act, one.act.done_by) for one in listed]


@BOTH_WAYS
@pytest.mark.parametrize(
    ("kind", "act"),
    [(MovementKind.DEPOSIT, "movement.deposit"), (MovementKind.WITHDRAWAL, "movement.withdraw")],
)
async def test_a_movement_and_its_repeats_are_one_act(
    world: World, shard_databases: list[ShardDatabase], kind: MovementKind, act: str
):
    alice = await world.user(bucket=0, funds=10)
    request = moved_by_operator(world.move_request(alice, kind, 5))

    outcomes = [await world.move(request) for _ in range(3)]

    assert [isinstance(o, Moved) and o.replayed for o in outcomes] == [False, True, True]
    assert await acts_of(world, request) == [(act, OPERATOR)]
    assert broken(await audit_of(shard_databases)) == {}


@BOTH_WAYS
async def test_a_refusal_under_the_key_is_an_act_and_any_other_is_none(
    world: World, shard_databases: list[ShardDatabase]
):
    alice, closed = await world.user(bucket=0), await world.user(bucket=2)
    await world.set_status(closed, "closed")
    poor = moved_by_operator(world.move_request(alice, MovementKind.WITHDRAWAL, 5))
    late = moved_by_operator(world.move_request(closed, MovementKind.DEPOSIT, 5))

    refused, failed = await world.move(poor), await world.move(late)

    assert isinstance(refused, Moved)
    assert refused.movement.reason == Reason.INSUFFICIENT_FUNDS
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, WalletClosedError)
    assert await acts_of(world, poor) == [("movement.withdraw", OPERATOR)]
    assert await acts_of(world, late) == []
    assert broken(await audit_of(shard_databases)) == {}
