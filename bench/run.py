"""One run: cases and floors, each made, measured, audited, and gone again."""

import asyncio
import json
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from statistics import mean
from typing import Any

from bench.cases import Case, Mode
from bench.floor import run_floor
from bench.measure import measure
from bench.measures.machine import (
    FOREIGN_CORES_MAX,
    ForeignCores,
    commit,
    load_average,
    this_machine,
    versions,
)
from bench.measures.processes import cpu_seconds
from bench.record import figures
from bench.stack.servers import Servers
from bench.stack.shards import PREFIX
from bench.stack.system import AuditFailedError, System, running_system
from bench.summary import floor_summary, summary
from devstack.progress import Progress

Line = dict[str, Any]
_FLOOR_RANDOM = "floor-random"
_LOOK_S = 2.0


@dataclass(slots=True, kw_only=True)
class Run:
    """What all cases of one call share, and what they have shown so far.

    Attributes:
        name: its time.
        command: how it was called.
        servers: what runs all the time.
        settings: of the product, over its defaults.
        progress: told what happens.
        write: given each line as it comes.
        about: versions and machine, as in each line.
        lines: all lines so far.
    """

    name: str
    command: str
    servers: Servers
    settings: Mapping[str, str]
    progress: Progress
    write: Callable[[str], object]
    about: Line = field(
        default_factory=lambda: {
            "commit": commit(),
            "versions": versions(),
            "machine": asdict(this_machine()),
        }
    )
    lines: list[Line] = field(default_factory=list)

    @property
    def best_rate(self) -> float:
        """Transfers per second of the best closed loop so far that counts; 0 without one."""
        rates = [
            line["completed_per_s"]
            for line in self.lines
            if "shape" in line and line["shape"]["mode"] == Mode.POST and not line["problem"]
        ]
        return max(rates, default=0.0)

    @property
    def floor(self) -> float | None:
        """Transfers per second of the floor with random pairs, over those run so far."""
        rates = [
            line["transfers_per_s"] for line in self.lines if line["case"].startswith(_FLOOR_RANDOM)
        ]
        return mean(rates) if rates else None

    def measure_floor(self, when: str, *, hot: bool, seconds: int) -> None:
        """What PostgreSQL alone does; `when` is `before` or `after`.

        Raises:
            FloorError: it says nothing.
        """
        since = time.monotonic()
        line = self._head(f"{'floor-hot' if hot else _FLOOR_RANDOM}-{when}")
        before = ForeignCores(self._floor_cpu_s)
        time.sleep(_LOOK_S)
        cores = [before.so_far()]
        during = ForeignCores(self._floor_cpu_s)
        found = asyncio.run(run_floor(self.servers.postgres, hot=hot, seconds=seconds))
        cores.append(during.so_far())
        line |= {
            "load_after": load_average(),
            "is_loaded": max(cores) > FOREIGN_CORES_MAX,
            "foreign_cores": cores,
            "transfers_per_s": round(found.transfers_per_s, 1),
            "cpu_ms_per_transfer": {
                role: round(ms, 4) for role, ms in asdict(found.cpu_ms_per_transfer).items()
            },
        }
        self._done(line, floor_summary(line), since=since)

    def measure_case(self, case: Case) -> Line:
        """Runs a case; returns its line, which says whether it counts.

        Raises:
            DevstackError: something could not be started; its text says what to do.
            MeasureError: it has no figures.
        """
        case = self.with_rate(case)
        since = time.monotonic()
        line = self._head(case.name) | {"seed": case.seed}
        line["shape"] = asdict(case.shape)
        self.progress.say(_spelled(case))
        with running_system(
            case,
            f"{PREFIX}{len(self.lines)}",
            servers=self.servers,
            settings=self.settings,
            progress=self.progress,
        ) as system:
            measured = asyncio.run(measure(system, case, say=self.progress.say))
            line |= {"load_after": load_average(), **figures(measured)}
            failed = self._failed_audit(system)
        line["audit"] = "failed" if failed else "ok"
        line["problem"] = "; ".join(filter(None, (measured.problem, failed))) or None
        self._done(line, summary(line, floor=self.floor), since=since)
        return line

    def _floor_cpu_s(self) -> float:
        """Of all that a floor needs: the servers, this process, and pgbench when it has ended."""
        servers = self.servers.postgres.pid, self.servers.kafka.pid
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (
            sum(map(cpu_seconds, servers)) + time.process_time() + ended.ru_utime + ended.ru_stime
        )

    def with_rate(self, case: Case) -> Case:
        """The case with its rate, where that is a share of the best one.

        Raises:
            ValueError: no closed loop has shown one.
        """
        if case.share_of_best is None:
            return case
        rate = round(case.share_of_best * self.best_rate, 1)
        if not rate:
            raise ValueError(f"{case.name} takes its rate from closed loops, and none has counted")
        return replace(case, shape=replace(case.shape, rate=rate))

    def _failed_audit(self, system: System) -> str | None:
        try:
            system.audit()
        except AuditFailedError as error:
            self.progress.say(str(error))
            return "the audit failed"
        return None

    def _head(self, case: str) -> Line:
        return {
            "run": self.name,
            "case": case,
            "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "command": self.command,
            **self.about,
            "load_before": load_average(),
        }

    def _done(self, line: Line, summed_up: str, *, since: float) -> None:
        self.lines.append(line)
        self.write(json.dumps(line))
        self.progress.done(summed_up, since=since)


def _spelled(case: Case) -> str:
    shape = case.shape
    rate = f" at {shape.rate:g}/s" if shape.rate is not None else ""
    which = f", round {case.round}" if case.round is not None else ""
    return (
        f"{case.name}{which}: {shape.mode} of {shape.clients} clients{rate}, {shape.workload};"
        f" {shape.shards} shards, {shape.workers} workers, {shape.buckets} buckets,"
        f" {shape.entries:,} entries"
    )
