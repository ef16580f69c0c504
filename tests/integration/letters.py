"""Dead letters for tests: kept as a worker keeps them, and decided on as an operator does."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sagas.dead_letters import Decision, Obstacle, Refused
from sagas.deciding import Decided, Order, decide, find_letter
from sagas.messages import KeyRing, Message, Step
from shards.dead_letters import DeadLetter, ReasonClass, StoredDeadLetter, insert_dead_letters
from shards.ids import RandomIds
from shards.operator_acts import StoredAct, list_acts
from tests.integration.world import World

KEYS = KeyRing({"k1": b"k" * 32})


def poison(*, bucket: int, position: int = 0, value: bytes | None = b"{") -> DeadLetter:
    """Bytes that nobody can read."""
    return DeadLetter(
        id=RandomIds().new_id(bucket),
        bucket=bucket,
        topic="wallet.confirm.v1",
        partition=bucket,
        position=position,
        key=None,
        value=value,
        headers=[],
        reason_class=ReasonClass.POISON,
        reason="undecodable",
        detail="not JSON",
        step=Step.CONFIRM,
        trace_id=None,
        transfer_id=None,
        attempts=1,
    )


def bug(message: Message, *, position: int = 0) -> DeadLetter:
    """A message of ours that met a bug."""
    return replace(
        poison(bucket=message.bucket, position=position, value=KEYS.encode(message)),
        topic=f"wallet.{message.step}.v1",
        reason_class=ReasonClass.BUG,
        reason="bug",
        detail="RuntimeError('bug')",
        step=message.step,
        transfer_id=message.transfer_id,
    )


async def keep(world: World, *letters: DeadLetter) -> UUID:
    """Keeps letters of one shard in one batch; the id of the first."""
    async with world.shards.of_bucket(letters[0].bucket).connection() as conn:
        await insert_dead_letters(conn, letters)
    return letters[0].id


async def confirm_that_met_a_bug(world: World) -> tuple[Message, UUID]:
    """A debited transfer's confirm, and its letter on the payee's shard."""
    payer, payee = await world.pair(funds=100)
    confirm = await world.debited(payer, payee, 10)
    return confirm, await keep(world, bug(confirm))


async def kept(world: World, bucket: int) -> Sequence[StoredDeadLetter]:
    """All letters of a bucket, in the order they came."""
    async with world.shards.of_bucket(bucket).connection() as conn:
        rows = await conn.fetch(
            "SELECT id FROM dead_letters WHERE bucket = $1 ORDER BY created_at, position", bucket
        )
    found = [await find_letter(world.shards, row["id"]) for row in rows]
    return [letter for letter in found if letter is not None]


async def ask(
    world: World,
    letter_id: UUID,
    decision: Decision,
    *,
    by: str = "Ada",
    reason: str = "looked at it",
    keys: KeyRing | None = None,
) -> Decided | Refused:
    """What an operator is told of a decision."""
    order = Order(decision=decision, done_by=by, reason=reason)
    return await decide(world.shards, letter_id, order, keys=keys)


async def obstacle(world: World, letter_id: UUID, decision: Decision) -> Obstacle:
    """Why a decision that must be refused is refused."""
    refused = await ask(world, letter_id, decision)
    assert isinstance(refused, Refused)
    return refused.obstacle


async def trail(world: World, bucket: int) -> list[StoredAct]:
    """What operators did on the shard of a bucket, newest first."""
    async with world.shards.of_bucket(bucket).connection() as conn:
        listed = await list_acts(conn, limit=100, target_id=None, after=None)
    return [one.act for one in listed]
