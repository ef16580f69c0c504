"""The links of a proxy: where each listens, and what is done to its connections."""

import asyncio
import errno
from collections.abc import Sequence
from dataclasses import dataclass

from reliability.chaos.stack.proxy.connection import Address, Connection
from reliability.chaos.stack.proxy.faults import LinkFaults

_LISTEN_AGAIN_S = 5.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Route:
    """A listening address, and the server behind it."""

    listen: Address
    server: Address


class Relay:
    """One link: its routes, its faults, its connections."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.faults = LinkFaults()
        self._routes = routes
        self._listeners: list[asyncio.Server] = []
        self._connections: set[Connection] = set()

    @property
    def open_connections(self) -> int:
        """Connections now."""
        return len(self._connections)

    async def open(self) -> None:
        """Listens on all routes; nothing if it does.

        Raises:
            OSError: an address is taken.
        """
        if not self._listeners:
            self._listeners = [await self._listen(route) for route in self._routes]

    def cut(self) -> None:
        """Resets all connections and refuses new ones, until `open`."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self._reset_all()

    def hold(self, directions: set[str], *, late: bool) -> None:
        """Lets nothing through in these directions until `heal`."""
        self.faults.held |= directions
        self.faults.late = late
        self._tell_all()

    def delay(self, delay_s: float, jitter_s: float) -> None:
        """Takes so much longer from now on."""
        self.faults.delay_s, self.faults.jitter_s = delay_s, jitter_s

    async def heal(self) -> None:
        """No fault any more; what a hole has swallowed is gone, and its connections with it."""
        faults = self.faults
        swallowed = bool(faults.held) and not faults.late
        faults.held.clear()
        faults.delay_s = faults.jitter_s = 0.0
        faults.lose_commits(0)
        if swallowed:
            self._reset_all()
        self._tell_all()
        await self.open()

    def _reset_all(self) -> None:
        for connection in list(self._connections):
            connection.reset()

    def _tell_all(self) -> None:
        for connection in list(self._connections):
            connection.obey()

    async def _listen(self, route: Route) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _LISTEN_AGAIN_S
        while True:
            try:
                return await loop.create_server(lambda: self._accept(route), *route.listen)
            except OSError as error:
                # The listener that was closed by a cut may take a moment.
                if error.errno != errno.EADDRINUSE or loop.time() > deadline:
                    raise
                await asyncio.sleep(_POLL_S)

    def _accept(self, route: Route) -> asyncio.Protocol:
        connection = Connection(self.faults, route.server, self._connections.discard)
        self._connections.add(connection)
        self.faults.connections += 1
        return connection.client_end()
