"""What a scenario is: one step, how it is reached, when it is over, and what it must come to."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from reliability.crashpoints.play import Play
from reliability.crashpoints.points import (
    Aftermath,
    CrashPoint,
    NumberedIo,
    Role,
    aftermaths_of,
    fates_of,
)
from reliability.simulation.operations import Fate, Io

NONE = "none"
TRANSACTION = frozenset({Io.STATEMENT, Io.COMMIT})
MESSAGE = frozenset({Io.ACK, Io.COMMIT_OFFSETS})
REQUEST = TRANSACTION | {Io.CONNECT}


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How everything stands when a run is over.

    Attributes:
        transfer: the status of the one transfer that is no refund, or `NONE`.
        refund: the status of the one refund, or `NONE`.
        hold: the status of the one hold, or `NONE`.
        captured: what is captured of it.
        limit: what the payer may spend in a day.
        acts: how many acts the trail has.
    """

    transfer: str = NONE
    refund: str = NONE
    hold: str = NONE
    captured: int = 0
    limit: int | None = None
    acts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One step in a world of its own.

    Attributes:
        kinds: of the I/Os that it does.
        ends: how it ends, whatever goes wrong.
        ends_if_abandoned: how it may end too, if a client never returns.
        prepare: brings the world to where the step is next.
        run: begins the step, and returns when it is over.
        letters: dead letters, unless the log loses what they are about.
        has_messages: whether there is anything that the log could lose.
        hands_over: whether the worker reads the payee's confirms itself, and so sends none.
        is_unlocked: whether steps go without locks first.
    """

    name: str
    role: Role
    kinds: frozenset[Io]
    ends: End
    ends_if_abandoned: frozenset[End] = frozenset()
    prepare: Callable[[Play], Awaitable[None]]
    run: Callable[[Play], Awaitable[None]]
    letters: int = 0
    has_messages: bool = True
    hands_over: bool = False
    is_unlocked: bool = False

    def points(self, ios: Sequence[NumberedIo]) -> list[CrashPoint]:
        """Every fault at each of these I/Os, with each aftermath."""
        return [
            CrashPoint(self.name, io.number, fate, aftermath)
            for io in ios
            for fate in fates_of(io.kind)
            for aftermath in self.aftermaths(io.kind, fate)
        ]

    def aftermaths(self, kind: Io, fate: Fate) -> list[Aftermath]:
        """What can follow this fault here."""
        return [
            aftermath
            for aftermath in aftermaths_of(self.role, kind, fate)
            if self.has_messages or aftermath is not Aftermath.REDRIVEN
        ]
