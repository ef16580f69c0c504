"""`run.json`: what runs where, for other commands of the same folder."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from config.files import write_whole


class Role(StrEnum):
    """What a process is for."""

    SUPERVISOR = "supervisor"
    GATEWAY = "gateway"
    WORKER = "worker"
    KAFKA = "kafka"
    POSTGRES = "postgres"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningProcess:
    """A process that runs now; `internal` is where its /metrics are, if it has any."""

    role: Role
    pid: int
    address: str
    internal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningShard:
    """A shard, as the processes were told."""

    name: str
    dsn: str
    buckets: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """All of `run.json`."""

    gateway: str
    bootstrap: str
    topics: dict[str, str]
    shards: tuple[RunningShard, ...]
    processes: tuple[RunningProcess, ...]


def write_run_file(path: Path, running: Running) -> None:
    """Replaces the file in one step; a reader never sees half of it."""
    content = asdict(running)
    content["kafka"] = {"bootstrap": content.pop("bootstrap")}
    write_whole(path, json.dumps(content, indent=2))
