"""The line of a case: what was measured, as one JSON object."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.cases import Case
from bench.load.plan import LoadResult
from bench.measures.growth import Grown
from bench.measures.machine import FOREIGN_CORES_MAX, foreign_cores
from bench.measures.window import Sample

# The backlog may be larger at the end by this share of what was completed, or by what it differs
# anyhow (see Shape.growth_max), whichever is more: more than that is a system that falls behind.
BACKLOG_GROWTH_MAX = 0.02
# Over a long run: private memory of a process in percent, and the backlog in seconds of work.
MEMORY_GROWTH_MAX_PERCENT = 2.0
LAG_GROWTH_MAX_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run of a case.

    Attributes:
        case: what was run.
        begin: when the window began.
        end: when it ended.
        ended: transfers that ended in it by status, counted in the databases.
        load: what the clients saw.
        foreign_before: cores that others used before the load.
        left: transfers that were open when the wait for the rest was over.
        items_per_batch: by step.
        grown: memory and backlog, where that was looked for.
    """

    case: Case
    begin: Sample
    end: Sample
    ended: Counter[str]
    load: LoadResult
    foreign_before: float
    left: int
    items_per_batch: Mapping[str, float]
    grown: Grown | None

    @property
    def completed(self) -> int:
        """Transfers that went through the whole saga in the window."""
        return self.ended["completed"]

    @property
    def seconds(self) -> float:
        """Length of the window, by the databases' clock."""
        return (self.end.totals.now - self.begin.totals.now).total_seconds()

    @property
    def foreign_during(self) -> float:
        """Cores that others used in the window."""
        ours = sum(self.end.cpu.values()) - sum(self.begin.cpu.values())
        busy = self.end.busy_s - self.begin.busy_s
        return foreign_cores(busy_s=busy, ours_s=ours, seconds=self.end.at - self.begin.at)

    @property
    def is_loaded(self) -> bool:
        """Whether somebody else used the machine."""
        return max(self.foreign_before, self.foreign_during) > FOREIGN_CORES_MAX

    @property
    def behind(self) -> int:
        """Of an open loop: what was due in the window, less what got over in it.

        When the system is slow, requests wait in the clients and are in no backlog of its own.
        """
        return 0 if self.case.shape.rate is None else self.load.due - self.ended.total()

    @property
    def is_steady(self) -> bool:
        """Whether the backlog did not grow over the window, nor what waits in the clients."""
        return not any(self._lagging.values())

    @property
    def _lagging(self) -> dict[str, bool]:
        begin, end = self.begin.backlog, self.end.backlog
        most = max(self.case.shape.growth_max, BACKLOG_GROWTH_MAX * self.completed)
        return {
            f"the backlog grew from {begin} to {end}": end - begin > most,
            f"{self.behind} of {self.load.due} that were due did not get over": self.behind > most,
        }

    @property
    def _growing(self) -> dict[str, bool]:
        if self.grown is None:
            return {}
        rate = self.completed / self.seconds
        checks = {
            f"the memory of {name} grew by {percent} %": percent >= MEMORY_GROWTH_MAX_PERCENT
            for name, percent in self.grown.memory_percent.items()
        }
        lag = f"the backlog grew by {self.grown.backlog}"
        return {**checks, lag: self.grown.backlog > LAG_GROWTH_MAX_S * rate}

    @property
    def problem(self) -> str | None:
        """Why the run does not count, if it does not."""
        gone = self.ended["cancelled"] + self.ended["refunded"]
        checks = {
            f"{self.load.failed} requests failed, first: {self.load.problem}": self.load.failed,
            f"{gone} transfers were cancelled or refunded": gone,
            f"{self.left} transfers did not end": self.left,
            f"{self.load.unfinished} ends were never told": self.load.unfinished,
            **self._lagging,
            "nothing was completed": not self.completed,
            **self._growing,
        }
        found = [text for text, is_so in checks.items() if is_so]
        return "; ".join(found) or None


def figures(measured: Measured) -> dict[str, Any]:
    """The part of the line that was measured."""
    begin, end, done = measured.begin, measured.end, measured.completed
    per = max(done, 1)
    return {
        "seconds": round(measured.seconds, 3),
        "completed": done,
        "completed_per_s": round(done / measured.seconds, 1),
        "refused": measured.ended["rejected"],
        "failed": measured.load.failed,
        "backlog_start": begin.backlog,
        "backlog_end": end.backlog,
        "is_steady": measured.is_steady,
        "is_loaded": measured.is_loaded,
        "foreign_cores": [measured.foreign_before, measured.foreign_during],
        "latency_ms": measured.load.latency_ms,
        "answer_ms": measured.load.answer_ms,
        "cpu_ms_per_transfer": {
            role.value: round((end.cpu[role] - begin.cpu[role]) * 1000 / per, 4) for role in end.cpu
        },
        "per_transfer": {
            "commits": round((end.totals.commits - begin.totals.commits) / per, 3),
            "messages": round((end.messages - begin.messages) / per, 3),
            "wal_bytes": round((end.totals.wal_bytes - begin.totals.wal_bytes) / per),
        },
        "items_per_batch": measured.items_per_batch,
        "memory_growth_percent": measured.grown.memory_percent if measured.grown else None,
        "memory_mib": {name: [began, end.memory[name]] for name, began in begin.memory.items()},
    }
