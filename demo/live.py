"""What a person sees while the transfers run: a live panel, or plain lines without a terminal."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from demo.tally import Spread, Tally, spread

_REFRESH_S = 0.25
_LINE_S = 2.0
_STATUSES = ("completed", "rejected", "cancelled", "refunded")


class Rate:
    """Ends per second, over the time since it was asked last."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._ended = 0
        self._at = time.monotonic()

    def now(self) -> float:
        """The rate since the last call."""
        ended, at = len(self._tally.ended), time.monotonic()
        rate = (ended - self._ended) / max(at - self._at, 0.001)
        self._ended, self._at = ended, at
        return rate


@asynccontextmanager
async def shown(console: Console, tally: Tally) -> AsyncIterator[None]:
    """Shows the tally while the block runs, and once more at its end."""
    if not console.is_terminal:
        async with _repeatedly(lambda rate: print(line(tally, rate), flush=True), tally, _LINE_S):
            yield
        return
    with Live(console=console, auto_refresh=False) as live:
        show = partial(_refresh, live, tally)
        async with _repeatedly(show, tally, _REFRESH_S):
            yield


def _refresh(live: Live, tally: Tally, rate: float) -> None:
    live.update(panel(tally, rate), refresh=True)


@asynccontextmanager
async def _repeatedly(
    show: Callable[[float], None], tally: Tally, every_s: float
) -> AsyncIterator[None]:
    rate = Rate(tally)

    async def keep_showing() -> None:
        while True:
            await asyncio.sleep(every_s)
            show(rate.now())

    task = asyncio.create_task(keep_showing())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        show(tally.rate)


def line(tally: Tally, rate: float) -> str:
    """The tally as one line."""
    statuses = ", ".join(f"{tally.statuses[status]:,} {status}" for status in _STATUSES)
    return (
        f"[demo] {len(tally.ended):,} of {tally.transfers:,} over: {statuses};"
        f" {tally.open:,} open; {rate:,.0f}/s;"
        f" accepted in {_ms(spread(tally.accept_s))}, over in {_ms(spread(tally.over_s))}"
    )


def panel(tally: Tally, rate: float) -> RenderableType:
    """The tally as a table below a bar."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    counted = {"sent": tally.sent, "open": tally.open, **{s: tally.statuses[s] for s in _STATUSES}}
    for name in counted:
        table.add_column(name, justify="right")
    table.add_row(*(f"{count:,}" for count in counted.values()))
    latencies = (
        f"{rate:,.0f}/s; accepted in {_ms(spread(tally.accept_s))},"
        f" over in {_ms(spread(tally.over_s))} (median/99 %)"
    )
    rows = Table.grid()
    rows.add_row(ProgressBar(total=max(tally.transfers, 1), completed=len(tally.ended), width=60))
    rows.add_row(table)
    rows.add_row(latencies)
    return rows


def _ms(found: Spread | None) -> str:
    return "-" if found is None else f"{found.p50 * 1000:,.0f}/{found.p99 * 1000:,.0f} ms"
