"""The entries of a wallet."""

from collections.abc import AsyncIterator
from datetime import datetime

from client import operations
from client.entry_chain import EntryChain
from client.ledger_models import Entry
from client.models import EntryKind
from client.pages import LIMIT_MAX, Listing
from client.requests import make
from client.scope import Scope


class Entries:
    """The ledger of a session's wallet. Every method raises what `Caller.call` does."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def list(
        self,
        *,
        currency: str | None = None,
        kind: EntryKind | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = LIMIT_MAX,
    ) -> Listing[Entry]:
        """Newest first, with `since` <= at < `until`."""
        filters = {"currency": currency, "kind": kind, "since": since, "until": until}
        return self._scope.listing(
            operations.LIST_ENTRIES, Entry.read, filters=filters, limit=limit
        )

    async def get(self, hash_: str) -> Entry:
        """The entry with this hash."""
        return await self._scope.call(make(operations.GET_ENTRY, {"hash": hash_}), Entry.read)

    async def verified(
        self, *, currency: str | None = None, limit: int = LIMIT_MAX
    ) -> AsyncIterator[Entry]:
        """All entries, newest first, each verified before it is given.

        Who has gone through all of them knows that each is what its hash says, that each account
        goes back to its first entry without a gap, and that the balances add up.

        Raises:
            BrokenChainError: with the entry that is not so, as soon as it is seen.
        """
        chain = EntryChain(self._scope.user_id)
        async for entry in self.list(currency=currency, limit=limit):
            chain.see(entry)
            yield entry
        chain.end()
