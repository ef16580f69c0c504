"""A run in small: everything that can be asked for, each with every answer it can get."""

from pathlib import Path
from uuid import UUID

from reliability.history import FAULTS_FILE, HISTORY_FOLDER, TAG_POWERS, Answer, AskTransfer
from sagas.steps.cancel import AskedBy
from sagas.steps.try_confirm import TryConfirmed
from shards.movements import MovementKind
from tests.integration.checker_books import Client, Names, write_lines
from tests.integration.checker_parts import make_parts
from tests.integration.world import World


async def make_run(world: World, folder: Path) -> Names:
    """Everything that can be asked for, each with every answer; all of it ends but one hold."""
    client = Client(world, folder / HISTORY_FOLDER / "client-1.jsonl")
    users = [await client.user(bucket=bucket) for bucket in range(4)]
    payer, payee, other, closing = users
    await client.balance(payer, payee)
    names = await _move(client, payer, other)
    names |= await _complete(client, payer, payee)
    names |= await _fail(client, payer, payee, closing)
    names |= await make_parts(client, closing)
    names |= await _send_together(client, payer, payee, other)
    _note_what_left_nothing(client, payer, payee)
    client.close()
    fault = {"type": "fault", "kind": "kill_worker", "at": 1, "ended_at": 2, "target": "worker-1"}
    not_run = fault | {"kind": "full_disk", "outcome": "not_run"}
    write_lines(folder / FAULTS_FILE, [fault | {"outcome": "injected"}, not_run])
    named = zip(("payer", "payee", "other", "closing"), map(str, users), strict=True)
    return names | dict(named) | {"EUR": "EUR"}


async def _move(client: Client, payer: UUID, other: UUID) -> Names:
    deposit = await client.move(payer, MovementKind.DEPOSIT, 10_000, key="d1")
    await client.move(payer, MovementKind.DEPOSIT, 10_000, key="d1")
    last_deposit = await client.move(other, MovementKind.DEPOSIT, 500, key="d2")
    await client.move(payer, MovementKind.WITHDRAWAL, 50, key="w1")
    await client.move(payer, MovementKind.WITHDRAWAL, 10**6, key="w2")
    unknown = await client.move(payer, MovementKind.DEPOSIT, 7, key="unknown", answered=False)
    await client.balance(payer, other)
    return {
        "deposit": str(deposit.movement.id),
        "last_deposit": str(last_deposit.movement.id),
        "unknown": str(unknown.movement.id),
    }


async def _complete(client: Client, payer: UUID, payee: UUID) -> Names:
    completed = await client.transfer(payer, payee, 100, key="t1")
    await client.balance(payer)
    debited = await client.world.try_confirm(completed)
    assert isinstance(debited, TryConfirmed)
    assert debited.confirm is not None
    await client.look(completed)
    await client.balance(payer)
    await client.cancel(completed)
    await client.world.deliver(debited.confirm)
    await client.look(completed)
    await client.cancel(completed)
    await client.transfer(payer, payee, 100, key="t1")
    await client.balance(payer, payee)
    return {"completed": str(completed.id)}


async def _fail(client: Client, payer: UUID, payee: UUID, closing: UUID) -> Names:
    cancelled = await client.transfer(payer, payee, 30, key="t2")
    await client.cancel(cancelled)
    expired = await client.transfer(payer, payee, 31, key="t3")
    await client.world.expire(expired)
    await client.world.cancel(expired, AskedBy.EXPIRY)
    await client.look(expired)
    await client.balance(payer)
    refunded = await client.transfer(payer, closing, 32, key="t4")
    await client.world.set_status(closing, "closed")
    await client.world.run_all(refunded)
    await client.look(refunded)
    rejected = await client.transfer(payer, payee, 10**6, key="t5")
    return {
        "cancelled": str(cancelled.id),
        "expired": str(expired.id),
        "refunded": str(refunded.id),
        "rejected": str(rejected.id),
    }


async def _send_together(client: Client, payer: UUID, payee: UUID, other: UUID) -> Names:
    together = await client.transfers([(payer, payee, 5, "t6"), (payer, other, 6, "t7")])
    await client.balance(payer)
    powers = await client.transfers(
        [(other, payee, 4**exponent, f"p{exponent}") for exponent in range(4)], tag=TAG_POWERS
    )
    for transfer in (*together, *powers):
        await client.world.run_all(transfer)
    await client.balance(payer, payee, other)
    return {"power": str(powers[2].id)}


def _note_what_left_nothing(client: Client, payer: UUID, payee: UUID) -> None:
    def asked(key: str, amount: int) -> AskTransfer:
        return AskTransfer(
            payer=str(payer), payee=str(payee), currency="EUR", amount=amount, key=key
        )

    client.note(asked("malformed", 1), Answer(status=422, code="too_precise"))
    client.note(asked("t1", 99), Answer(status=422, code="idempotency_key_reused"))
    client.note(asked("away", 1), Answer(status=503, code="shard_unavailable"))
    client.note(asked("cut", 1), None)
