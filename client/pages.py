"""Lists, page by page or item by item."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from client.fields import Fields
from client.models import Shown

T = TypeVar("T")
LIMIT_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Shown, Generic[T]):
    """A page of a list; `next_cursor` is None on the last."""

    data: Sequence[T]
    next_cursor: str | None


def page_of(read: Callable[[Fields], T]) -> Callable[[Fields], Page[T]]:
    """Reads a page of what `read` reads."""

    def read_page(fields: Fields) -> Page[T]:
        return Page(
            data=fields.list("data", read),
            next_cursor=fields.text_or_none("next_cursor"),
            answer=fields.answer,
        )

    return read_page


class Listing(Generic[T]):
    """A list with its filters: `async for` goes over all of its items, whatever the pages.

    Nothing is asked for before that, each loop begins anew, and what is added to the list while
    it is read may be left out.

    Args:
        fetch: the page at this cursor; None is the first.
    """

    def __init__(self, fetch: Callable[[str | None], Awaitable[Page[T]]]) -> None:
        self._fetch = fetch

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.data:
                yield item

    async def pages(self) -> AsyncIterator[Page[T]]:
        """All pages, from the first."""
        page = await self._fetch(None)
        yield page
        while page.next_cursor is not None:
            page = await self._fetch(page.next_cursor)
            yield page

    async def page(self, cursor: str | None = None) -> Page[T]:
        """One page: the first, or that of a `next_cursor` of the same list."""
        return await self._fetch(cursor)
