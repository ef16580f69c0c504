"""What a client asks of a gateway, and what it is told; HTTP is left out."""

import hashlib
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from reliability.simulation.heard import Asked, Kind, LimitTold, Told
from reliability.simulation.nodes import Gateway
from sagas.limits import LimitOrder, set_limit
from sagas.operators import UserAct, UserClosedError, WalletNotEmptyError
from sagas.states import Reason
from sagas.steps.cancel import AskedBy, CancelRequest
from sagas.steps.move import MoveRequest
from sagas.steps.try_transfer import TryRequest
from sagas.user_acts import UserOrder, change_user
from shards.ids import bucket_of
from shards.movements import MovementKind
from shards.operator_acts import NewAct
from shards.transfers import Transfer

CURRENCY = "EUR"
# Who asks for what only operators may, and has keys of its own.
OPERATOR = "operator"
WHY = "simulated"


async def ask_movement(gateway: Gateway, asked: Asked) -> Told:
    """A deposit or withdrawal; raises as `GatewayLanes.move`."""
    assert asked.amount is not None
    moved = await gateway.lanes.move(
        MoveRequest(
            movement_id=gateway.ids.new_id(bucket_of(asked.wallet)),
            user_id=asked.wallet,
            kind=MovementKind(asked.kind),
            currency=CURRENCY,
            amount=asked.amount,
            caller=asked.caller,
            idempotency_key=asked.key,
            fingerprint=fingerprint_of(asked),
            metadata=None,
            traceparent="",
        )
    )
    row = moved.movement
    return Told(asked=asked, id=row.id, status=row.status, amount=row.amount)


async def ask_transfer(gateway: Gateway, asked: Asked, *, expires_in_s: int) -> Transfer:
    """A transfer or refund, which the gateway then offers to the log; raises as its lanes do."""
    tried = await gateway.lanes.try_transfer(
        TryRequest(
            transfer_id=(id_ := gateway.ids.new_id(bucket_of(asked.wallet))),
            payer_id=asked.wallet,
            payee_id=asked.payee,
            currency=CURRENCY,
            amount=asked.amount,
            caller=asked.caller,
            idempotency_key=asked.key,
            fingerprint=fingerprint_of(asked),
            metadata=None,
            expires_in=timedelta(seconds=expires_in_s),
            traceparent="",
            refund_of=asked.of,
            # The gateway was told that there is no such user: a refusal under the key.
            refusal=Reason.UNKNOWN_PAYEE if asked.payee is None else None,
            act=act_of("transfer.refund", id_) if asked.caller == OPERATOR else None,
        )
    )
    gateway.wake_ups.offer([tried.transfer])
    return tried.transfer


async def ask_cancel(gateway: Gateway, transfer: Transfer) -> Told:
    """The payer's cancel; raises as `GatewayLanes.cancel`."""
    request = CancelRequest(
        transfer_id=transfer.id, payer_id=transfer.payer_id, asked_by=AskedBy.PAYER
    )
    return told_of((await gateway.lanes.cancel(request)).transfer)


async def ask_limit(gateway: Gateway, user_id: UUID, daily: int | None) -> LimitTold:
    """An operator's order; raises as `sagas.limits.set_limit`."""
    order = LimitOrder(
        user_id=user_id,
        currency=CURRENCY,
        daily=daily,
        done_by=OPERATOR,
        reason=WHY,
        traceparent="",
    )
    limit = await set_limit(gateway.shards.of_id(user_id), order)
    return LimitTold(user_id=user_id, daily=limit.daily)


def told_of(transfer: Transfer) -> Told:
    """What a client is told by the row of a transfer, as if it had asked for its very amount."""
    kind = Kind.TRANSFER
    if transfer.hold_id is not None:
        kind = Kind.CAPTURE
    elif transfer.refund_of is not None:
        kind = Kind.REFUND
    asked = Asked(
        kind=kind,
        wallet=transfer.payer_id,
        caller=transfer.caller,
        payee=transfer.payee_id,
        amount=transfer.amount,
        key=transfer.idempotency_key,
        of=transfer.hold_id or transfer.refund_of,
    )
    return Told(asked=asked, id=transfer.id, status=transfer.status, amount=transfer.amount)


async def ask_act(gateway: Gateway, user_id: UUID, act: UserAct) -> None:
    """An operator's act on a user, done or refused; raises as `sagas.user_acts` otherwise."""
    order = UserOrder(act=act, user_id=user_id, done_by=OPERATOR, reason=WHY, traceparent="")
    with suppress(UserClosedError, WalletNotEmptyError):
        await change_user(gateway.shards.of_id(user_id), order)


def act_of(act: str, target_id: UUID) -> NewAct:
    """What an operator does, for the trail."""
    return NewAct(act=act, target_id=target_id, done_by=OPERATOR, reason=WHY, detail=WHY)


def fingerprint_of(asked: Asked) -> bytes:
    """What tells a repeat from another use of the key."""
    parts = (asked.kind, asked.of, asked.payee, asked.amount, asked.is_final)
    return hashlib.sha256(repr(parts).encode()).digest()
