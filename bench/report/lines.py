"""The lines of a run, read strictly: what is not as it should be is an error and no figure."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_PER_S = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_LoadAverage = tuple[_Amount, _Amount, _Amount]

FLOOR = Literal["floor-random-before", "floor-hot-before", "floor-random-after", "floor-hot-after"]


class LineError(Exception):
    """A file of results that cannot be read, with the line."""


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class MachineInfo(_Model):
    """What figures depend on; two runs are compared only if cpu, cores and memory are the same."""

    cpu: str
    cores: int
    memory_gib: int
    kernel: str

    @property
    def name(self) -> str:
        """What it is called in a report."""
        return f"{self.cpu}, {self.cores} cores, {self.memory_gib} GiB"


class Shape(_Model):
    """The system of a case, and the load on it."""

    mode: Literal["post", "wait", "open", "batch"]
    clients: int
    rate: _PER_S | None
    workload: str
    shards: int
    workers: int
    buckets: int
    entries: int
    users: int


class Percentiles(_Model):
    """Milliseconds."""

    p50: _Amount
    p90: _Amount
    p99: _Amount
    max: _Amount


class PerTransfer(_Model):
    """What one transfer took, on the average."""

    commits: _Amount
    messages: _Amount
    wal_bytes: _Amount


class _Line(_Model):
    run: str
    at: datetime
    commit: str = "unknown"
    command: str = "unknown"
    versions: dict[str, str]
    machine: MachineInfo
    load_before: _LoadAverage
    load_after: _LoadAverage
    is_loaded: bool
    foreign_cores: tuple[_Amount, _Amount] | None = None


class FloorLine(_Line):
    """PostgreSQL alone, driven by pgbench."""

    case: FLOOR
    transfers_per_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    cpu_ms_per_transfer: dict[str, _Amount]


class CaseLine(_Line):
    """One run of one case.

    `failure` says why it does not count; whoever shows a figure of a case asks it first.
    """

    case: str
    seed: int
    shape: Shape
    seconds: _Amount
    completed: int
    completed_per_s: _PER_S
    refused: int
    failed: int
    backlog_start: int
    backlog_end: int
    is_steady: bool
    latency_ms: Percentiles | None
    answer_ms: Percentiles | None
    cpu_ms_per_transfer: dict[str, _Amount]
    per_transfer: PerTransfer
    items_per_batch: dict[str, _Amount] | None
    memory_mib: dict[str, tuple[_Amount, _Amount]]
    memory_growth_percent: dict[str, float] | None = None
    audit: Literal["ok", "failed"]
    problem: str | None

    @property
    def failure(self) -> str | None:
        """Why this run does not count: told by the run, or plain from its own figures."""
        if self.problem is not None:
            return self.problem
        found = {
            "the audit failed": self.audit != "ok",
            f"{self.failed} requests failed": self.failed > 0,
            f"the backlog grew from {self.backlog_start} to {self.backlog_end}": not self.is_steady,
            "nothing was completed": self.completed == 0,
        }
        return "; ".join(text for text, is_so in found.items() if is_so) or None

    @property
    def cpu_outside_load_ms(self) -> float:
        """Processor time of everything but the load client, per transfer."""
        return sum(ms for role, ms in self.cpu_ms_per_transfer.items() if role != "load")


def read_lines(path: Path) -> list[FloorLine | CaseLine]:
    """The lines of one run.

    Raises:
        LineError: a line is not as it should be, or is of another run than the first.
    """
    read: list[FloorLine | CaseLine] = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        is_floor = '"case": "floor-' in text or '"case":"floor-' in text
        model = FloorLine if is_floor else CaseLine
        try:
            line = model.model_validate_json(text)
        except ValidationError as error:
            raise LineError(f"{path.name}:{number}: {error}") from error
        if read and line.run != read[0].run:
            raise LineError(f"{path.name}:{number}: of run {line.run}, not {read[0].run}")
        read.append(line)
    if not read:
        raise LineError(f"{path.name} is empty; delete it")
    return read
