"""GET /transfers/{id}/events: what becomes of a transfer, told while it happens."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web

from gateway.auth import authenticate
from gateway.currencies import Currencies
from gateway.ended import Waiter
from gateway.event_stream import HEARTBEAT, MEDIA_TYPE, RETRY, events_from, first_unseen
from gateway.operations import Operation, Route, Shown, Tag, Who
from gateway.path_ids import path_uuid
from gateway.present import show_transfer
from gateway.query import parse_no_query
from gateway.rate_limits import admit
from gateway.tokens import Tokens
from gateway.transfer_reads import TransferReads
from gateway.transfer_views import TransferView
from sagas.states import TERMINAL
from shards.transfers import Transfer

_HEADERS = {
    "Content-Type": MEDIA_TYPE,
    # Some proxies gather an answer before they pass it on, unless they are told.
    "X-Accel-Buffering": "no",
}


EVENTS: Final = Operation(
    method=hdrs.METH_GET,
    path="/v1/transfers/{transfer_id}/events",
    name="follow_transfer",
    tag=Tag.TRANSFERS,
    who=Who.PARTY_OR_OPERATOR,
    resumes=True,
    # A HEAD would have to wait for a body that it must not have.
    allow_head=False,
    shown={
        200: Shown(says="Server-sent events, one for each status.", media=MEDIA_TYPE),
        204: Shown(says="All were seen, and no more will come.", media=None),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a stream of events goes on while nothing happens.

    Attributes:
        look_s: a transfer that is not over is read again so often: only its end is pushed, and a
            notice may be lost.
        heartbeat_s: a stream that was silent for so long says that it lives.
        stream_s: a stream ends after so long, and its client goes on with another one.
    """

    look_s: float
    heartbeat_s: float
    stream_s: float


class TransferEventRoutes:
    """Streams of what becomes of a transfer, for those who may read it."""

    def __init__(
        self, *, tokens: Tokens, currencies: Currencies, reads: TransferReads, pace: Pace
    ) -> None:
        self._tokens = tokens
        self._currencies = currencies
        self._reads = reads
        self._pace = pace

    def table(self) -> list[Route]:
        """Each operation, and what does it."""
        return [EVENTS.route(self.transfer_events)]

    async def transfer_events(self, request: web.Request) -> web.StreamResponse:
        """200 with an event for each status that was not seen; 204 when no more will come."""
        principal = authenticate(request, self._tokens)
        transfer_id = path_uuid(request, "transfer_id")
        # Before it is read: what ends between the two is told by a notice.
        with self._reads.notices.waiter(transfer_id) as waiter:
            transfer = await self._reads.visible(transfer_id, principal)
            await admit(request)
            parse_no_query(request.query)
            decimals = await self._currencies.decimals(transfer.currency)
            shown = show_transfer(transfer, decimals)
            first = first_unseen(request.headers, shown)
            if transfer.status in TERMINAL and first == len(shown.timeline):
                # Whoever is told 200 asks again for ever.
                return web.Response(status=204)
            stream = _Stream(request, first=first, heartbeat_s=self._pace.heartbeat_s)
            # A client that has gone away is told nothing more.
            with suppress(ConnectionError):
                await stream.begin()
                await self._follow(stream, transfer, waiter, decimals)
        return stream.response

    async def _follow(
        self, stream: "_Stream", transfer: Transfer, waiter: Waiter, decimals: int
    ) -> None:
        clock = asyncio.get_running_loop().time
        ends_at = clock() + self._pace.stream_s
        while True:
            await stream.tell(show_transfer(transfer, decimals))
            is_told = transfer.status in TERMINAL or stream.is_cut
            if is_told or self._reads.notices.closing or clock() >= ends_at:
                return
            transfer = await self._reads.look_again(transfer, waiter, after_s=self._pace.look_s)


class _Stream:
    """What one client is sent: each event once, and a heartbeat where there is none."""

    def __init__(self, request: web.Request, *, first: int, heartbeat_s: float) -> None:
        self.response = web.StreamResponse(headers=_HEADERS)
        self._request = request
        self._next = first
        self._heartbeat_s = heartbeat_s
        self._clock = asyncio.get_running_loop().time
        self._said_at = self._clock()

    async def begin(self) -> None:
        """Sends the head; raises ConnectionError, as `tell`, when the client has gone away."""
        await self.response.prepare(self._request)
        await self.response.write(RETRY)

    async def tell(self, shown: TransferView) -> None:
        """Sends what was not sent yet, or a heartbeat when it is time for one."""
        events = list(events_from(self._next, shown))
        if not events and self._clock() - self._said_at < self._heartbeat_s:
            return
        self._next += len(events)
        await self.response.write(b"".join(events) or HEARTBEAT)
        self._said_at = self._clock()

    @property
    def is_cut(self) -> bool:
        """Whether the client has gone away: aiohttp tells nobody who does not write."""
        transport = self._request.transport
        return transport is None or transport.is_closing()
