"""One process of a stack that can be killed, paused and started again."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Protocol

import psutil

from devstack.errors import DevstackError
from devstack.processes import Child, send
from devstack.units import Server as Endable
from devstack.waiting import wait_until
from reliability.chaos.stack.threads import to_the_end

_START_AGAIN_S = 1.0
_STOP_S = 10.0
_SIGNAL_S = 2.0
_POLL_S = 0.05


class Role(StrEnum):
    """What a node is for."""

    GATEWAY = "gateway"
    WORKER = "worker"
    BROKER = "broker"
    DATABASE = "database"


class Server(Endable, Protocol):
    """What a node needs of its server or program."""

    def ready(self) -> bool:
        """Whether it can be used; raises DevstackError when it has ended instead."""


@dataclass(frozen=True, slots=True)
class Exit:
    """An end that nobody here asked for: its code (negative: the signal), when it was noticed."""

    code: int | None
    at: float


class Node:
    """A process under our hands.

    Attributes:
        name: such as `gateway-1`, `worker-2`, `broker-1`, `shard0`.
        role: what it is for.
        exits: the times it ended although nobody ended it here; the stack starts it again within
            2 s.

    Args:
        server: prepared, and not started.
        say: told of what happens by itself.
    """

    def __init__(
        self, name: str, role: Role, server: Server, *, say: Callable[[str], None]
    ) -> None:
        self.name = name
        self.role = role
        self.exits: list[Exit] = []
        self._server = server
        self._say = say
        self._wanted = False
        self._paused = False
        self._ended_at: float | None = None
        # What one does to it is done before the next begins, the watch's restarts too.
        self._hands = asyncio.Lock()

    @property
    def unexpected_exits(self) -> list[int | None]:
        """The codes of `exits`."""
        return [one.code for one in self.exits]

    @property
    def pid(self) -> int:
        """Its process id; the last one when it has ended."""
        return self._server.child.pid

    @property
    def is_up(self) -> bool:
        """Whether its process runs; a paused one does."""
        return self._server.alive()

    @property
    def is_paused(self) -> bool:
        """Whether `pause` stopped it."""
        return self._paused and self.is_up

    async def kill(self) -> None:
        """SIGKILL to all of its processes; it stays down until `start`. Nothing if it is down."""
        async with self._hands:
            self._wanted = self._paused = False
            await to_the_end(self._server.kill)

    async def pause(self) -> None:
        """SIGSTOP to all of its processes. Nothing if it is down or paused."""
        async with self._hands:
            if self.is_up and not self._paused:
                await to_the_end(self._stop_processes)
                self._paused = True

    async def resume(self) -> None:
        """SIGCONT to all of its processes. Nothing if it is not paused."""
        async with self._hands:
            await self._resume()

    async def stop(self) -> None:
        """Asks it to end, as an operator would, and kills it when it does not; stays down."""
        async with self._hands:
            await self._stop()

    async def start(self, *, ready_within_s: float = 30.0) -> bool:
        """Starts it unless it runs, and resumes it; from now on the stack keeps it running.

        Returns:
            Whether it was ready in time. It goes on starting if not.
        """
        async with self._hands:
            await self._resume()
            self._wanted = True
            if not self.is_up:
                await self._launch()
        return await self.until_ready(within_s=ready_within_s)

    async def until_ready(self, *, within_s: float) -> bool:
        """Whether it could be used before the time was over."""
        deadline = time.monotonic() + within_s
        while not await self.is_ready():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_POLL_S)
        return True

    async def is_ready(self) -> bool:
        """Whether it can be used now."""
        if not self.is_up or self._paused:
            return False
        try:
            return await asyncio.to_thread(self._server.ready)
        except DevstackError:
            return False

    async def watch_once(self) -> None:
        """Starts it again when it has ended by itself some time ago, and notes the first sight."""
        if self._hands.locked():
            return
        async with self._hands:
            if self._wanted and not self.is_up:
                await self._note_or_launch()

    def processes(self) -> list[psutil.Process]:
        """All processes of it, the one that makes the others first."""
        try:
            return [psutil.Process(self.pid)]
        except psutil.NoSuchProcess:
            return []

    async def _note_or_launch(self) -> None:
        if self._ended_at is None:
            self._ended_at = time.monotonic()
            self._paused = False
            code = self._server.child.exit_code
            self.exits.append(Exit(code, self._ended_at))
            self._say(f"{self.name} ended by itself with code {code}")
        elif time.monotonic() - self._ended_at >= _START_AGAIN_S:
            await self._launch()

    async def _launch(self) -> None:
        self._ended_at = None
        try:
            await to_the_end(self._server.launch)
        except (DevstackError, OSError) as error:
            # Its port may be taken for a moment by what was connected when it was killed.
            self._ended_at = time.monotonic()
            self._say(f"{self.name} cannot be started yet: {error}")

    async def _stop(self) -> None:
        await self._resume()
        self._wanted = False
        await to_the_end(self._end_in_order)

    def _end_in_order(self) -> None:
        self._server.request_stop()
        wait_until(lambda: not self.is_up, timeout_s=_STOP_S)
        self._server.kill()

    async def _resume(self) -> None:
        if self._paused:
            self._paused = False
            await to_the_end(lambda: self._signal_all(signal.SIGCONT))

    def _stop_processes(self) -> None:
        """The maker of processes first, so that the list is soon complete."""
        stopped: list[psutil.Process] = []
        while rest := [each for each in self.processes() if each not in stopped]:
            for process in rest:
                send(process, signal.SIGSTOP)
            stopped += rest
            # A signal takes effect when its process is next scheduled.
            wait_until(partial(_are_stopped, rest), timeout_s=_SIGNAL_S)

    def _signal_all(self, number: signal.Signals) -> None:
        for process in self.processes():
            send(process, number)

    @property
    def _child(self) -> Child:
        return self._server.child


def _are_stopped(processes: Iterable[psutil.Process]) -> bool:
    return all(map(_is_stopped, processes))


def _is_stopped(process: psutil.Process) -> bool:
    try:
        return process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
