"""One keep-alive connection: bytes out, a parsed answer in, nothing between."""

import asyncio
from collections.abc import Callable
from typing import cast

import httptools
from typing_extensions import override


class Connection(asyncio.Protocol):
    """Carries one request at a time.

    Args:
        on_answer: given the connection, the status and the body of each answer.
        on_lost: given the connection when it is closed by the other side.

    Attributes:
        since: the intended start of the request that is under way; None without one.
    """

    def __init__(
        self,
        on_answer: Callable[["Connection", int, bytes], None],
        on_lost: Callable[["Connection"], None],
    ) -> None:
        self._on_answer = on_answer
        self._on_lost = on_lost
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self._transport: asyncio.Transport | None = None
        self.since: float | None = None

    def send(self, request: bytes, *, since: float) -> None:
        """Sends a request; there is none under way."""
        assert self._transport is not None
        self.since = since
        self._transport.write(request)

    def close(self) -> None:
        """Closes it; `on_lost` is not told."""
        self._on_lost = lambda _: None
        if self._transport is not None:
            self._transport.abort()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    @override
    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._on_lost(self)

    def on_body(self, body: bytes) -> None:
        """Of httptools: a part of the body."""
        self._body = self._body + body if self._body else body

    def on_message_complete(self) -> None:
        """Of httptools: the answer is whole."""
        body, self._body = self._body, b""
        self._on_answer(self, self._parser.get_status_code(), body)
