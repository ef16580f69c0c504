"""The same key, the same result: what a key was used for, in the database and in this batch."""

from uuid import UUID

from shards.keys import KeyOf, KeyOwner, UsedKey


class KeyReusedError(Exception):
    """The key stands for another request."""


class KeyBook:
    """The keys of one batch, read under the wallets' locks."""

    def __init__(self, used: dict[KeyOf, UsedKey]) -> None:
        self._used = used

    def ids_of(self, owner: KeyOwner) -> list[UUID]:
        """Rows of `owner` that the keys stand for."""
        return [used.id for used in self._used.values() if used.owner is owner]

    def earlier(self, key: KeyOf, *, owner: KeyOwner, fingerprint: bytes) -> UUID | None:
        """The row of `owner` that this very request made before; None when the key is new.

        Raises:
            KeyReusedError: the key was used for another request.
        """
        used = self._used.get(key)
        if used is None:
            return None
        if (used.owner, used.fingerprint) != (owner, fingerprint):
            raise KeyReusedError(key.key)
        return used.id

    def use(self, key: KeyOf, *, owner: KeyOwner, id_: UUID, fingerprint: bytes) -> None:
        """Says that a row of this batch has the key."""
        self._used[key] = UsedKey(owner, id_, fingerprint)
