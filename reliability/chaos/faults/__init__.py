"""Every fault as a context manager: it is injected on the way in and healed on the way out.

One that the machine refuses raises `Refused` on the way in, one that cannot be injected now
`CameToNothing`; a process that is not ready in time is `NotReadyError`, on either way.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from reliability.chaos.faults import databases, messages, network, processes
from reliability.chaos.faults.field import CameToNothing, Field, Gate, Note, NotReadyError
from reliability.chaos.kinds import FaultKind

__all__ = [
    "INJECTORS",
    "CameToNothing",
    "Field",
    "Gate",
    "Injector",
    "NotReadyError",
    "Note",
]

Injector = Callable[[Field], AbstractAsyncContextManager[Note]]

INJECTORS: dict[FaultKind, Injector] = {
    FaultKind.KILL_WORKER: processes.kill_worker,
    FaultKind.KILL_GATEWAY: processes.kill_gateway,
    FaultKind.PAUSE_WORKER: processes.pause_worker,
    FaultKind.PAUSE_GATEWAY: processes.pause_gateway,
    FaultKind.PAUSE_BROKER: processes.pause_broker,
    FaultKind.PAUSE_POSTGRES: processes.pause_postgres,
    FaultKind.KILL_BROKER: processes.kill_broker,
    FaultKind.TRUNCATE_BROKER_LOG: processes.truncate_broker_log,
    FaultKind.STOP_POSTGRES: processes.stop_postgres,
    FaultKind.COMMIT_UNKNOWN: network.commit_unknown,
    FaultKind.PARTITION: network.partition,
    FaultKind.ONE_WAY_CUT: network.one_way_cut,
    FaultKind.SLOW_LINK: network.slow_link,
    FaultKind.REBALANCE_STORM: processes.rebalance_storm,
    FaultKind.POOL_EXHAUSTION: processes.pool_exhaustion,
    FaultKind.DUPLICATE_MESSAGES: messages.duplicate_messages,
    FaultKind.SHUFFLE_MESSAGES: messages.shuffle_messages,
    FaultKind.REPLAY_FROM_ZERO: messages.replay_from_zero,
    FaultKind.DELETE_TOPICS: messages.delete_topics,
    FaultKind.POISON_MESSAGES: messages.poison_messages,
    FaultKind.FORGED_MESSAGES: messages.forged_messages,
    FaultKind.PROCESS_CLOCK_SKEW: processes.process_clock_skew,
    FaultKind.DATABASE_CLOCK_SKEW: databases.database_clock_skew,
    FaultKind.FULL_DISK: databases.full_disk,
}
