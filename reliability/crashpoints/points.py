"""What a crash point is, and which there are of a step."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from typing_extensions import override

from reliability.simulation.operations import Fate, Io


class Role(Enum):
    """Which process carries the step out, and so who brings it again."""

    GATEWAY = auto()
    WORKER = auto()
    LOOP = auto()
    """A loop of a worker, which needs no message: it comes round again."""


class Aftermath(StrEnum):
    """What becomes of the message, or of the client, after the fault.

    Each way of recovery is shown alone: redrive is silent where the others are to bring the
    transfer to its end, and what the log has is lost where redrive is to do so.
    """

    RETRIED = "retried"
    """Nothing comes again: a process that lives has to get through by itself."""
    REDELIVERED = "redelivered"
    """The message comes again; a client repeats its key."""
    REDRIVEN = "redriven"
    """The log loses all that it has: loops of workers are left; a client repeats its key."""
    ABANDONED = "abandoned"
    """As redriven, and the client never returns."""


_DEATHS = (Fate.DIES_BEFORE, Fate.DIES_AFTER)
_FATES = (*_DEATHS, Fate.FAILS, Fate.UNKNOWN)
# An ack is a mark in memory: it can be missing, but there is no answer that could get lost.
_FATES_OF_ACK = (*_DEATHS, Fate.FAILS)


@dataclass(frozen=True, slots=True)
class NumberedIo:
    """One I/O of a step, by its place in it."""

    number: int
    kind: Io
    what: str

    @override
    def __str__(self) -> str:
        return f"{self.number:3}  {self.kind:14}  {self.what}"


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """One fault at one I/O of one step, and what follows."""

    step: str
    number: int
    fate: Fate
    aftermath: Aftermath

    @override
    def __str__(self) -> str:
        return f"{self.step} {self.number} {self.fate} {self.aftermath}"

    @classmethod
    def parse(cls, text: str) -> "CrashPoint":
        """The point that is written so.

        Raises:
            ValueError: it is not written as one.
        """
        step, number, fate, aftermath = text.split()
        return cls(step, int(number), Fate(fate), Aftermath(aftermath))


def fates_of(kind: Io) -> Sequence[Fate]:
    """What can befall an I/O of this kind."""
    return _FATES_OF_ACK if kind is Io.ACK else _FATES


def aftermaths_of(role: Role, kind: Io, fate: Fate) -> Sequence[Aftermath]:
    """What can follow."""
    if role is Role.GATEWAY:
        return (Aftermath.REDELIVERED, Aftermath.REDRIVEN, Aftermath.ABANDONED)
    if role is Role.LOOP:
        return (Aftermath.REDRIVEN,)
    if kind is Io.ACK and fate is Fate.FAILS:
        # What is never marked done holds back its partition until it comes again.
        return (Aftermath.REDELIVERED,)
    if fate in _DEATHS:
        return (Aftermath.REDELIVERED, Aftermath.REDRIVEN)
    return (Aftermath.RETRIED, Aftermath.REDELIVERED, Aftermath.REDRIVEN)
