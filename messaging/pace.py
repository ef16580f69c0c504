"""How often something happens that costs the same for one message as for a hundred."""

import math


class Pace:
    """Once in `every_s` seconds over time; what was not used is saved, up to `saved_s`.

    Under load, what comes between two turns gathers. What comes now and then waits for nothing,
    also when it comes twice (a leaky bucket: the generic cell rate algorithm of ITU-T I.371).
    """

    def __init__(self, *, every_s: float, saved_s: float) -> None:
        self._every_s = every_s
        self._saved_s = saved_s
        # Whatever clock is used may have begun just now: the first turn is not early.
        self._due = -math.inf

    def early_s(self, now: float) -> float:
        """By how many seconds a turn at `now` would be too early; zero when it is not."""
        return max(0.0, self._due - now)

    def take(self, now: float) -> None:
        """Takes a turn at `now`, by the clock of all calls."""
        self._due = max(self._due, now - self._saved_s) + self._every_s
