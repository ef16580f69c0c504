"""Users, and the lock that every transaction takes first."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import asyncpg

from shards.connection import Connection, Row
from shards.ids import bucket_of
from shards.records import record
from shards.statements import load_statements

_SQL = load_statements("users")


class UserRole(StrEnum):
    """Whether a user may act on what belongs to others."""

    USER = "user"
    OPERATOR = "operator"


class UserStatus(StrEnum):
    """What a user may do. Frozen: receive only. Closed: nothing but read."""

    OPEN = "open"
    FROZEN = "frozen"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """The owner of a wallet."""

    id: UUID
    email: str
    name: str | None
    password_hash: str = field(repr=False)
    role: UserRole
    status: UserStatus
    created_at: datetime


@record(kw_only=False)
class LockedUser:
    """What a transaction knows of a user whose row it has locked."""

    id: UUID
    status: UserStatus
    event_sequence: int


class EmailTakenError(Exception):
    """Another user has this e-mail."""


async def lock_users(
    conn: Connection, ids: Collection[UUID], *, wait: bool
) -> dict[UUID, LockedUser]:
    """Locks the rows of these users to the end of the transaction, in the order of their ids.

    Every transaction that moves or reserves money calls this first, alone, and reads afterwards:
    reading in the same statement as the lock reads what was true before the lock.

    Args:
        conn: inside a transaction.
        ids: users of this shard.
        wait: False skips rows that others have locked, so that one paused holder stalls one user
            and not a batch.

    Returns:
        The locked users by id. One that is absent is unknown or, without `wait`, locked by others:
        `find_users` tells which.
    """
    block = _SQL["lock_users"] if wait else _SQL["lock_users_not_locked"]
    rows = await conn.fetch(block, list(ids))
    return {
        row["id"]: LockedUser(row["id"], UserStatus(row["status"]), row["event_sequence"])
        for row in rows
    }


async def find_users(conn: Connection, ids: Collection[UUID]) -> dict[UUID, UserStatus]:
    """The users among `ids` that exist, with their status, without locking them."""
    rows = await conn.fetch(_SQL["find_users"], list(ids))
    return {row["id"]: UserStatus(row["status"]) for row in rows}


async def find_users_by_email(
    conn: Connection, emails: Collection[str]
) -> dict[str, tuple[UUID, UserStatus]]:
    """Ids and status of users by normalised e-mail; an e-mail that no user has is absent."""
    rows = await conn.fetch(_SQL["find_users_by_email"], list(emails))
    return {row["email"]: (row["id"], UserStatus(row["status"])) for row in rows}


async def read_user(conn: Connection, *, id_: UUID) -> User | None:
    """The user with this id."""
    return _user(await conn.fetchrow(_SQL["read_user"], id_))


async def read_user_by_email(conn: Connection, *, email: str) -> User | None:
    """The user with this normalised e-mail."""
    return _user(await conn.fetchrow(_SQL["read_user_by_email"], email))


async def list_operators(conn: Connection) -> list[User]:
    """The operators among the users of this shard, by e-mail."""
    users = [_user(row) for row in await conn.fetch(_SQL["list_operators"])]
    return [user for user in users if user is not None]


async def is_wallet_empty(conn: Connection, user_id: UUID) -> bool:
    """Whether a locked user has no money and nothing under way that could come back.

    Read after the lock: what changes either of them locks the user first.
    """
    return bool(await conn.fetchval(_SQL["is_wallet_empty"], user_id))


async def set_status(conn: Connection, user_id: UUID, status: UserStatus) -> None:
    """Writes the status of a locked user; the caller tells an event of the user."""
    await conn.execute(_SQL["set_status"], user_id, status)


async def set_role(conn: Connection, user_id: UUID, role: UserRole) -> None:
    """Writes the role of a locked user; the caller tells an event of the user."""
    await conn.execute(_SQL["set_role"], user_id, role)


async def insert_user(
    conn: Connection, *, id_: UUID, email: str, name: str | None, password_hash: str
) -> User:
    """Creates an open user with event sequence 0, inside the caller's transaction.

    Raises:
        EmailTakenError: the e-mail's unique key refused it; the transaction is to be given up.
    """
    try:
        row = await conn.fetchrow(
            _SQL["insert_user"], id_, bucket_of(id_), email, name, password_hash
        )
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "users_email_key":
            raise
        raise EmailTakenError(email) from error
    user = _user(row)
    assert user is not None
    return user


def _user(row: Row | None) -> User | None:
    if row is None:
        return None
    return User(
        id=row["id"],
        email=row["email"],
        name=row["name"],
        password_hash=row["password_hash"],
        role=UserRole(row["role"]),
        status=UserStatus(row["status"]),
        created_at=row["created_at"],
    )
