"""What has happened so far: counted while the transfers run, shown live, judged at the end."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from demo.plan import PlannedTransfer

_PROBLEMS_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A transfer that is over, as the client was told. A refused one has no id."""

    planned: PlannedTransfer
    status: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 99th percentile, in seconds."""

    p50: float
    p99: float


def spread(seconds: Sequence[float]) -> Spread | None:
    """The spread of these durations; None where there are none."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return Spread(ordered[round(last * 0.50)], ordered[round(last * 0.99)])


class Tally:
    """Counts of one run. `problems` holds what must not be; it is kept short.

    Attributes:
        sent: transfers that have an answer.
        ended: those that are over, refused ones included.
        checks: what was looked at, by what it was.
        accept_s: from the first try of a request to its 202.
        over_s: from held to over, by the database's clock.
    """

    def __init__(self, *, transfers: int) -> None:
        self.transfers = transfers
        self.sent = 0
        self.ended: list[Ended] = []
        self.statuses: Counter[str] = Counter()
        self.checks: Counter[str] = Counter()
        self.problems: list[str] = []
        self.problems_more = 0
        self.accept_s: list[float] = []
        self.over_s: list[float] = []
        self._since = time.monotonic()
        self._last = self._since

    @property
    def open(self) -> int:
        """Transfers that were accepted and are not known to be over: held or debited."""
        return self.sent - len(self.ended)

    @property
    def elapsed_s(self) -> float:
        """From the start to the last end."""
        return max(self._last - self._since, 0.001)

    @property
    def rate(self) -> float:
        """Ends per second."""
        return len(self.ended) / self.elapsed_s

    def begin(self) -> None:
        """The first transfer is about to be sent."""
        self._since = self._last = time.monotonic()

    def accept(self, *, after_s: float) -> None:
        """A transfer was accepted."""
        self.sent += 1
        self.accept_s.append(after_s)

    def refuse(self, planned: PlannedTransfer, *, code: str) -> None:
        """A transfer was refused at once: it is over, rejected."""
        self.sent += 1
        self._end(Ended(planned=planned, status="rejected", reason=code))

    def end(self, planned: PlannedTransfer, *, status: str, reason: str | None) -> None:
        """An accepted transfer is over."""
        self._end(Ended(planned=planned, status=status, reason=reason))

    def check(self, what: str, *, holds: bool, problem: str) -> None:
        """Counts something that was looked at, and notes it where it is not so."""
        self.checks[what] += 1
        if not holds:
            self.note(f"{what}: {problem}")

    def note(self, problem: str) -> None:
        """Something that must not be."""
        if len(self.problems) < _PROBLEMS_MAX:
            self.problems.append(problem)
        else:
            self.problems_more += 1

    def _end(self, ended: Ended) -> None:
        self.ended.append(ended)
        self.statuses[ended.status] += 1
        self._last = time.monotonic()
