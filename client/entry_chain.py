"""Verifies what the ledger shows: each entry by its hash, and each by the one after it."""

from client.entry_hash import FIRST_PREV_HASH, entry_hash
from client.errors import BrokenChainError
from client.ledger_models import Entry
from client.money import as_minor


class EntryChain:
    """The chains of a wallet's accounts, shown newest first, as lists are.

    Give it every entry of a list that leaves none out between two (no `kind`), then `end` where
    the list goes back to the beginning.

    Args:
        user_id: whose wallet it is.

    Attributes:
        entries: how many were seen.
    """

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self._oldest: dict[str, Entry] = {}
        self.entries = 0

    def see(self, entry: Entry) -> None:
        """Takes the next one.

        Raises:
            BrokenChainError: it is not what its hash says, or the one after it does not follow it.
        """
        wrong = _wrong_in(entry, self._user_id)
        newer = self._oldest.get(entry.currency)
        if wrong is not None:
            raise _broken(entry, wrong)
        if newer is not None and (wrong := _wrong_between(entry, newer)) is not None:
            raise _broken(newer, wrong)
        self._oldest[entry.currency] = entry
        self.entries += 1

    def end(self) -> None:
        """The list has ended: every account must have been seen from its first entry.

        Raises:
            BrokenChainError: an account begins with another one.
        """
        for first in self._oldest.values():
            if first.seq != 1:
                raise _broken(first, "the entries before it are missing")
            if first.prev_hash != FIRST_PREV_HASH or as_minor(first.balance_before) != 0:
                raise _broken(first, "it is the first, and does not begin at nothing")


def _wrong_in(entry: Entry, user_id: str) -> str | None:
    if entry_hash(entry, user_id=user_id) != entry.hash:
        return "its hash is not that of what is shown"
    before, after = as_minor(entry.balance_before), as_minor(entry.balance_after)
    if before + as_minor(entry.amount) != after or after < 0:
        return "its balances do not differ by its amount"
    return None


def _wrong_between(older: Entry, newer: Entry) -> str | None:
    if newer.seq != older.seq + 1:
        return f"it follows entry {older.seq}"
    if newer.prev_hash != older.hash:
        return "its prev_hash is not the hash of the entry before it"
    if newer.balance_before != older.balance_after:
        return "it does not begin with the balance that the entry before it left"
    return None


def _broken(entry: Entry, why: str) -> BrokenChainError:
    return BrokenChainError(entry.currency, entry.seq, entry.hash, why=why)
