"""What a client asks of a gateway, and what it is told; HTTP is left out."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from reliability.simulation.nodes import Gateway
from sagas.operators import UserAct, UserClosedError, WalletNotEmptyError
from sagas.states import Reason
from sagas.steps.cancel import AskedBy, CancelRequest
from sagas.steps.move import MoveRequest
from sagas.steps.try_transfer import TryRequest
from sagas.user_acts import UserOrder, change_user
from shards.ids import bucket_of
from shards.movements import MovementKind
from shards.transfers import Transfer


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for under a key; `payee` is None for a movement, and for nobody."""

    kind: str
    wallet: UUID
    payee: UUID | None
    amount: int
    key: str


@dataclass(frozen=True, slots=True)
class Told:
    """The row that a client was told of, and its status as it was then."""

    asked: Asked
    id: UUID
    status: str


async def ask_movement(gateway: Gateway, asked: Asked) -> Told:
    """A deposit or withdrawal; raises as `GatewayLanes.move`."""
    kind = MovementKind(asked.kind)
    moved = await gateway.lanes.move(
        MoveRequest(
            movement_id=gateway.ids.new_id(bucket_of(asked.wallet)),
            user_id=asked.wallet,
            kind=kind,
            currency="EUR",
            amount=asked.amount,
            caller=str(asked.wallet),
            idempotency_key=asked.key,
            fingerprint=_fingerprint(kind, asked.amount),
            metadata=None,
            traceparent="",
        )
    )
    return Told(asked, moved.movement.id, moved.movement.status)


async def ask_transfer(gateway: Gateway, asked: Asked, *, expires_in_s: int) -> Transfer:
    """A transfer, which the gateway then offers to the log; raises as its lanes do."""
    tried = await gateway.lanes.try_transfer(
        TryRequest(
            transfer_id=gateway.ids.new_id(bucket_of(asked.wallet)),
            payer_id=asked.wallet,
            payee_id=asked.payee,
            currency="EUR",
            amount=asked.amount,
            caller=str(asked.wallet),
            idempotency_key=asked.key,
            fingerprint=_fingerprint(asked.payee, asked.amount),
            metadata=None,
            expires_in=timedelta(seconds=expires_in_s),
            traceparent="",
            # The gateway was told that there is no such user: a refusal under the key.
            refusal=Reason.UNKNOWN_PAYEE if asked.payee is None else None,
        )
    )
    gateway.wake_ups.offer([tried.transfer])
    return tried.transfer


async def ask_cancel(gateway: Gateway, transfer: Transfer) -> Told:
    """The payer's cancel; raises as `GatewayLanes.cancel`."""
    request = CancelRequest(
        transfer_id=transfer.id, payer_id=transfer.payer_id, asked_by=AskedBy.PAYER
    )
    row = (await gateway.lanes.cancel(request)).transfer
    asked = Asked(
        kind="transfer",
        wallet=transfer.payer_id,
        payee=transfer.payee_id,
        amount=transfer.amount,
        key=transfer.idempotency_key,
    )
    return Told(asked, row.id, row.status)


async def ask_act(gateway: Gateway, user_id: UUID, act: UserAct) -> None:
    """An operator's act, done or refused; raises as `sagas.user_acts` otherwise."""
    order = UserOrder(
        act=act, user_id=user_id, done_by="operator", reason="simulated", traceparent=""
    )
    with suppress(UserClosedError, WalletNotEmptyError):
        await change_user(gateway.shards.of_id(user_id), order)


def _fingerprint(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()
