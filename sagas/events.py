"""Public events, as they are written to the outbox. Amounts are strings of minor units."""

from typing import TypedDict

from sagas.operators import ROLE_AFTER, UserAct
from sagas.states import Status
from shards.movements import Movement, MovementKind
from shards.operator_acts import StoredAct
from shards.transfers import Transfer
from shards.users import User
from shards.verdicts import Verdict

USER_CREATED = "user.created"
USER_ACT = {
    UserAct.FREEZE: "user.frozen",
    UserAct.UNFREEZE: "user.unfrozen",
    UserAct.CLOSE: "user.closed",
    UserAct.MAKE_OPERATOR: "user.made_operator",
    UserAct.REMOVE_OPERATOR: "user.removed_operator",
}
TRANSFER_CREDITED = "transfer.credited"
TRANSFER_STATUS = {status: f"transfer.{status}" for status in Status}
MOVEMENT_REJECTED = "movement.rejected"
MOVEMENT_DONE = {
    MovementKind.DEPOSIT: "movement.deposited",
    MovementKind.WITHDRAWAL: "movement.withdrawn",
}


class TransferData(TypedDict):
    """Data of `transfer.*` events."""

    transfer_id: str
    payer_id: str
    payee_id: str | None
    currency: str
    amount_minor: str
    status: str
    reason: str | None


class MovementData(TypedDict):
    """Data of `movement.*` events."""

    movement_id: str
    user_id: str
    currency: str
    amount_minor: str
    balance_after_minor: str


class RejectedMovementData(TypedDict):
    """Data of `movement.rejected`."""

    movement_id: str
    user_id: str
    currency: str
    amount_minor: str
    reason: str | None


class UserData(TypedDict):
    """Data of `user.created`."""

    user_id: str
    email: str


class UserStatusData(TypedDict):
    """Data of `user.frozen`, `user.unfrozen` and `user.closed`; `act_seq` finds the act."""

    user_id: str
    status: str
    act_seq: int


class UserRoleData(TypedDict):
    """Data of `user.made_operator` and `user.removed_operator`; `act_seq` finds the act."""

    user_id: str
    role: str
    act_seq: int


def transfer_data(transfer: Transfer) -> TransferData:
    """What the payer's shard tells of a transfer, with the status it has now."""
    return {
        "transfer_id": str(transfer.id),
        "payer_id": str(transfer.payer_id),
        "payee_id": str(transfer.payee_id) if transfer.payee_id else None,
        "currency": transfer.currency,
        "amount_minor": str(transfer.amount),
        "status": transfer.status,
        "reason": transfer.reason,
    }


def credited_data(verdict: Verdict) -> TransferData:
    """What the payee's shard tells of a transfer it has credited."""
    return {
        "transfer_id": str(verdict.transfer_id),
        "payer_id": str(verdict.payer_id),
        "payee_id": str(verdict.payee_id),
        "currency": verdict.currency,
        "amount_minor": str(verdict.amount),
        "status": verdict.kind.value,
        "reason": verdict.reason,
    }


def user_data(user: User) -> UserData:
    """What is told of a user who was created."""
    return {"user_id": str(user.id), "email": user.email}


def user_act_data(user: User, act: StoredAct) -> UserStatusData | UserRoleData:
    """What is told of a user whom an operator has changed; why is for the trail alone."""
    if act.act in ROLE_AFTER:
        return {"user_id": str(user.id), "role": user.role.value, "act_seq": act.seq}
    return {"user_id": str(user.id), "status": user.status.value, "act_seq": act.seq}


def movement_data(movement: Movement) -> MovementData:
    """What is told of a deposit or withdrawal that was done."""
    return {
        "movement_id": str(movement.id),
        "user_id": str(movement.user_id),
        "currency": movement.currency,
        "amount_minor": str(movement.amount),
        "balance_after_minor": str(movement.balance_after),
    }


def rejected_movement_data(movement: Movement) -> RejectedMovementData:
    """What is told of a deposit or withdrawal that was refused under its key."""
    return {
        "movement_id": str(movement.id),
        "user_id": str(movement.user_id),
        "currency": movement.currency,
        "amount_minor": str(movement.amount),
        "reason": movement.reason,
    }
