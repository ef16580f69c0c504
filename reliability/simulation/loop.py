"""An event loop whose time stands still until it is told to go on."""

import asyncio
import selectors
from collections.abc import Callable, Iterable
from heapq import heappush
from time import monotonic
from typing import Any

from typing_extensions import override

_BEGIN_S = 1_000.0


class _Selector(selectors.DefaultSelector):
    """Waits for sockets; and, when it is told to, for real time."""

    def __init__(self) -> None:
        super().__init__()
        self.until: float | None = None
        self.reached: Callable[[], None] = lambda: None

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            # Something can run already: sockets wait until nothing can, which saves a system call
            # for each turn of the loop.
            return []
        if self.until is None:
            return super().select(timeout)
        left_s = max(0.0, self.until - monotonic())
        found = super().select(left_s if timeout is None else min(timeout, left_s))
        if monotonic() >= self.until:
            self.until = None
            self.reached()
        return found


class _Timer(asyncio.TimerHandle):
    """The loop leaves the order of timers of one moment to chance: here it is first come, first."""

    __slots__ = ("turn",)
    turn: int

    @override
    def __lt__(self, other: object) -> bool:
        assert isinstance(other, _Timer)
        return (self.when(), self.turn) < (other.when(), other.turn)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Timers fire when `advance_to` reaches them; sockets work as ever.

    So every timeout, backoff and watchdog of the engine runs on simulated time, and a statement
    that takes the real server a while takes no simulated time at all.
    """

    def __init__(self) -> None:
        self._now_s = _BEGIN_S
        self._turn = 0
        self._real = _Selector()
        super().__init__(self._real)

    @override
    def time(self) -> float:
        return self._now_s

    @override
    def call_at(  # type: ignore[override] # typeshed's pairs the callback with its arguments
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        self._turn += 1
        timer = _Timer(when, callback, args, self, context)
        timer.turn = self._turn
        # As the loop does it with its own kind.
        timer._scheduled = True  # type: ignore[attr-defined] # noqa: SLF001
        heappush(self._scheduled, timer)  # type: ignore[attr-defined]
        return timer

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
        self._turn = 0
        self._now_s = _BEGIN_S

    @property
    def elapsed_s(self) -> float:
        """Simulated time since the beginning."""
        return self._now_s - _BEGIN_S

    async def wait_really(self, futures: Iterable["asyncio.Future[Any]"], *, for_s: float) -> None:
        """Returns when one of the futures is done, or after so many real seconds."""
        over = self.create_future()

        def reached() -> None:
            if not over.done():
                over.set_result(None)

        self._real.reached = reached
        self._real.until = monotonic() + for_s
        try:
            await asyncio.wait([*futures, over], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._real.until = None
            over.cancel()

    async def settle(self) -> None:
        """Returns when nothing can run any more without a timer, a socket, or us."""
        await asyncio.sleep(0)
        ready: Any = self._ready  # type: ignore[attr-defined]
        while ready:  # noqa: ASYNC110 - there is nothing to be told by
            await asyncio.sleep(0)
