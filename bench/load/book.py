"""What was due, what is accepted, what is over, and how long each took."""

from array import array
from collections import Counter

from bench.load.plan import LoadResult
from bench.measures.times import summary_ms

_PROBLEM_BYTES = 300


class Book:
    """The clients' view of a run.

    A notice may come before the answer that tells the transfer's id: then it is kept until the
    answer comes. Times are those of one clock that only goes forward.

    Args:
        window_start: transfers whose intended start is in the window are timed.
        window_end: end of the window.
    """

    def __init__(self, *, window_start: float, window_end: float) -> None:
        self._start = window_start
        self._end = window_end
        self._open: dict[str, float] = {}
        self._early: dict[str, float] = {}
        self._latencies = array("d")
        self._answers_s = array("d")
        self._answers: Counter[int] = Counter()
        self._problem: str | None = None
        self._refused = 0
        self._failed = 0
        self._due = 0
        self.unanswered = 0

    @property
    def under_way(self) -> int:
        """Transfers that were due, sent or not, and are not known to be over."""
        return self.unanswered + len(self._open)

    @property
    def failed(self) -> int:
        """Answers that should not be."""
        return self._failed

    def due(self, items: int, *, at: float) -> None:
        """Transfers are to go out, now or as soon as a client is free."""
        self.unanswered += items
        if self._start <= at < self._end:
            self._due += items

    def answered(self, items: int, *, since: float, at: float) -> None:
        """The answer to a request of so many transfers is there; each is one of those below."""
        self.unanswered -= items
        if self._start <= since < self._end:
            self._answers_s.append(at - since)

    def accepted(self, id_: str, *, since: float) -> None:
        """202: its end will be told by a notice, or was."""
        self._answers[202] += 1
        over_at = self._early.pop(id_, None)
        if over_at is None:
            self._open[id_] = since
        else:
            self._time(since, over_at)

    def completed(self, *, since: float, at: float) -> None:
        """201: the answer told of the end."""
        self._answers[201] += 1
        self._time(since, at)

    def refused(self, *, since: float, at: float) -> None:
        """422 as was meant: over with the answer."""
        self._answers[422] += 1
        self._refused += 1
        self._time(since, at)

    def failure(self, status: int, text: bytes) -> None:
        """An answer that should not be; 0 stands for none."""
        self._answers[status] += 1
        self._failed += 1
        if self._problem is None:
            shown = text[:_PROBLEM_BYTES].decode(errors="replace")
            self._problem = f"{status}: {shown}"

    def over(self, id_: str, *, at: float) -> None:
        """A notice tells that it is over."""
        since = self._open.pop(id_, None)
        if since is None:
            self._early[id_] = at
        else:
            self._time(since, at)

    def result(self) -> LoadResult:
        """All of it."""
        return LoadResult(
            answers={str(status): count for status, count in sorted(self._answers.items())},
            refused=self._refused,
            failed=self._failed,
            unfinished=self.under_way,
            problem=self._problem,
            latency_ms=summary_ms(self._latencies),
            answer_ms=summary_ms(self._answers_s),
            due=self._due,
        )

    def _time(self, since: float, at: float) -> None:
        if self._start <= since < self._end:
            self._latencies.append(at - since)
