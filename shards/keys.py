"""Idempotency keys: one per (wallet, caller) across everything that moves or reserves money."""

from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from shards.records import record


class KeyOf(NamedTuple):
    """Whose key it is: the wallet, who called, and the key itself."""

    wallet_id: UUID
    caller: str
    key: str


class KeyOwner(StrEnum):
    """The table whose row the key belongs to."""

    TRANSFER = "transfer"
    MOVEMENT = "movement"
    HOLD = "hold"


@record(kw_only=False)
class UsedKey:
    """What a key was used for: the row, and the fingerprint of its request."""

    owner: KeyOwner
    id: UUID
    fingerprint: bytes
