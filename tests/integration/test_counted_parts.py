"""Captures of a hold are counted: of so many the last one has to end it."""

import pytest

from sagas.outcomes import Failed
from sagas.steps.capture import CAPTURES_MAX, TooManyCapturesError
from sagas.steps.try_transfer import Tried
from shards.holds import HoldStatus
from tests.databases import ShardDatabase
from tests.integration.books import audit_of, broken
from tests.integration.holding import ask_captures, capture_request, open_hold, read_hold
from tests.integration.world import World

# Both ways of running a step: the outcome must be the same.
pytestmark = pytest.mark.parametrize(
    "world", [True, False], indirect=True, ids=["locked", "unlocked"]
)


@pytest.mark.parametrize(
    ("amount", "is_final"), [(1, True), (None, False)], ids=["final", "all of it"]
)
async def test_the_last_of_so_many_captures_ends_the_hold(
    world: World, shard_databases: list[ShardDatabase], amount: int | None, is_final: bool
) -> None:
    payer, payee = await world.pair(funds=2 * CAPTURES_MAX)
    hold = await open_hold(world, payer, payee, 2 * CAPTURES_MAX)
    parts = [capture_request(world, hold, 1, is_final=False) for _ in range(CAPTURES_MAX)]

    made = await ask_captures(world, *parts)
    (one_more,) = await ask_captures(world, parts[-1])
    (last,) = await ask_captures(world, capture_request(world, hold, amount, is_final=is_final))

    assert [isinstance(one, Tried) for one in made] == [True] * (CAPTURES_MAX - 1) + [False]
    for refused in (made[-1], one_more):
        assert isinstance(refused, Failed)
        assert isinstance(refused.error, TooManyCapturesError)
    assert isinstance(last, Tried)
    ended = await read_hold(world, hold)
    assert (ended.status, ended.captures) == (HoldStatus.CAPTURED, CAPTURES_MAX)
    assert broken(await audit_of(shard_databases)) == {}
