"""Holds, captures and refunds over a `World`, each step by one name; amounts are in EUR cents."""

import hashlib
from datetime import timedelta
from itertools import count
from uuid import UUID

from sagas.outcomes import Failed
from sagas.steps.capture import CaptureRequest, capture
from sagas.steps.end_hold import EndedBy, EndHold, HoldSeen, end_holds
from sagas.steps.open_hold import HoldRequest, HoldTried, open_holds
from sagas.steps.try_transfer import Tried, TryRequest, try_transfers
from shards.holds import Hold, read_holds
from shards.ids import bucket_of
from shards.transfers import Transfer
from tests.integration.world import OPEN_MAX, TIMING, World

_keys = count()


def hold_request(
    world: World, payer: UUID, payee: UUID, amount: int, *, key: str | None = None
) -> HoldRequest:
    """A hold asked for by its payer."""
    return HoldRequest(
        hold_id=world.ids.new_id(bucket_of(payer)),
        payer_id=payer,
        payee_id=payee,
        currency="EUR",
        amount=amount,
        caller=str(payer),
        idempotency_key=key or f"h{next(_keys)}",
        fingerprint=hashlib.sha256(f"hold{payee}{amount}".encode()).digest(),
        metadata=None,
        expires_in=timedelta(hours=1),
        traceparent="",
        refusal=None,
        obstacle=None,
    )


def capture_request(
    world: World,
    hold: Hold,
    amount: int | None = None,
    *,
    is_final: bool = True,
    key: str | None = None,
) -> CaptureRequest:
    """A capture asked for by the payee."""
    return CaptureRequest(
        transfer_id=world.ids.new_id(bucket_of(hold.payer_id)),
        hold_id=hold.id,
        payer_id=hold.payer_id,
        currency=hold.currency,
        amount=amount,
        is_final=is_final,
        caller=str(hold.payee_id),
        idempotency_key=key or f"c{next(_keys)}",
        fingerprint=hashlib.sha256(f"capture{hold.id}{amount}{is_final}".encode()).digest(),
        metadata=None,
        traceparent="",
        obstacle=None,
    )


def refund_request(
    world: World, transfer: Transfer, amount: int | None = None, *, key: str | None = None
) -> TryRequest:
    """A refund asked for by who was paid."""
    assert transfer.payee_id is not None
    return TryRequest(
        transfer_id=world.ids.new_id(bucket_of(transfer.payee_id)),
        payer_id=transfer.payee_id,
        payee_id=transfer.payer_id,
        currency=transfer.currency,
        amount=amount,
        caller=str(transfer.payee_id),
        idempotency_key=key or f"r{next(_keys)}",
        fingerprint=hashlib.sha256(f"refund{transfer.id}{amount}".encode()).digest(),
        metadata=None,
        expires_in=timedelta(hours=1),
        traceparent="",
        refund_of=transfer.id,
    )


async def ask_holds(world: World, *requests: HoldRequest) -> list[HoldTried | Failed]:
    """One batch of holds on the first payer's shard."""
    outcomes = await open_holds(
        world.shards.of_id(requests[0].payer_id), requests, wait=world.waits, open_max=OPEN_MAX
    )
    return [outcome for outcome in outcomes if isinstance(outcome, HoldTried | Failed)]


async def open_hold(world: World, payer: UUID, payee: UUID, amount: int) -> Hold:
    """A hold that is opened, or refused under its key."""
    (outcome,) = await ask_holds(world, hold_request(world, payer, payee, amount))
    assert isinstance(outcome, HoldTried)
    return outcome.hold


async def ask_captures(world: World, *requests: CaptureRequest) -> list[Tried | Failed]:
    """One batch of captures on the first payer's shard."""
    outcomes = await capture(
        world.shards.of_id(requests[0].payer_id), requests, wait=world.waits, timing=TIMING
    )
    return [outcome for outcome in outcomes if isinstance(outcome, Tried | Failed)]


async def capture_part(
    world: World, hold: Hold, amount: int | None = None, *, is_final: bool = True
) -> Transfer:
    """A capture that is made, or refused under its key."""
    request = capture_request(world, hold, amount, is_final=is_final)
    (outcome,) = await ask_captures(world, request)
    assert isinstance(outcome, Tried), outcome
    return outcome.transfer


async def end(world: World, hold: Hold, by: EndedBy) -> Hold:
    """A void or an expiry; the hold as it stands then."""
    request = EndHold(hold_id=hold.id, payer_id=hold.payer_id, ended_by=by)
    (outcome,) = await end_holds(world.shards.of_id(hold.payer_id), [request], wait=True)
    assert isinstance(outcome, HoldSeen)
    return outcome.hold


async def ask_refunds(world: World, *requests: TryRequest) -> list[Tried | Failed]:
    """One batch of refunds on the shard of the first who was paid."""
    outcomes = await try_transfers(
        world.shards.of_id(requests[0].payer_id),
        requests,
        wait=world.waits,
        timing=TIMING,
        open_max=OPEN_MAX,
    )
    return [outcome for outcome in outcomes if isinstance(outcome, Tried | Failed)]


async def refund(world: World, transfer: Transfer, amount: int | None = None) -> Transfer:
    """A refund that is held, or refused under its key."""
    (outcome,) = await ask_refunds(world, refund_request(world, transfer, amount))
    assert isinstance(outcome, Tried), outcome
    return outcome.transfer


async def read_hold(world: World, hold: Hold) -> Hold:
    """The hold's row."""
    async with world.shards.of_id(hold.id).connection() as conn:
        return (await read_holds(conn, [hold.id]))[hold.id]


async def let_pass(world: World, hold: Hold) -> None:
    """Moves a hold's expiry into the past."""
    async with world.shards.of_id(hold.payer_id).connection() as conn:
        await conn.execute(
            "UPDATE holds SET expires_at = created_at - interval '1 second' WHERE id = $1", hold.id
        )


async def refunded_amount(world: World, transfer: Transfer) -> int:
    """How much of a transfer is refunded, or on its way, by its verdict."""
    assert transfer.payee_id is not None
    async with world.shards.of_id(transfer.payee_id).connection() as conn:
        amount: int = await conn.fetchval(
            "SELECT refunded_amount FROM verdicts WHERE transfer_id = $1", transfer.id
        )
    return amount


def is_failed(outcome: object, kind: type[Exception]) -> bool:
    """Whether a step refused it with this error, and recorded nothing."""
    return isinstance(outcome, Failed) and isinstance(outcome.error, kind)
