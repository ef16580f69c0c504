"""The faults: what each is done to, how long it lasts, and what may not happen beside it."""

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """Everything the nemesis can do."""

    KILL_WORKER = "kill_worker"
    KILL_GATEWAY = "kill_gateway"
    PAUSE_WORKER = "pause_worker"
    PAUSE_GATEWAY = "pause_gateway"
    PAUSE_BROKER = "pause_broker"
    PAUSE_POSTGRES = "pause_postgres"
    KILL_BROKER = "kill_broker"
    TRUNCATE_BROKER_LOG = "truncate_broker_log"
    STOP_POSTGRES = "stop_postgres"
    COMMIT_UNKNOWN = "commit_unknown"
    PARTITION = "partition"
    ONE_WAY_CUT = "one_way_cut"
    SLOW_LINK = "slow_link"
    REBALANCE_STORM = "rebalance_storm"
    POOL_EXHAUSTION = "pool_exhaustion"
    DUPLICATE_MESSAGES = "duplicate_messages"
    SHUFFLE_MESSAGES = "shuffle_messages"
    REPLAY_FROM_ZERO = "replay_from_zero"
    DELETE_TOPICS = "delete_topics"
    POISON_MESSAGES = "poison_messages"
    FORGED_MESSAGES = "forged_messages"
    PROCESS_CLOCK_SKEW = "process_clock_skew"
    DATABASE_CLOCK_SKEW = "database_clock_skew"
    FULL_DISK = "full_disk"


class Role(StrEnum):
    """What a fault is done to."""

    GATEWAY = "gateway"
    WORKER = "worker"
    CLIENT = "client"  # a gateway or a worker
    BROKER = "broker"
    SHARD = "shard"
    GROUP = "group"  # all workers
    TOPICS = "topics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a kind is planned.

    Attributes:
        lasts_s: shortest and longest; a longest of None is the profile's longest outage.
        of_links: it is done to connections, and so may meet a fault of the process itself.
        settles_s: how long a process takes to be there again, injecting and healing together.
    """

    role: Role
    lasts_s: tuple[float, float | None]
    of_links: bool = False
    settles_s: float = 4.0


# A worker that is silent for longer than its session (6 s here) loses its partitions.
SHAPES = {
    FaultKind.KILL_WORKER: Shape(role=Role.WORKER, lasts_s=(0.3, 8.0)),
    FaultKind.KILL_GATEWAY: Shape(role=Role.GATEWAY, lasts_s=(0.3, 5.0)),
    FaultKind.PAUSE_WORKER: Shape(role=Role.WORKER, lasts_s=(1.0, 14.0)),
    FaultKind.PAUSE_GATEWAY: Shape(role=Role.GATEWAY, lasts_s=(1.0, 8.0)),
    FaultKind.PAUSE_BROKER: Shape(role=Role.BROKER, lasts_s=(1.0, 9.0)),
    FaultKind.PAUSE_POSTGRES: Shape(role=Role.SHARD, lasts_s=(1.0, 9.0)),
    FaultKind.KILL_BROKER: Shape(role=Role.BROKER, lasts_s=(0.3, 6.0), settles_s=8.0),
    FaultKind.TRUNCATE_BROKER_LOG: Shape(role=Role.BROKER, lasts_s=(0.1, 0.2), settles_s=12.0),
    FaultKind.STOP_POSTGRES: Shape(role=Role.SHARD, lasts_s=(2.0, None)),
    FaultKind.COMMIT_UNKNOWN: Shape(role=Role.SHARD, lasts_s=(1.0, 8.0), of_links=True),
    FaultKind.PARTITION: Shape(role=Role.CLIENT, lasts_s=(1.0, 9.0), of_links=True),
    FaultKind.ONE_WAY_CUT: Shape(role=Role.CLIENT, lasts_s=(1.0, 9.0), of_links=True),
    FaultKind.SLOW_LINK: Shape(role=Role.CLIENT, lasts_s=(2.0, 9.0), of_links=True),
    FaultKind.REBALANCE_STORM: Shape(role=Role.GROUP, lasts_s=(6.0, 14.0), settles_s=8.0),
    FaultKind.POOL_EXHAUSTION: Shape(role=Role.GATEWAY, lasts_s=(3.0, 9.0), settles_s=8.0),
    FaultKind.DUPLICATE_MESSAGES: Shape(role=Role.TOPICS, lasts_s=(2.0, 10.0)),
    FaultKind.SHUFFLE_MESSAGES: Shape(role=Role.TOPICS, lasts_s=(2.0, 10.0)),
    FaultKind.REPLAY_FROM_ZERO: Shape(role=Role.TOPICS, lasts_s=(0.5, 1.0)),
    FaultKind.DELETE_TOPICS: Shape(role=Role.TOPICS, lasts_s=(0.2, 4.0)),
    FaultKind.POISON_MESSAGES: Shape(role=Role.TOPICS, lasts_s=(0.5, 2.0)),
    FaultKind.FORGED_MESSAGES: Shape(role=Role.TOPICS, lasts_s=(0.5, 2.0)),
    FaultKind.PROCESS_CLOCK_SKEW: Shape(role=Role.CLIENT, lasts_s=(3.0, 12.0), settles_s=8.0),
    FaultKind.DATABASE_CLOCK_SKEW: Shape(role=Role.SHARD, lasts_s=(2.0, 12.0)),
    FaultKind.FULL_DISK: Shape(role=Role.SHARD, lasts_s=(2.0, 8.0)),
}

# The server of a shard does not answer while one of these lasts.
OUTAGES = frozenset(
    (
        FaultKind.PAUSE_POSTGRES,
        FaultKind.STOP_POSTGRES,
        FaultKind.FULL_DISK,
    )
)
