"""Which of the wallets that close is the next to close, and which have closed."""

import random
from collections import deque
from collections.abc import Sequence

from reliability.chaos.load.cast import Member

_RECENT = 20
# Of payments, those to a wallet that has closed already.
_TOO_LATE_SHARE = 0.15


class Doorway:
    """Tells the clients whom to pay, so that something is on its way to whoever closes.

    Args:
        doors: payees whose wallets close one after another.
        rng: decides whom.
    """

    def __init__(self, doors: Sequence[Member], *, rng: random.Random) -> None:
        self._doors = doors
        self._rng = rng
        self._closing: list[Member] = []
        self._closed: deque[Member] = deque(maxlen=_RECENT)

    def begin(self, door: Member) -> None:
        """It is to close next."""
        self._closing.append(door)

    def end(self, door: Member) -> None:
        """It has closed, or could not."""
        self._closing.remove(door)
        self._closed.append(door)

    def next(self) -> Member:
        """One that is to close next; any while there is none."""
        return self._rng.choice(self._closing or self._doors)

    def payee(self) -> Member:
        """One that is to close next, or sometimes one that has closed a while ago."""
        if self._closed and self._rng.random() < _TOO_LATE_SHARE:
            return self._rng.choice(self._closed)
        return self.next()
