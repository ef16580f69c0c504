"""Processes that ended although nobody here ended them, and which of these ends are in order."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reliability.chaos.kinds import FaultKind
from reliability.chaos.nemesis import Injected
from reliability.chaos.stack import Node, Role
from reliability.history import FaultOutcome

# A worker that starts gives its broker half a minute, and its end may take 8 s more.
_NOTICED_S = 60.0
_PROGRAMS = frozenset((Role.GATEWAY, Role.WORKER))
# What parts a worker from its brokers. A paused worker is parted from all of them.
_PARTS_A_WORKER = frozenset(
    (
        FaultKind.PAUSE_WORKER,
        FaultKind.PAUSE_BROKER,
        FaultKind.KILL_BROKER,
        FaultKind.TRUNCATE_BROKER_LOG,
        FaultKind.PARTITION,
        FaultKind.ONE_WAY_CUT,
        FaultKind.SLOW_LINK,
        FaultKind.DELETE_TOPICS,
    )
)
# A worker says how it wants to go on by its exit code: start it again, or let a person look.
_AGAIN = os.EX_TEMPFAIL
_REFUSED = os.EX_CONFIG


@dataclass(frozen=True, slots=True, kw_only=True)
class UnexpectedExit:
    """One such end.

    Attributes:
        code: the exit code; negative: the signal.
        at: `time.monotonic()` when it was noticed.
    """

    node: str
    role: Role
    code: int | None
    at: float


def exits_of(nodes: Iterable[Node]) -> list[UnexpectedExit]:
    """All of these processes' ends."""
    return [
        UnexpectedExit(node=node.name, role=node.role, code=one.code, at=one.at)
        for node in nodes
        for one in node.exits
    ]


def wrong(exits: Iterable[UnexpectedExit], faults: Sequence[Injected]) -> list[UnexpectedExit]:
    """Those that no fault explains. Of brokers and databases none is ours to judge.

    A gateway has no reason to end. A worker may ask to be started again after its brokers were out
    of reach, may ask for a person when it starts while the topics are deleted, and stops in order
    when a storm asks for it.
    """
    return [one for one in exits if one.role in _PROGRAMS and not _is_explained(one, faults)]


def told(exits: Iterable[UnexpectedExit]) -> list[str]:
    """How often each process ended with which code."""
    counted = Counter((one.node, one.code) for one in exits)
    return [
        f"{node} ended by itself with code {code}" + (f", {count} times" if count > 1 else "")
        for (node, code), count in sorted(counted.items(), key=str)
    ]


def _is_explained(one: UnexpectedExit, faults: Sequence[Injected]) -> bool:
    if one.role is not Role.WORKER:
        return False
    kinds = {
        fault.kind
        for fault in faults
        if fault.outcome is FaultOutcome.INJECTED
        and fault.at <= one.at <= fault.healed_at + _NOTICED_S
    }
    if one.code == os.EX_OK:
        # It was asked to stop, and the storm that asked was over before it had.
        return FaultKind.REBALANCE_STORM in kinds
    if one.code == _AGAIN:
        return not kinds.isdisjoint(_PARTS_A_WORKER)
    return one.code == _REFUSED and FaultKind.DELETE_TOPICS in kinds
