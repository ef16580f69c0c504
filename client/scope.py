"""On whose behalf calls are made: a token, and the wallet that they are about."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from client.calls import Caller
from client.fields import Fields
from client.operations import Operation
from client.pages import LIMIT_MAX, Listing, Page, page_of
from client.requests import Request, make
from client.retries import Retries

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scope:
    """A token and a wallet.

    Attributes:
        caller: makes the calls.
        token: who asks.
        user_id: whose wallet it is.
    """

    caller: Caller
    token: str = field(repr=False)
    user_id: str

    async def call(
        self, request: Request, read: Callable[[Fields], T], *, retries: Retries | None = None
    ) -> T:
        """`Caller.call`, with the token."""
        return await self.caller.call(request.by(self.token), read, retries=retries)

    def listing(
        self,
        operation: Operation,
        read: Callable[[Fields], T],
        *,
        filters: Mapping[str, object],
        limit: int = LIMIT_MAX,
    ) -> Listing[T]:
        """A list about this wallet.

        Args:
            operation: of the list.
            read: reads an item.
            filters: of the query, without what is None.
            limit: items of a page.
        """
        path = {"user_id": self.user_id}
        read_page = page_of(read)

        async def fetch(cursor: str | None) -> Page[T]:
            query = {**filters, "limit": limit, "cursor": cursor}
            return await self.call(make(operation, path, query=query), read_page)

        return Listing(fetch)
