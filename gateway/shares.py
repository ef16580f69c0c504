"""Something there is so much of, and so much of it for one: what is taken is given back."""

from collections import Counter
from collections.abc import Hashable
from typing import Generic, TypeVar

_KeyT = TypeVar("_KeyT", bound=Hashable)


class Shares(Generic[_KeyT]):
    """Counts what is taken, of all together and of each. It is for one thread at a time.

    Args:
        most: of all together; None: of each only.
        of_one: of one; who has no key, a proxy of ours for example, has as much as there is.
    """

    def __init__(self, *, most: int | None, of_one: int) -> None:
        self._free = most
        self._of_one = of_one
        self._taken: Counter[_KeyT] = Counter()

    def take(self, key: _KeyT | None, size: int = 1) -> bool:
        """Takes so much, if there is room for it; otherwise nothing is counted."""
        if not size:
            # Nothing is kept of who has nothing: there are many of them.
            return True
        if self._free is not None and size > self._free:
            return False
        if key is not None:
            if self._taken[key] + size > self._of_one:
                return False
            self._taken[key] += size
        if self._free is not None:
            self._free -= size
        return True

    def give_back(self, key: _KeyT | None, size: int = 1) -> None:
        """Ends what `take` has counted."""
        if self._free is not None:
            self._free += size
        if key is not None:
            self._taken[key] -= size
            if not self._taken[key]:
                del self._taken[key]
