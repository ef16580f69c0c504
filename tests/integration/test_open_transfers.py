"""How many transfers a payer may have under way: exactly so many, whoever asks at once."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sagas.idempotency import KeyReusedError
from sagas.outcomes import Failed
from sagas.states import Status
from sagas.steps.cancel import AskedBy
from sagas.steps.try_transfer import TooManyOpenError, Tried, TryRequest, try_transfers
from tests.integration.world import TIMING, World

BOUND = 3


async def _try(world: World, requests: Sequence[TryRequest], *, bound: int = BOUND) -> list[object]:
    shard = world.shards.of_id(requests[0].payer_id)
    return list(await try_transfers(shard, requests, wait=True, timing=TIMING, open_max=bound))


def _told(outcomes: Sequence[object]) -> list[str]:
    """The status of each transfer, or the name of its error."""
    return [
        type(o.error).__name__ if isinstance(o, Failed) else o.transfer.status
        for o in outcomes
        if isinstance(o, Failed | Tried)
    ]


async def _rows(world: World, payer: UUID) -> int:
    async with world.shards.of_id(payer).connection() as conn:
        (row,) = await conn.fetch("SELECT count(*) FROM transfers WHERE payer_id = $1", payer)
    count: int = row["count"]
    return count


async def test_a_batch_is_accepted_up_to_the_bound_and_no_further(world: World):
    payer, payee = await world.pair(funds=100)
    other = await world.user(bucket=2, funds=100)

    outcomes = await _try(
        world,
        [world.try_request(payer, payee, 1) for _ in range(BOUND + 2)]
        + [world.try_request(other, payee, 1)],
    )

    assert _told(outcomes) == ["held"] * BOUND + ["TooManyOpenError"] * 2 + ["held"]
    assert await _rows(world, payer) == BOUND


async def test_batches_at_once_are_accepted_up_to_the_bound_together(world: World):
    payer, payee = await world.pair(funds=100)

    async with asyncio.TaskGroup() as group:
        batches = [
            group.create_task(_try(world, [world.try_request(payer, payee, 1) for _ in range(4)]))
            for _ in range(6)
        ]

    told = [one for batch in batches for one in _told(batch.result())]
    assert sorted(told) == ["TooManyOpenError"] * 21 + ["held"] * BOUND
    assert await _rows(world, payer) == BOUND


async def test_what_is_debited_counts_and_what_is_over_does_not(world: World):
    payer, payee = await world.pair(funds=100)
    held = [await world.try_transfer(payer, payee, 1) for _ in range(BOUND)]
    await world.try_confirm(held[0])
    another = world.try_request(payer, payee, 1)

    with_a_debited = _told(await _try(world, [another]))
    await world.run_all(held[1])
    with_one_completed = _told(await _try(world, [another]))
    with_as_many_again = _told(await _try(world, [world.try_request(payer, payee, 1)]))
    await world.cancel(held[2], AskedBy.PAYER)
    with_one_cancelled = _told(await _try(world, [world.try_request(payer, payee, 1)]))

    assert with_a_debited == ["TooManyOpenError"]
    # The same key: nothing was recorded under it.
    assert with_one_completed == ["held"]
    assert with_as_many_again == ["TooManyOpenError"]
    assert with_one_cancelled == ["held"]


async def test_a_key_that_has_its_transfer_is_answered_with_it_at_the_bound(world: World):
    payer, payee = await world.pair(funds=100)
    requests = [world.try_request(payer, payee, 1) for _ in range(BOUND)]
    made = await _try(world, requests)
    reused = replace(requests[1], fingerprint=b"another")

    again = await _try(world, [requests[0], world.try_request(payer, payee, 1), reused])

    assert isinstance(made[0], Tried)
    assert again[0] == Tried(made[0].transfer, replayed=True)
    assert _told(again[1:]) == [TooManyOpenError.__name__, KeyReusedError.__name__]


async def test_what_is_rejected_leaves_room(world: World):
    payer, payee = await world.pair(funds=2)

    outcomes = await _try(
        world,
        [
            world.try_request(payer, payee, 5),
            world.try_request(payer, payee, 1),
            world.try_request(payer, payee, 5),
            world.try_request(payer, payee, 1),
            world.try_request(payer, payee, 5),
        ],
        bound=2,
    )

    assert _told(outcomes) == [
        *(Status.REJECTED, Status.HELD, Status.REJECTED, Status.HELD),
        TooManyOpenError.__name__,
    ]
