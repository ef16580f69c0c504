"""What carries requests: the seam to HTTP, and the two ways in which it fails."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from client.answers import RawAnswer
from client.requests import Request


class LostError(Exception):
    """The connection broke, or the time was over, before the answer was whole.

    Args:
        what: what happened, for the text of errors.
        was_sent: whether the gateway may have the request.
    """

    def __init__(self, what: str, *, was_sent: bool) -> None:
        super().__init__(what)
        self.was_sent = was_sent


class Stream(Protocol):
    """An answer that goes on; `raw` has no body when its status is 200."""

    @property
    def raw(self) -> RawAnswer:
        """Status and headers; the body of what is no stream."""

    def pieces(self) -> AsyncIterator[bytes]:
        """Its pieces, up to the end; raises `LostError`."""


class Transport(Protocol):
    """Sends one request once."""

    async def send(self, request: Request, *, timeout_s: float) -> RawAnswer:
        """The whole answer; raises `LostError`."""

    def stream(self, request: Request, *, silence_s: float) -> AbstractAsyncContextManager[Stream]:
        """An answer that is read while it comes; raises `LostError`, also after this silence."""
