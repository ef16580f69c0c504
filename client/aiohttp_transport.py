"""Requests over aiohttp; loaded by who opens a connection, since it takes its time."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
from yarl import URL

from client.answers import RawAnswer
from client.requests import Request
from client.transport import LostError, Stream

# The largest answer of a gateway, a page of transfers with all their metadata, has some 7 MB.
# What is packed is counted as it is unpacked.
ANSWER_BYTES_MAX = 32 << 20


class AiohttpTransport:
    """Requests over an aiohttp session.

    Args:
        session: open, and closed by who opened it.
        url: of the gateway.
        connect_s: how long a connection may take to be made.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, *, connect_s: float) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._connect_s = connect_s

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, url: str, *, connections: int, connect_s: float
    ) -> AsyncIterator["AiohttpTransport"]:
        """A transport with a session of its own, which is closed at the end."""
        connector = aiohttp.TCPConnector(limit=connections)
        async with aiohttp.ClientSession(connector=connector) as session:
            yield cls(session, url, connect_s=connect_s)

    async def send(self, request: Request, *, timeout_s: float) -> RawAnswer:
        """See `Transport`."""
        limits = aiohttp.ClientTimeout(total=timeout_s, sock_connect=self._connect_s)
        try:
            async with self._open(request, limits) as response:
                return _raw(response, await _whole(response))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _lost(error) from error

    @asynccontextmanager
    async def stream(self, request: Request, *, silence_s: float) -> AsyncIterator[Stream]:
        """See `Transport`."""
        limits = aiohttp.ClientTimeout(
            total=None, sock_connect=self._connect_s, sock_read=silence_s
        )
        try:
            async with self._open(request, limits) as response:
                body = b"" if response.status == 200 else await _whole(response)
                yield _AiohttpStream(response, _raw(response, body))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _lost(error) from error

    def _open(
        self, request: Request, limits: aiohttp.ClientTimeout
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self._session.request(
            request.operation.method,
            URL(self._url + request.path, encoded=True),
            data=request.body,
            headers=request.headers,
            timeout=limits,
            allow_redirects=False,
        )


class _AiohttpStream:
    def __init__(self, response: aiohttp.ClientResponse, raw: RawAnswer) -> None:
        self._response = response
        self._raw = raw

    @property
    def raw(self) -> RawAnswer:
        return self._raw

    async def pieces(self) -> AsyncIterator[bytes]:
        async for piece in self._response.content.iter_any():
            yield piece


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """The body; raises `LostError` when it is larger than any of a gateway, and reads no more."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > ANSWER_BYTES_MAX:
            response.close()
            raise LostError(f"an answer of more than {ANSWER_BYTES_MAX:,} bytes", was_sent=True)
    return bytes(body)


def _raw(response: aiohttp.ClientResponse, body: bytes) -> RawAnswer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return RawAnswer(response.status, headers, body)


def _lost(error: Exception) -> LostError:
    never_left = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    return LostError(str(error) or type(error).__name__, was_sent=not never_left)
