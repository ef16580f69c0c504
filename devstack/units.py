"""Processes under watch: started again when they die, ended in order."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from devstack.backoff import Backoff
from devstack.errors import DevstackError
from devstack.processes import Child
from devstack.run_file import Role
from devstack.waiting import wait_until


class Endable(Protocol):
    """Something that runs and can be ended."""

    def alive(self) -> bool:
        """Whether it runs."""

    def request_stop(self) -> None:
        """Asks it to end, and does not wait."""

    def kill(self) -> None:
        """Ends it at once."""


class Server(Endable, Protocol):
    """What a unit needs of a server or a program."""

    @property
    def child(self) -> Child:
        """The process as started last."""

    def launch(self) -> None:
        """Starts it and does not wait."""


class Unit:
    """A server that is to run, and when it is to be started again if it does not.

    Args:
        role: what it is for.
        name: its name in messages.
        address: where it is reached.
        server: the server; it has been started already.
        internal: the address of its internal listener, if it has one.
    """

    def __init__(
        self, role: Role, name: str, address: str, server: Server, *, internal: str = ""
    ) -> None:
        self.role = role
        self.name = name
        self.address = address
        self.internal = internal
        self.server = server
        self._backoff = Backoff()
        self._launched_at = time.monotonic()
        self._due_at: float | None = None

    def watch_once(self, *, say: Callable[[str], None]) -> bool:
        """Notices an end, or starts again what is due; whether anything changed.

        Args:
            say: told what happened.
        """
        if self.server.alive():
            return False
        now = time.monotonic()
        if self._due_at is None:
            wait_s = self._wait(now)
            code = self.server.child.exit_code
            say(f"{self.name} ended ({_ending(code)}); starting it again in {wait_s:.1f} s")
            return True
        if now < self._due_at:
            return False
        return self._launch(say)

    def _wait(self, now: float) -> float:
        wait_s = self._backoff.wait_s(ran_s=now - self._launched_at)
        self._due_at = now + wait_s
        return wait_s

    def _launch(self, say: Callable[[str], None]) -> bool:
        self._launched_at = time.monotonic()
        try:
            self.server.launch()
        except DevstackError as error:
            wait_s = self._wait(time.monotonic())
            say(f"{self.name} cannot be started: {error}; again in {wait_s:.1f} s")
            return False
        self._due_at = None
        say(f"{self.name} runs again, as process {self.server.child.pid}")
        return True


def end_all(servers: Sequence[Endable], *, drain_s: float) -> bool:
    """Asks all of them to end at once, and kills those that have not when the time is over.

    Returns:
        Whether none had to be killed.
    """
    for server in servers:
        server.request_stop()
    ended = wait_until(lambda: not any(s.alive() for s in servers), timeout_s=drain_s)
    for server in servers:
        if server.alive():
            server.kill()
    return ended


def _ending(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"code {code}"
