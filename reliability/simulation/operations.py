"""One I/O of a simulated process: asked for, carried out, answered, and what can go wrong there."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from reliability.simulation.process import Process
    from reliability.simulation.wires import Wire


class Io(StrEnum):
    """The kinds of I/O that steps do."""

    CONNECT = "connect"
    STATEMENT = "statement"
    COMMIT = "commit"
    PRODUCE = "produce"
    ACK = "ack"
    """Inside the process: nobody answers, so a simulation alone never asks for it."""
    COMMIT_OFFSETS = "commit-offsets"


class Fate(StrEnum):
    """What becomes of an I/O."""

    GOES_WELL = "goes-well"
    DIES_BEFORE = "dies-before"
    DIES_AFTER = "dies-after"
    FAILS = "fails"
    UNKNOWN = "unknown"
    """It happens, and whoever asked is told that it failed."""


@dataclass(slots=True, eq=False)
class Operation:
    """An I/O that a process waits for.

    Attributes:
        what: which one, for the trace.
        carry_out: does it for real; called once at most.
        failure: makes the error of one that does not happen, or whose answer is lost.
        wire: the connection it goes over, for statements.
        may_wait: whether it can wait for a lock that another session has.
        answer: what the process waits for.
        carried: its result once it has been carried out.
    """

    process: "Process"
    kind: Io
    what: str
    carry_out: Callable[[], Awaitable[Any]]
    failure: Callable[[], Exception]
    wire: "Wire | None" = None
    may_wait: bool = False
    answer: "asyncio.Future[Any]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    carried: "asyncio.Task[Any] | None" = None

    @override
    def __str__(self) -> str:
        return f"{self.process.name}: {self.what}"

    def deliver(self) -> None:
        """Hands the process what came out of it."""
        assert self.carried is not None
        if self.answer.done():
            self.carried.exception()
        elif (error := self.carried.exception()) is not None:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(self.carried.result())

    def fail(self) -> None:
        """Tells the process that it failed, whatever happened."""
        self.fail_with(self.failure())

    def fail_with(self, error: Exception) -> None:
        """Tells the process of this error, whatever happened."""
        if self.carried is not None and self.carried.done():
            self.carried.exception()
        if not self.answer.done():
            self.answer.set_exception(error)
