"""What of answers waits to be fetched: of all clients together, and of one address."""

from collections import Counter


class Unsent:
    """How many bytes of answers wait to be fetched.

    Args:
        most: of all clients together.
        of_address: of one address; who has none, a proxy of ours, has as many as there are.
    """

    def __init__(self, *, most: int, of_address: int) -> None:
        self._free = most
        self._part = of_address
        self._of_address: Counter[str] = Counter()

    def take(self, address: str | None, size: int) -> bool:
        """Counts so many more of this address, if there is room for them."""
        if size > self._free:
            return False
        if address is not None:
            if self._of_address[address] + size > self._part:
                return False
            self._of_address[address] += size
        self._free -= size
        return True

    def give_back(self, address: str | None, size: int) -> None:
        """Ends what `take` has counted."""
        self._free += size
        if address is not None:
            self._of_address[address] -= size
            if not self._of_address[address]:
                del self._of_address[address]
