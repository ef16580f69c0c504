"""The first statement of every step: its users, locked, and those it cannot have now."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from shards.connection import Connection
from shards.users import LockedUser, find_users, lock_users


@dataclass(frozen=True, slots=True)
class Locked:
    """The users a step has locked, and those that others hold; who is in neither is unknown."""

    users: dict[UUID, LockedUser]
    skipped: frozenset[UUID]


async def lock_step_users(conn: Connection, ids: Collection[UUID], *, wait: bool) -> Locked:
    """Locks the users of a batch.

    Args:
        conn: inside a transaction that has locked no user yet.
        ids: users of this shard, known or not.
        wait: True waits for each lock; False leaves what others hold in `skipped`.
    """
    users = await lock_users(conn, ids, wait=wait)
    missing = [id_ for id_ in ids if id_ not in users]
    if wait or not missing:
        return Locked(users, frozenset())
    return Locked(users, frozenset(await find_users(conn, missing)))
