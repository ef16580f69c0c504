"""What a connection may cost: deadlines, sizes and a cap, around aiohttp's own protocol.

aiohttp closes a connection that is idle, and nothing else: a head that drips, an answer that is
not fetched and any number of connections are left to whoever runs it.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import cast

import structlog
from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestHandler, _ErrInfo
from typing_extensions import override

from gateway.client_address import ClientAddresses
from gateway.connection_counts import ConnectionCounts, Over
from gateway.middleware import problem_response, unread_response
from gateway.problems import Problem
from gateway.shares import Shares
from gateway.unread import HeadLateError, HeadTooLargeError, problem_of_unread

_log = structlog.stdlib.get_logger(__name__)

# What is answered to anybody, however many there are.
ALWAYS = ("/health", "/ready")
# The rest of a body that is not wanted is read for so long: else its sender misses the answer.
_LINGER_S = 2.0
# Who is over the cap has so long to ask, and is told so.
_DOOR_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientLimits:
    """What a client may take its time for, and how much it may send.

    Attributes:
        connections: served at once.
        of_address: of those, from one address.
        unsent_bytes: of answers that clients are slow to fetch, all together.
        unsent_of_address: of those, to one address.
        head_s: from the first byte of a request (or the connection) to the end of its head.
        idle_s: between an answer and the next request.
        send_s: for a client to fetch what waits for it.
        line_bytes: the request line, and each field of a head.
        head_bytes: a head that comes in pieces.
        fields: fields of a head.
    """

    connections: int
    of_address: int
    unsent_bytes: int
    unsent_of_address: int
    head_s: float
    idle_s: float
    send_s: float
    line_bytes: int
    head_bytes: int
    fields: int


class Connection(RequestHandler):
    """One connection: aiohttp's, with an end to everything that a client can draw out."""

    __slots__ = (
        "_address",
        "_end_timer",
        "_ended",
        "_head_bytes",
        "_head_timer",
        "_limits",
        "_line",
        "_unsent",
    )

    def __init__(self, gate: "Gate", *, loop: asyncio.AbstractEventLoop) -> None:
        limits = gate.limits
        super().__init__(
            gate,
            loop=loop,
            keepalive_timeout=limits.idle_s,
            access_log=None,  # type: ignore[arg-type] # aiohttp takes None, and says otherwise
            max_line_size=limits.line_bytes,
            max_field_size=limits.line_bytes,
            max_headers=limits.fields,
            lingering_time=_LINGER_S,
            # A packed body is refused (415): aiohttp would unpack it first.
            auto_decompress=False,
        )
        self._limits = limits
        self._ended = False
        self._line: asyncio.Transport | None = None
        self._address: str | None = None
        self._head_bytes = 0
        self._unsent = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._end_timer: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(self._manager, Gate)
        # uvloop's transports are none of asyncio's classes, only like them.
        line = cast("asyncio.Transport", transport)
        counts = self._manager.counts
        address = counts.address_of(line.get_extra_info("peername"))
        over = counts.over(address, connected=self._manager.connected)
        if over is Over.UNHEARD:
            line.abort()
            return
        head_s = self._limits.head_s
        if over is Over.AT_DOOR:
            head_s = min(head_s, _DOOR_S)
            self._request_handler = self._manager.answer_at_door
        counts.count(address, 1)
        self._address = address
        self._line = line
        self._head_timer = self._loop.call_later(head_s, self._head_late)
        super().connection_made(transport)

    @override
    def connection_lost(self, exc: BaseException | None) -> None:
        self._stop_head_timer()
        self._stop_end_timer()
        self._stop_waiting()
        if self._line is not None:
            assert isinstance(self._manager, Gate)
            self._manager.counts.count(self._address, -1)
        self._line = None
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        seen = self._request_count
        super().data_received(data)
        if self._request_count > seen:
            self._stop_head_timer()
            self._head_bytes = 0
        elif self._awaits_head():
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head_bytes:
                self._refuse(HeadTooLargeError())
            elif self._head_timer is None:
                self._head_timer = self._loop.call_later(self._limits.head_s, self._head_late)

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._start_end_timer()
        self._begin_waiting()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_waiting()
        if not self._ended:
            self._stop_end_timer()

    @override
    async def start(self) -> None:
        try:
            await super().start()
        finally:
            # Closed, and gone when the client has fetched the rest; or else then.
            self._ended = True
            self._start_end_timer()

    @override
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what never became a request; it ends the connection."""
        if isinstance(exc, ConnectionError):
            # Nobody is there any more: no bug, and nobody to be told.
            raise exc
        if status >= 500:
            _log.error("request.failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the answer is sent")
        response = unread_response(problem_of_unread(status, exc))
        response.force_close()
        return response

    def _awaits_head(self) -> bool:
        if self._waiter is None:
            # aiohttp begins to wait a moment after the connection is made.
            return self._request_count == 0
        return not self._waiter.done()

    def _head_late(self) -> None:
        self._head_timer = None
        if not self._awaits_head():
            return
        if self._head_bytes:
            self._refuse(HeadLateError())
        else:
            self.force_close()

    def _refuse(self, error: Exception) -> None:
        """Answers what is no request yet, by the way that aiohttp takes for broken HTTP."""
        self._request_count += 1
        self._messages.append((_ErrInfo(status=400, exc=error, message=""), EMPTY_PAYLOAD))
        if self._waiter is not None:
            self._waiter.set_result(None)
        self._close = True

    def _begin_waiting(self) -> None:
        """Counts what waits to be fetched, or cuts off whose it is: it is memory.

        The next answer is not written before this one is fetched, so it does not grow.
        """
        if self._line is None:
            return
        assert isinstance(self._manager, Gate)
        size = self._line.get_write_buffer_size()
        if self._manager.unsent.take(self._address, size):
            self._unsent = size
        else:
            self._loop.call_soon(self._line.abort)

    def _stop_waiting(self) -> None:
        if self._unsent:
            assert isinstance(self._manager, Gate)
            self._manager.unsent.give_back(self._address, self._unsent)
            self._unsent = 0

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _start_end_timer(self) -> None:
        if self._line is not None and self._end_timer is None:
            self._end_timer = self._loop.call_later(self._limits.send_s, self._line.abort)

    def _stop_end_timer(self) -> None:
        if self._end_timer is not None:
            self._end_timer.cancel()
            self._end_timer = None


class Gate(web.Server):
    """Makes the connections, and counts them."""

    def __init__(
        self, server: web.Server, *, limits: ClientLimits, clients: ClientAddresses
    ) -> None:
        super().__init__(self._handle, request_factory=server.request_factory)
        self._application = server.request_handler
        self.limits = limits
        self.counts = ConnectionCounts(
            connections=limits.connections, of_address=limits.of_address, clients=clients
        )
        # Bytes of answers that wait to be fetched.
        self.unsent: Shares[str] = Shares(most=limits.unsent_bytes, of_one=limits.unsent_of_address)

    @property
    def connected(self) -> int:
        """Connections that are open."""
        return len(self._connections)

    @override
    def __call__(self) -> RequestHandler:
        return Connection(self, loop=self._loop)

    def _handle(self, request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        if "Expect" in request.headers or "Upgrade" in request.headers:
            return self._handle_odd(request)
        return self._application(request)

    async def _handle_odd(self, request: web.BaseRequest) -> web.StreamResponse:
        response: web.StreamResponse
        try:
            response = await self._application(request)
        except (web.HTTPExpectationFailed, UnicodeEncodeError):
            # Before any middleware runs, and in plain text. The latter where the header is no
            # UTF-8: aiohttp quotes it.
            response = problem_response(request, Problem("expectation_failed"))
        if "Upgrade" in request.headers:
            # aiohttp may have dropped what came behind it, as if it were another protocol's.
            response.force_close()
        return response

    async def answer_at_door(self, request: web.BaseRequest) -> web.StreamResponse:
        """One answer to a connection over the cap: only whether this gateway lives and works."""
        response: web.StreamResponse
        if request.path in ALWAYS:
            response = await self.request_handler(request)
        else:
            response = unread_response(Problem("too_many_connections"))
        response.force_close()
        return response


class GuardedRunner(web.AppRunner):
    """Runs an application behind a `Gate`."""

    def __init__(
        self,
        app: web.Application,
        *,
        limits: ClientLimits,
        clients: ClientAddresses,
        shutdown_timeout: float,
    ) -> None:
        super().__init__(app, access_log=None, shutdown_timeout=shutdown_timeout)
        self.limits = limits
        self._clients = clients

    @override
    async def _make_server(self) -> web.Server:
        return Gate(await super()._make_server(), limits=self.limits, clients=self._clients)
