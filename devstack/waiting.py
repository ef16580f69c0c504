"""The one place that polls: a condition, a deadline, and nothing that hides a race."""

import time
from collections.abc import Callable

_POLL_S = 0.02


def wait_until(condition: Callable[[], bool], *, timeout_s: float, poll_s: float = _POLL_S) -> bool:
    """Asks again and again until the condition holds or the time is over.

    Returns:
        Whether it came to hold; it is asked once more after the deadline.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return condition()
        time.sleep(poll_s)
    return True
