"""Back-pressure: what a gateway sees of what is under way on a shard."""

from datetime import timedelta
from uuid import UUID, uuid4

from gateway.in_flight import InFlightLimits, InFlightWatch, TooMuchInFlightError, Watched
from shards.dead_letters import DeadLetter, ReasonClass, insert_dead_letters
from shards.pool import ShardOptions
from shards.router import ShardMap
from shards.shard import Shard
from shards.transfers import InFlight, Transfer, read_in_flight
from tests.eventually import eventually
from tests.integration.world import World

LIMITS = InFlightLimits(oldest_held=timedelta(minutes=15), open_max=4)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _watch(world: World, clock: Clock | None = None) -> InFlightWatch:
    return InFlightWatch(world.shards, limits=LIMITS, every_s=1.0, clock=clock or Clock())


def _refuses(watch: InFlightWatch, payer: UUID) -> bool:
    return isinstance(watch.obstacle(payer), TooMuchInFlightError)


async def _seen(world: World, payer: UUID, *, count_max: int = 10) -> InFlight:
    async with world.shards.of_id(payer).connection() as conn:
        return await read_in_flight(conn, count_max=count_max)


async def _make_older(world: World, transfer: Transfer, by: timedelta) -> None:
    async with world.shards.of_id(transfer.id).connection() as conn:
        await conn.execute(
            "UPDATE transfers SET created_at = created_at - $2::interval WHERE id = $1",
            transfer.id,
            by,
        )


async def _set_aside(world: World, transfer: Transfer) -> None:
    letter = DeadLetter(
        id=uuid4(),
        bucket=0,
        topic="wallet.try-confirm.v1",
        partition=0,
        position=0,
        key=None,
        value=b"",
        headers=(),
        reason_class=ReasonClass.BUG,
        reason="bug",
        detail="",
        step="try-confirm",
        trace_id=None,
        transfer_id=transfer.id,
        attempts=1,
    )
    async with world.shards.of_id(transfer.id).connection() as conn:
        await insert_dead_letters(conn, [letter])


async def test_the_oldest_held_and_the_open_are_told(world: World):
    payer, payee = await world.pair(funds=100)
    nothing = await _seen(world, payer)
    first = await world.try_transfer(payer, payee, 1)
    await world.try_transfer(payer, payee, 1)
    await _make_older(world, first, timedelta(hours=2))
    two_held = await _seen(world, payer)
    await world.try_confirm(first)
    one_debited = await _seen(world, payer)
    await world.run_all(first)
    one_over = await _seen(world, payer)

    assert nothing == InFlight(oldest_held=timedelta(0), open=0)
    assert timedelta(hours=2) <= two_held.oldest_held < timedelta(hours=2, minutes=1)
    # What is debited waits for the payee's shard, as long as that takes.
    assert one_debited.oldest_held < timedelta(minutes=1)
    assert (two_held.open, one_debited.open, one_over.open) == (2, 2, 1)
    assert (await _seen(world, payer, count_max=1)).open == 1


async def test_what_is_held_too_long_refuses_on_its_shard_until_it_is_over(world: World):
    payer, payee = await world.pair(funds=100)
    watch, shard = _watch(world), world.shards.of_id(payer)
    transfer = await world.try_transfer(payer, payee, 1)

    assert await watch.watch_once(shard) is Watched.FINE
    assert not _refuses(watch, payer)

    await _make_older(world, transfer, timedelta(minutes=16))
    assert not _refuses(watch, payer), "no request asks the shard"
    assert await watch.watch_once(shard) is Watched.TOO_MUCH
    assert await watch.watch_once(world.shards.of_id(payee)) is Watched.FINE
    assert _refuses(watch, payer)
    assert not _refuses(watch, payee)

    await world.run_all(transfer)
    assert await watch.watch_once(shard) is Watched.FINE
    assert not _refuses(watch, payer)


async def test_too_many_open_refuse(world: World):
    payer, payee = await world.pair(funds=100)
    watch, shard = _watch(world), world.shards.of_id(payer)
    told = []
    for _ in range(LIMITS.open_max):
        await world.try_transfer(payer, payee, 1)
        told.append(await watch.watch_once(shard))

    assert told == [Watched.FINE] * (LIMITS.open_max - 1) + [Watched.TOO_MUCH]


async def test_a_transfer_that_waits_for_a_person_holds_up_nobody(world: World):
    payer, payee = await world.pair(funds=100)
    watch = _watch(world)
    transfer = await world.try_transfer(payer, payee, 1)
    await _make_older(world, transfer, timedelta(hours=20))
    await _set_aside(world, transfer)

    assert await watch.watch_once(world.shards.of_id(payer)) is Watched.FINE


async def test_a_shard_that_does_not_answer_leaves_what_was_seen_for_a_while(world: World):
    payer, payee = await world.pair(funds=100)
    clock = Clock()
    watch, shard = _watch(world, clock), world.shards.of_id(payer)
    transfer = await world.try_transfer(payer, payee, 1)
    await _make_older(world, transfer, timedelta(minutes=16))
    await watch.watch_once(shard)
    gone = Shard(
        name=shard.name,
        dsn="postgresql://holdfast@127.0.0.1:1/nothing",
        buckets=shard.buckets,
        options=ShardOptions(),
    )

    clock.now = 30.0
    assert await watch.watch_once(gone) is Watched.AWAY
    assert _refuses(watch, payer)
    clock.now = 61.0
    assert await watch.watch_once(gone) is Watched.AWAY
    assert not _refuses(watch, payer)


async def test_the_watch_looks_by_itself_and_ends(world: World, shards: ShardMap):
    payer, payee = await world.pair(funds=100)
    transfer = await world.try_transfer(payer, payee, 1)
    await _make_older(world, transfer, timedelta(minutes=16))
    watch = InFlightWatch(shards, limits=LIMITS, every_s=0.01)

    watch.start()
    await eventually(lambda: _refuses(watch, payer))
    await world.run_all(transfer)
    await eventually(lambda: not _refuses(watch, payer))
    await watch.close()
