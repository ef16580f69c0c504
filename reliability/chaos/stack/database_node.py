"""The PostgreSQL server of one shard."""

import signal
from collections.abc import Callable

import psutil
from typing_extensions import override

from devstack.postgres import PostgresServer
from devstack.processes import send
from reliability.chaos.stack.node import Node, Role
from reliability.chaos.stack.threads import to_the_end

_END_S = 10.0


class DatabaseNode(Node):
    """A PostgreSQL server; all that is done to it is done to its backends too."""

    def __init__(self, name: str, server: PostgresServer, *, say: Callable[[str], None]) -> None:
        super().__init__(name, Role.DATABASE, server, say=say)
        self.server = server

    @override
    def processes(self) -> list[psutil.Process]:
        own = super().processes()
        try:
            return [*own, *(child for each in own for child in each.children(recursive=True))]
        except psutil.NoSuchProcess:
            return own

    async def stop_immediate(self) -> None:
        """Ends it without a checkpoint (`pg_ctl stop -m immediate`); down until `start`."""
        async with self._hands:
            await self._resume()
            self._wanted = False
            for process in super().processes():
                send(process, signal.SIGQUIT)
            await to_the_end(self._end)

    def _end(self) -> None:
        if self.is_up:
            self._child.wait(timeout_s=_END_S)
        self.server.kill()
