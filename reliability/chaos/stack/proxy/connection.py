"""One connection through the proxy: two sockets, two ways, and the reply to a COMMIT."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import cast

from typing_extensions import override

from reliability.chaos.stack.proxy.commits import Asked, Reply, reply_of
from reliability.chaos.stack.proxy.faults import DOWN, UP, LinkFaults
from reliability.chaos.stack.proxy.way import Way

Address = tuple[str, int]

_RESET = struct.pack("ii", 1, 0)


class Connection:
    """A client that was accepted, and the connection to the server made for it.

    Args:
        faults: of its link.
        server: where to connect to.
        on_gone: told when both sockets are closed.
    """

    def __init__(
        self, faults: LinkFaults, server: Address, on_gone: "Callable[[Connection], None]"
    ) -> None:
        self._faults = faults
        self._server = server
        self._on_gone = on_gone
        self._up = Way(UP, faults)
        self._down = Way(DOWN, faults)
        self._transports: list[asyncio.Transport] = []
        self._connecting: asyncio.Task[None] | None = None
        self._asked = Asked()
        self._reply: bytearray | None = None
        self._order = 0
        self._is_gone = False

    def client_end(self) -> asyncio.Protocol:
        """The protocol for the accepted socket."""
        return _End(self, mine=self._up, other=self._down, take=self._from_client)

    def obey(self) -> None:
        """Looks at the link's faults again."""
        self._up.obey()
        self._down.obey()
        self._connect()

    def reset(self) -> None:
        """Ends both sockets with RST."""
        for transport in self._transports:
            _reset(transport)
        self._gone()

    def opened(self, end: "_End", transport: asyncio.Transport) -> None:
        """A socket of it is open."""
        if self._is_gone:
            _reset(transport)
            return
        self._transports.append(transport)
        end.mine.read_from(transport)
        end.other.write_to(transport)
        self._connect()

    def closed(self, end: "_End", error: BaseException | None) -> None:
        """A socket of it was closed by the other side, or by us."""
        if self._is_gone:
            return
        self._give_commit_back()
        if error is not None or len(self._transports) < 2:
            self.reset()
            return
        end.mine.end()
        if all(transport.is_closing() for transport in self._transports):
            self._gone()

    def _connect(self) -> None:
        # Towards a host behind a hole no connection is made before the hole is gone.
        if self._connecting is None and self._transports and not self._faults.held:
            self._connecting = asyncio.get_running_loop().create_task(self._reach_server())

    async def _reach_server(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: _End(self, mine=self._down, other=self._up, take=self._from_server),
                *self._server,
            )
        except OSError:
            self.reset()

    def _from_client(self, data: bytes) -> None:
        asked = self._asked.commits(data)
        if self._faults.commits_to_lose and self._reply is None and asked:
            self._faults.commits_to_lose -= 1
            self._order = self._faults.orders
            self._reply = bytearray()
        self._up.feed(data)

    def _from_server(self, data: bytes) -> None:
        if self._reply is None:
            self._down.feed(data)
            return
        self._reply += data
        match reply_of(bytes(self._reply)):
            case Reply.INCOMPLETE:
                return
            case Reply.COMMITTED:
                self._reply = None
                self._faults.commits_unknown += 1
                self.reset()
            case Reply.OTHER:
                received = bytes(self._reply)
                self._give_commit_back()
                self._down.feed(received)

    def _give_commit_back(self) -> None:
        if self._reply is not None:
            self._reply = None
            if self._order == self._faults.orders:
                self._faults.commits_to_lose += 1

    def _gone(self) -> None:
        self._is_gone = True
        self._up.forget()
        self._down.forget()
        if self._connecting is not None:
            self._connecting.cancel()
        self._on_gone(self)


class _End(asyncio.Protocol):
    """One of the two sockets; `mine` is the way it is the source of."""

    def __init__(
        self, connection: Connection, *, mine: Way, other: Way, take: Callable[[bytes], None]
    ) -> None:
        self.mine = mine
        self.other = other
        self._connection = connection
        self._take = take

    @override
    def data_received(self, data: bytes) -> None:
        self._take(data)

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one in all but its class.
        self._connection.opened(self, cast("asyncio.Transport", transport))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.closed(self, exc)

    @override
    def pause_writing(self) -> None:
        self.other.stop_reading("sink is full")

    @override
    def resume_writing(self) -> None:
        self.other.go_on_reading("sink is full")


def _reset(transport: asyncio.Transport) -> None:
    raw = transport.get_extra_info("socket")
    if raw is not None and not transport.is_closing():
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
