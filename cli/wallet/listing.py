"""Lists: as many of one as a command was asked for."""

from typing import TypeVar

from client.pages import LIMIT_MAX, Listing

T = TypeVar("T")
LIMIT = 20
# Below a list that goes on.
MORE_NOTE = "... and more: --limit N or --all"


def page_size(limit: int, *, everything: bool) -> int:
    """How many items a page should have."""
    return LIMIT_MAX if everything else min(limit, LIMIT_MAX)


async def taken(listing: Listing[T], *, limit: int, everything: bool) -> tuple[list[T], bool]:
    """The first items, newest first, and whether there are more."""
    found: list[T] = []
    async for item in listing:
        if not everything and len(found) == limit:
            return found, True
        found.append(item)
    return found, False
