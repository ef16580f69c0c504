"""Idempotency keys: one per (wallet, caller) across everything that moves or reserves money."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from shards.connection import Connection
from shards.statements import load_statements

_SQL = load_statements("keys")


class KeyOf(NamedTuple):
    """Whose key it is: the wallet, who called, and the key itself."""

    wallet_id: UUID
    caller: str
    key: str


class KeyOwner(StrEnum):
    """The table whose row the key belongs to."""

    TRANSFER = "transfer"
    MOVEMENT = "movement"


@dataclass(frozen=True, slots=True)
class UsedKey:
    """What a key was used for: the row, and the fingerprint of its request."""

    owner: KeyOwner
    id: UUID
    fingerprint: bytes


async def find_keys(conn: Connection, keys: Collection[KeyOf]) -> dict[KeyOf, UsedKey]:
    """The keys among `keys` that are used; under the wallets' locks that cannot change."""
    asked = list(keys)
    rows = await conn.fetch(
        _SQL["find_keys"],
        [key.wallet_id for key in asked],
        [key.caller for key in asked],
        [key.key for key in asked],
    )
    return {
        KeyOf(row["wallet_id"], row["caller"], row["idempotency_key"]): UsedKey(
            KeyOwner(row["owner"]), row["id"], row["fingerprint"]
        )
        for row in rows
    }
