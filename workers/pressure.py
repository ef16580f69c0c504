"""Which partitions are held back, and by which lanes: one that is let go may be held by another."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from faust.types import TP


class Pausable(Protocol):
    """What this module needs of a `SafeConsumer`."""

    def pause(self, partitions: Iterable[TP]) -> None:
        """Stops fetching from partitions."""
        ...

    def resume(self, partitions: Iterable[TP]) -> None:
        """Undoes `pause`."""
        ...


class Pressure:
    """Pauses a partition while any lane holds it back.

    Args:
        consumer: the one that is asked when it comes to it; Faust makes it when it starts.
    """

    def __init__(self, consumer: Callable[[], Pausable]) -> None:
        self._consumer = consumer
        self._holders: dict[TP, set[str]] = defaultdict(set)

    def change(self, lane: str, partitions: Collection[TP], *, full: bool) -> None:
        """A lane got full, or has room again; it always names the same partitions."""
        if full:
            for partition in partitions:
                self._holders[partition].add(lane)
            self._consumer().pause(partitions)
            return
        for partition in partitions:
            self._holders[partition].discard(lane)
        free = {partition for partition in partitions if not self._holders[partition]}
        self._consumer().resume(free)
