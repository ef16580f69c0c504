"""A simulated process: tasks that live and die together, and ask for every I/O."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

from reliability.simulation.loop import VirtualLoop
from reliability.simulation.operations import Operation

T = TypeVar("T")

_owner: "ContextVar[Process | None]" = ContextVar("owner", default=None)
_CANCELS_MAX = 20


class Process:
    """Whatever is spawned in it, and what that spawns, is its own.

    Attributes:
        asked: operations that nobody has begun yet, oldest first; shared by all processes.
        paused: asks, and gets no answer: as if it had been stopped by a signal.
        at_death: what ends with it.
    """

    def __init__(self, name: str, asked: list[Operation]) -> None:
        self.name = name
        self.asked = asked
        self.alive = True
        self.paused = False
        # In order: a run has to repeat itself.
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.at_death: list[Callable[[], None]] = []

    def spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Runs `work` as part of this process."""
        context = copy_context()
        context.run(_owner.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    async def io(self, operation: Operation) -> Any:
        """Asks for an I/O and waits for its answer; in a dead process nothing goes on."""
        if not self.alive:
            raise asyncio.CancelledError
        self.asked.append(operation)
        try:
            return await operation.answer
        finally:
            if operation in self.asked:
                self.asked.remove(operation)

    async def kill(self, loop: VirtualLoop) -> None:
        """Ends everything in it at once; what it asked for and was not begun never happens."""
        self.alive = False
        self.paused = False
        for _ in range(_CANCELS_MAX):
            # Some code answers a cancellation by waiting for something else.
            for task in list(self.tasks):
                task.cancel()
            await loop.settle()
            if not self.tasks:
                for end in self.at_death:
                    end()
                return
        raise AssertionError(f"{self.name} does not die: {self.tasks}")


def own_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Makes the loop note whose task each task is."""

    def create(
        loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **kwargs: Any
    ) -> "asyncio.Task[Any]":
        task = asyncio.Task(work, loop=loop, **kwargs)
        context = kwargs.get("context")
        owner = context.run(_owner.get) if context is not None else _owner.get()
        if owner is not None:
            owner.tasks[task] = None
            task.add_done_callback(lambda done: owner.tasks.pop(done, None))
        return task

    loop.set_task_factory(create)  # type: ignore[arg-type] # typeshed names each keyword
