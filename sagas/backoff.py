"""How long to wait before trying again: exponential, capped, with jitter."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waits in seconds: `first_s`, doubled each time, at most `cap_s`.

    Jitter takes up to half of a wait away, so that what failed together comes back spread.
    """

    first_s: float
    cap_s: float
    jitter: Callable[[], float]

    def wait_s(self, attempt: int) -> float:
        """The wait after failed attempt number `attempt`, which counts from 1."""
        doubled = self.first_s * 2 ** min(attempt - 1, 30)
        return float(min(doubled, self.cap_s) * (1 - self.jitter() / 2))
