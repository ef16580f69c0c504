"""Public events, as they are written to the outbox. Amounts are strings of minor units."""

from typing import NotRequired, TypedDict
from uuid import UUID

from sagas.operators import ROLE_AFTER, UserAct
from sagas.states import Status
from shards.holds import Hold, HoldStatus
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
HOLD_STATUS = {status: f"hold.{status}" for status in HoldStatus}
MOVEMENT_REJECTED = "movement.rejected"
LIMIT_SET = "account.limit_set"
MOVEMENT_DONE = {
    MovementKind.DEPOSIT: "movement.deposited",
    MovementKind.WITHDRAWAL: "movement.withdrawn",
}


class TransferData(TypedDict):
    """Data of `transfer.*` events; what it is a capture or a refund of, if it is one."""

    transfer_id: str
    payer_id: str
    payee_id: str | None
    currency: str
    amount_minor: str
    status: str
    reason: str | None
    hold_id: NotRequired[str]
    refund_of: NotRequired[str]


class HoldData(TypedDict):
    """Data of `hold.*` events."""

    hold_id: str
    payer_id: str
    payee_id: str | None
    currency: str
    amount_minor: str
    captured_minor: str
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


class LimitData(TypedDict):
    """Data of `account.limit_set`; `act_seq` is the number of the act in the user's bucket."""

    user_id: str
    currency: str
    daily_minor: str | None
    act_seq: int


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
    data: TransferData = {
        "transfer_id": str(transfer.id),
        "payer_id": str(transfer.payer_id),
        "payee_id": str(transfer.payee_id) if transfer.payee_id else None,
        "currency": transfer.currency,
        "amount_minor": str(transfer.amount),
        "status": transfer.status,
        "reason": transfer.reason,
    }
    if transfer.hold_id is not None:
        data["hold_id"] = str(transfer.hold_id)
    if transfer.refund_of is not None:
        data["refund_of"] = str(transfer.refund_of)
    return data


def credited_data(verdict: Verdict) -> TransferData:
    """What the payee's shard tells of a transfer it has credited."""
    data: TransferData = {
        "transfer_id": str(verdict.transfer_id),
        "payer_id": str(verdict.payer_id),
        "payee_id": str(verdict.payee_id),
        "currency": verdict.currency,
        "amount_minor": str(verdict.amount),
        "status": verdict.kind.value,
        "reason": verdict.reason,
    }
    if verdict.refund_of is not None:
        data["refund_of"] = str(verdict.refund_of)
    return data


def hold_data(hold: Hold) -> HoldData:
    """What the payer's shard tells of a hold, with the status it has now."""
    return {
        "hold_id": str(hold.id),
        "payer_id": str(hold.payer_id),
        "payee_id": str(hold.payee_id) if hold.payee_id else None,
        "currency": hold.currency,
        "amount_minor": str(hold.amount),
        "captured_minor": str(hold.captured),
        "status": hold.status.value,
        "reason": hold.reason,
    }


def user_data(user: User) -> UserData:
    """What is told of a user who was created."""
    return {"user_id": str(user.id), "email": user.email}


def limit_data(user_id: UUID, currency: str, *, daily: int | None, act_seq: int) -> LimitData:
    """What is told of a spending limit that was set, or taken away."""
    return {
        "user_id": str(user_id),
        "currency": currency,
        "daily_minor": str(daily) if daily is not None else None,
        "act_seq": act_seq,
    }


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
