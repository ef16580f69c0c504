"""An event loop whose time stands still until it is told to go on."""

import asyncio
from typing import Any

from typing_extensions import override

_BEGIN_S = 1_000.0
_TIE_S = 1e-9


class VirtualLoop(asyncio.SelectorEventLoop):
    """Timers fire when `advance_to` reaches them; sockets work as ever.

    So every timeout, backoff and watchdog of the engine runs on simulated time, and a statement
    that takes the real server a while takes no simulated time at all.
    """

    def __init__(self) -> None:
        self._now_s = _BEGIN_S
        self._timers = 0
        super().__init__()

    @override
    def time(self) -> float:
        return self._now_s

    @override
    def call_at(  # type: ignore[override] # typeshed's pairs the callback with its arguments
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        # The loop leaves the order of timers of one moment to chance: here it is first come, first.
        self._timers += 1
        return super().call_at(when + self._timers * _TIE_S, callback, *args, context=context)

    def next_timer_at(self) -> float | None:
        """When the next timer is due; None if there is none."""
        # The loop keeps its timers private; a cancelled one stays among them for a while.
        timers: list[Any] = self._scheduled  # type: ignore[attr-defined]
        return min((t.when() for t in timers if not t.cancelled()), default=None)

    def advance_to(self, when: float) -> None:
        """Lets time reach `when`; never back."""
        self._now_s = max(self._now_s, when)

    def begin_again(self) -> None:
        """Sets time back; nothing of an earlier run may be waiting for it."""
        assert self.next_timer_at() is None, "something of an earlier run is still waiting"
        self._scheduled.clear()  # type: ignore[attr-defined]
        self._timer_cancelled_count = 0
        self._timers = 0
        self._now_s = _BEGIN_S

    @property
    def elapsed_s(self) -> float:
        """Simulated time since the beginning."""
        return self._now_s - _BEGIN_S

    async def settle(self) -> None:
        """Returns when nothing can run any more without a timer, a socket, or us."""
        await asyncio.sleep(0)
        ready: Any = self._ready  # type: ignore[attr-defined]
        while ready:  # noqa: ASYNC110 - there is nothing to be told by
            await asyncio.sleep(0)
