"""How far a verification is, on standard error: a bar on a terminal, else a line now and then."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from typing_extensions import override

from audit.verified import Told

_LINE_EVERY_S = 5.0


@contextmanager
def shown_progress(*, quiet: bool) -> Iterator[Told]:
    """Who is to be told.

    Args:
        quiet: nothing is written without a terminal: a program reads what comes of it.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _nobody if quiet else Lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bars(progress)


class Lines:
    """A line every few seconds, of all shards together.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shards: dict[str, tuple[int, int]] = {}
        self._began = self._told = clock()

    def __call__(self, shard: str, rows: int, total: int) -> None:
        """Notes it, and writes a line if the last one is old enough."""
        self._shards[shard] = rows, max(rows, total)
        now = self._clock()
        if now - self._told < _LINE_EVERY_S:
            return
        self._told = now
        read, expected = map(sum, zip(*self._shards.values(), strict=True))
        print(
            f"[verify] {read:,} of {expected:,} rows; {read / (now - self._began):,.0f} rows/s",
            file=sys.stderr,
            flush=True,
        )


class _Bars:
    """A bar for each shard."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks = dict[str, TaskID]()

    def __call__(self, shard: str, rows: int, total: int) -> None:
        tasks, progress = self._tasks, self._progress
        if shard not in tasks:
            tasks[shard] = progress.add_task(shard, total=total)
        progress.update(tasks[shard], completed=rows, total=max(rows, total))


class _RateColumn(ProgressColumn):
    """Rows in a second."""

    @override
    def render(self, task: Task) -> Text:
        """The rate, once it is known."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} rows/s")


def _nobody(shard: str, rows: int, total: int) -> None:
    """Tells nobody."""
