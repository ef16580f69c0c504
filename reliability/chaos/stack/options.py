"""How large a stack is, and what its programs are told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOptions:
    """The size of a stack.

    Attributes:
        brokers: 1, or 3 with three copies of each topic of which two must have a message.
        shards: shards, each on a PostgreSQL server of its own.
        folder: all data and logs; made when it is not there.
        gateways: gateway processes.
        workers: worker processes.
        buckets: hash slots of the system.
        environment: settings for gateways and workers that go over ours.
        disk_mb: size of each PostgreSQL server's file system, where one can be made.
    """

    brokers: Literal[1, 3]
    shards: int
    folder: Path
    gateways: int = 2
    workers: int = 2
    buckets: int = 16
    environment: Mapping[str, str] = field(default_factory=dict)
    disk_mb: int = 1024
