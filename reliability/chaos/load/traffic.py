"""Requests at a steady rate, however slow the answers are, and an orderly end."""

import asyncio
import time

from reliability.chaos.load.asking import Asking
from reliability.chaos.load.workloads import Workload, Workloads

# Enough for all who wait for one shard through its longest outage: the others go on meanwhile.
_AT_ONCE_MAX = 2_500
_TICK_S = 0.02


class Traffic:
    """Begins `rate` workloads a second; a client is busy until its workload has ended."""

    def __init__(self, workloads: Workloads, asking: Asking, *, rate: float) -> None:
        self._workloads = workloads
        self._asking = asking
        self._rate = rate
        self._idle = list(range(1, _AT_ONCE_MAX + 1))
        self._busy: set[asyncio.Task[None]] = set()
        self.skipped = 0
        self.errors: list[str] = []

    async def run(self) -> None:
        """Until it is cancelled; what is under way then goes on."""
        began = time.monotonic()
        due = 0
        while True:
            wanted = int((time.monotonic() - began) * self._rate)
            # What could not be begun in time is left out: a flood afterwards is another test.
            for _ in range(min(wanted - due, int(self._rate))):
                self._begin(self._workloads.next())
            due = wanted
            await asyncio.sleep(_TICK_S)

    async def end(self, *, within_s: float) -> None:
        """Waits for what is under way; what is left after `within_s` gives up."""
        if self._busy:
            await asyncio.wait(self._busy, timeout=within_s)
        self._asking.give_up.set()
        if self._busy:
            await asyncio.wait(self._busy, timeout=20.0)
        for task in self._busy:
            task.cancel()

    def _begin(self, workload: Workload) -> None:
        if not self._idle:
            self.skipped += 1
            return
        task = asyncio.create_task(self._carry_out(workload, self._idle.pop()))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _carry_out(self, workload: Workload, client: int) -> None:
        try:
            await workload(client)
        # A client that meets an answer it cannot read has found something; the others go on.
        except Exception as error:  # noqa: BLE001
            self.errors.append(f"{getattr(workload, '__name__', workload)}: {error!r}")
        finally:
            self._idle.append(client)
