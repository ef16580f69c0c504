"""`python -m e2e_tests.dying POINT`: a gateway or worker that kills itself (SIGKILL) at one point.

The product's code runs unchanged up to that point; nothing is cleaned up, as in a power cut.
"""

import os
import signal
import sys
from collections.abc import Callable

import gateway.__main__
import workers.__main__
from messaging.bounded import BoundedSender
from messaging.sender import KafkaSender
from workers.step_lanes import StepLanes


def _die(*_args: object, **_kwargs: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before_produce() -> int:
    """The debit is committed; its confirm is never sent."""
    KafkaSender.send = _die  # type: ignore[method-assign, assignment]
    return workers.__main__.main()


def _before_ack() -> int:
    """The debit is committed and its confirm sent; the try-confirm is not acked."""
    send = KafkaSender.send

    async def send_and_die(self: KafkaSender, messages: object) -> None:
        await send(self, messages)  # type: ignore[arg-type]
        _die()

    KafkaSender.send = send_and_die  # type: ignore[method-assign]
    return workers.__main__.main()


def _before_settle() -> int:
    """The verdict is committed; the payer's shard has not heard of it."""
    StepLanes._hand_to_settle = _die  # type: ignore[method-assign]
    return workers.__main__.main()


def _after_try() -> int:
    """The try is committed; neither Kafka nor the client hears of it."""
    BoundedSender.offer = _die  # type: ignore[method-assign, assignment]
    return gateway.__main__.main()


POINTS: dict[str, Callable[[], int]] = {
    "before-produce": _before_produce,
    "before-ack": _before_ack,
    "before-settle": _before_settle,
    "after-try": _after_try,
}

if __name__ == "__main__":
    sys.exit(POINTS[sys.argv[1]]())
