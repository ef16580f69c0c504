"""Clean books to audit, and the ways tests look at an audit's report."""

from dataclasses import dataclass
from uuid import UUID

from audit import AuditedShard, Report, audit
from sagas.dead_letters import Decision
from sagas.messages import Step, message_of
from sagas.operators import UserAct
from sagas.outcomes import Failed
from sagas.steps.cancel import AskedBy
from sagas.steps.move import move
from shards.movements import MovementKind
from tests.databases import ShardDatabase
from tests.integration.letters import ask, bug, keep, poison
from tests.integration.shop_books import ShopBooks, make_shop_books
from tests.integration.world import World

BUCKETS = 8
NEW_CURRENCY = "DOGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Ids of rows of every kind; payers are on shard0, payees on shard1."""

    payer: UUID
    payee: UUID
    second: UUID
    completed: UUID
    neighbour: UUID
    held: UUID
    debited: UUID
    credited: UUID
    cancelled: UUID
    rejected: UUID
    refunded: UUID
    letter_open: UUID
    letter_discarded: UUID
    letter_redriven: UUID
    closed: UUID
    operator: UUID
    of_shop: ShopBooks


async def make_books(world: World) -> Books:
    """One transfer in each status, one that is credited but not settled, and a shop's books."""
    payer, payee = await world.pair(funds=1_000)
    second, closing = await world.pair(funds=500)
    neighbour = await world.user(bucket=2, funds=3)
    await move_out(world, payer, 50)
    await move_out(world, payer, 5_000)
    cancelled = await world.try_transfer(payer, payee, 7)
    await world.cancel(cancelled, AskedBy.PAYER)
    to_refuse = await world.try_transfer(second, closing, 40)
    await world.set_status(closing, "closed")
    credited = await world.debited(payer, payee, 30)
    await world.confirm(credited)
    held = await world.try_transfer(payer, payee, 20)
    completed = await world.run_all(await world.try_transfer(payer, payee, 100))
    books = Books(
        payer=payer,
        payee=payee,
        second=second,
        completed=completed.id,
        neighbour=(await world.run_all(await world.try_transfer(payer, neighbour, 11))).id,
        held=held.id,
        debited=(await world.debited(payer, payee, 60)).transfer_id,
        credited=credited.transfer_id,
        cancelled=cancelled.id,
        rejected=(await world.try_transfer(payer, payee, 10**9)).id,
        refunded=(await world.run_all(to_refuse)).id,
        letter_open=await keep(world, poison(bucket=0)),
        letter_discarded=await keep(world, bug(message_of(completed, Step.TRY_CONFIRM))),
        letter_redriven=await keep(world, bug(message_of(held, Step.TRY_CONFIRM), position=1)),
        closed=closing,
        operator=await world.user(bucket=3),
        of_shop=await make_shop_books(world),
    )
    await world.act(books.operator, UserAct.MAKE_OPERATOR)
    for act in (UserAct.FREEZE, UserAct.UNFREEZE):
        await world.act(books.operator, act)
    for enabled in (True, False):
        await world.put_currency(NEW_CURRENCY, enabled=enabled)
    await ask(world, books.letter_discarded, Decision.DISCARD)
    await ask(world, books.letter_redriven, Decision.REDRIVE)
    # A chain of some length on both sides.
    for amount in (1, 2, 3):
        await world.run_all(await world.try_transfer(payer, payee, amount))
    return books


async def move_out(world: World, user_id: UUID, amount: int) -> None:
    request = world.move_request(user_id, MovementKind.WITHDRAWAL, amount)
    (outcome,) = await move(world.shards.of_id(user_id), [request], wait=True)
    assert not isinstance(outcome, Failed)


async def audit_of(databases: list[ShardDatabase]) -> Report:
    shards = [AuditedShard(d.name, d.dsn, d.buckets) for d in databases]
    return await audit(shards, buckets=BUCKETS)


def broken(report: Report) -> dict[str, list[str]]:
    """The checks that found something, with the ids."""
    return {
        check.name: [id_ for breach in check.breaches for id_ in breach.ids]
        for check in report.checks
        if check.breaches
    }


async def told(world: World, user: UUID) -> list[str]:
    """Types of a user's public events, whose numbers must have no gap."""
    async with world.shards.of_id(user).connection() as conn:
        rows = await conn.fetch(
            "SELECT sequence, type FROM outbox WHERE user_id = $1 ORDER BY sequence", user
        )
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["type"] for row in rows]
