"""What an operator does to a user, on the user's shard: the status or the role, with its act."""

from dataclasses import dataclass, replace
from uuid import UUID

from sagas.events import USER_ACT, user_act_data
from sagas.operators import (
    ROLE_AFTER,
    UnknownUserError,
    UserAct,
    WalletNotEmptyError,
    status_after,
)
from shards.book import open_book
from shards.connection import Connection
from shards.ids import bucket_of
from shards.operator_acts import NewAct, StoredAct, add_act
from shards.shard import Shard
from shards.users import (
    LockedUser,
    User,
    UserStatus,
    is_wallet_empty,
    lock_users,
    read_user,
    set_role,
    set_status,
)
from shards.writes import write_together


@dataclass(frozen=True, slots=True, kw_only=True)
class UserOrder:
    """One act of one operator on one user; who and why are lines of text for the trail."""

    act: UserAct
    user_id: UUID
    done_by: str
    reason: str
    traceparent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChanged:
    """The user as the order leaves it; `act` is None for a repeat, which changes nothing."""

    user: User
    act: StoredAct | None


async def change_user(shard: Shard, order: UserOrder) -> UserChanged:
    """Changes a user under its lock, in one transaction with the act and the event that tell it.

    Whatever moves or reserves this user's money locks the same row, or makes sure that the number
    of its last event is as it was read: it sees the user as before or as after, and nothing of it
    is under way in between. May be run again: a repeat finds the user changed, and adds no act.

    Args:
        shard: of the user.
        order: `done_by` and `reason` can stand in the trail.

    Raises:
        UnknownUserError: there is no such user.
        UserClosedError: a closed user is neither frozen nor opened again.
        WalletNotEmptyError: of a close: there is money, or what could come back.
        ShardTransientError: run it again; after `CommitUnknownError` it may have happened.
    """
    async with shard.transaction([bucket_of(order.user_id)]) as conn:
        locked = (await lock_users(conn, [order.user_id], wait=True)).get(order.user_id)
        before = await read_user(conn, id_=order.user_id)
        if locked is None or before is None:
            raise UnknownUserError(order.user_id)
        after = await _after(conn, before, order.act)
        if after == before:
            return UserChanged(user=before, act=None)
        return UserChanged(user=after, act=await _write(conn, locked, before, after, order))


async def _after(conn: Connection, user: User, act: UserAct) -> User:
    status = status_after(act, user.status, user_id=user.id)
    closes = status is UserStatus.CLOSED and user.status is not UserStatus.CLOSED
    if closes and not await is_wallet_empty(conn, user.id):
        raise WalletNotEmptyError(user.id)
    return replace(user, status=status, role=ROLE_AFTER.get(act, user.role))


async def _write(
    conn: Connection, locked: LockedUser, before: User, after: User, order: UserOrder
) -> StoredAct:
    if after.status is not before.status:
        detail = f"{before.status} to {after.status}"
        await set_status(conn, after.id, after.status)
    else:
        detail = f"{before.role} to {after.role}"
        await set_role(conn, after.id, after.role)
    act = await add_act(
        conn,
        NewAct(
            act=order.act,
            target_id=after.id,
            done_by=order.done_by,
            reason=order.reason,
            detail=detail,
        ),
    )
    book = await open_book(conn, {after.id: locked})
    book.tell(
        USER_ACT[order.act],
        user_id=after.id,
        data=user_act_data(after, act),
        traceparent=order.traceparent,
    )
    await write_together(conn, book.writes())
    return act
