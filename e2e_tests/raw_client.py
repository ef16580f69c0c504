"""Clients that misbehave: a socket that says what no HTTP client would, and says it slowly."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from e2e_tests.client import Client

# No bound of these tests is near it.
_END_S = 8.0


@dataclass(frozen=True, slots=True)
class Heard:
    """All that came until the server closed: when, counted from the connection, and what."""

    seconds: float
    data: bytes

    @property
    def problem(self) -> tuple[int, str]:
        """Status and code of the one answer, which has the form of every refusal."""
        head, _, body = self.data.partition(b"\r\n\r\n")
        status, *fields = head.decode().split("\r\n")
        headers = dict(field.lower().split(": ", 1) for field in fields)
        document: dict[str, Any] = json.loads(body)
        assert headers["content-type"] == "application/problem+json"
        assert headers["x-content-type-options"] == "nosniff"
        assert status.startswith("HTTP/1.0") or headers["connection"] == "close"
        assert document["trace_id"] == headers["x-trace-id"]
        assert (headers.get("retry-after") is not None) == (document["status"] in (429, 503))
        assert document["status"] == int(status.split()[1])
        return document["status"], document["code"]


class RawClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._since = time.monotonic()

    async def send(self, data: bytes) -> None:
        """Sends it all at once."""
        self.writer.write(data)
        await self.writer.drain()

    async def drip(self, data: Iterable[bytes], *, every_s: float) -> None:
        """Sends one piece after another, until they or the connection end."""
        with suppress(ConnectionError):
            for piece in data:
                await self.send(piece)
                await asyncio.sleep(every_s)

    async def answer(self) -> bytes:
        """The next answer, of a connection that stays open."""
        async with asyncio.timeout(_END_S):
            head = await self._reader.readuntil(b"\r\n\r\n")
            fields = dict(f.lower().split(b": ", 1) for f in head.strip().split(b"\r\n")[1:])
            return head + await self._reader.readexactly(int(fields[b"content-length"]))

    def is_cut_off(self) -> bool:
        """Whether the server has reset the connection, though nothing was read that says so."""
        line: socket.socket = self.writer.get_extra_info("socket")
        broken = line.fileno() < 0 or line.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
        return broken or self.writer.transport.is_closing()

    async def end(self) -> Heard:
        """What is heard until the server closes; fails when it does not."""
        data = bytearray()
        async with asyncio.timeout(_END_S):
            with suppress(ConnectionError):
                while piece := await self._reader.read(65_536):
                    data += piece
        return Heard(time.monotonic() - self._since, bytes(data))

    async def drip_to_the_end(self, data: Iterable[bytes], *, every_s: float) -> Heard:
        """Drips until the server closes, and what it said."""
        dripping = asyncio.create_task(self.drip(data, every_s=every_s))
        try:
            return await self.end()
        finally:
            dripping.cancel()
            await asyncio.wait({dripping})


@asynccontextmanager
async def raw_client(
    client: Client, *, receive_bytes: int | None = None
) -> AsyncIterator[RawClient]:
    """A connection to the gateway of `client`; one with `receive_bytes` fetches nothing."""
    host, port = client.base.removeprefix("http://").split(":")
    line = socket.socket()
    if receive_bytes is not None:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    line.setblocking(False)
    await asyncio.get_running_loop().sock_connect(line, (host, int(port)))
    reader, writer = await asyncio.open_connection(sock=line, limit=receive_bytes or 2**20)
    try:
        yield RawClient(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
