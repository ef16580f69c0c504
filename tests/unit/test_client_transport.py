"""The seam to aiohttp: what arrives, and what a connection that fails is to the client."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from client import Holdfast, operations
from client.aiohttp_transport import ANSWER_BYTES_MAX, AiohttpTransport
from client.requests import make
from client.transport import LostError
from devstack.ports import free_port

REQUEST = make(operations.GET_TRANSFER, {"transfer_id": "a/b"}).by("token")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def transport_of(handler: Handler) -> AsyncIterator[AiohttpTransport]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield AiohttpTransport(session, f"http://127.0.0.1:{server.port}/", connect_s=5.0)


async def test_a_request_arrives_as_it_is():
    seen = []

    async def look(request: web.Request) -> web.Response:
        seen.append((request.raw_path, request.headers["Authorization"]))
        return web.Response(status=302, headers={"Location": "/x", "X-Trace-Id": "t"}, text="b")

    async with transport_of(look) as transport:
        raw = await transport.send(REQUEST, timeout_s=5.0)

    # Once: whoever redirects is no gateway.
    assert seen == [("/v1/transfers/a%2Fb", "Bearer token")]
    assert (raw.status, raw.headers["x-trace-id"], raw.body) == (302, "t", b"b")


async def test_a_connection_that_is_refused_was_never_used():
    async with aiohttp.ClientSession() as session:
        transport = AiohttpTransport(session, f"http://127.0.0.1:{free_port()}", connect_s=5.0)

        with pytest.raises(LostError) as lost:
            await transport.send(REQUEST, timeout_s=5.0)

    assert not lost.value.was_sent


async def broken_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b"{")
    assert request.transport is not None
    request.transport.abort()
    return response


async def closed(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@pytest.mark.parametrize("handler", [broken_off, closed])
async def test_an_answer_that_breaks_off_may_have_happened(handler: Handler):
    async with transport_of(handler) as transport:
        with pytest.raises(LostError) as lost:
            await transport.send(REQUEST, timeout_s=5.0)

    assert lost.value.was_sent


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(status=400)
    await response.prepare(request)
    for _ in range(ANSWER_BYTES_MAX // 65_536):
        await response.write(b" " * 65_536)
    with suppress(ConnectionError):
        while True:
            await response.write(b" " * 65_536)
    return response


async def bomb(_request: web.Request) -> web.Response:
    packed = gzip.compress(b" " * (ANSWER_BYTES_MAX + 1))
    return web.Response(status=400, body=packed, headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize("handler", [endless, bomb])
async def test_an_answer_that_is_larger_than_any_of_a_gateway_is_not_read(handler: Handler):
    async with transport_of(handler) as transport:
        with pytest.raises(LostError, match="more than 33,554,432 bytes") as lost:
            await transport.send(REQUEST, timeout_s=30.0)
        with pytest.raises(LostError, match="more than 33,554,432 bytes"):
            async with transport.stream(REQUEST, silence_s=30.0):
                pass

    assert lost.value.was_sent


async def test_an_answer_that_does_not_come_may_have_happened():
    goes_on = asyncio.Event()

    async def silent(_request: web.Request) -> web.Response:
        await goes_on.wait()
        return web.Response()

    async with transport_of(silent) as transport:
        with pytest.raises(LostError) as lost:
            await transport.send(REQUEST, timeout_s=0.05)
        goes_on.set()

    assert lost.value.was_sent


async def test_a_stream_is_read_while_it_comes_and_may_break_off():
    was_read = asyncio.Event()

    async def breaks_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one")
        await was_read.wait()
        assert request.transport is not None
        request.transport.abort()
        return response

    pieces: list[bytes] = []
    async with transport_of(breaks_off) as transport:
        with pytest.raises(LostError):
            await read_into(pieces, transport, was_read)

    assert pieces == [b"one"]


async def read_into(
    pieces: list[bytes], transport: AiohttpTransport, was_read: asyncio.Event
) -> None:
    """Reads a stream to its end, and says when the first piece has come."""
    async with transport.stream(REQUEST, silence_s=30.0) as stream:
        assert (stream.raw.status, stream.raw.body) == (200, b"")
        async for piece in stream.pieces():
            pieces.append(piece)
            was_read.set()


async def test_a_stream_that_is_silent_for_long_is_lost():
    goes_on = asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await goes_on.wait()
        return response

    async with transport_of(silent) as transport:
        with pytest.raises(LostError):
            async with transport.stream(REQUEST, silence_s=0.1) as stream:
                _ = [piece async for piece in stream.pieces()]
        goes_on.set()


async def test_what_is_no_stream_has_its_body():
    async def refused(_request: web.Request) -> web.Response:
        return web.Response(status=404, text="no")

    async with transport_of(refused) as transport, transport.stream(REQUEST, silence_s=5.0) as told:
        assert (told.raw.status, told.raw.body) == (404, b"no")


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "localhost:8080", "ftp://x"])
def test_what_is_no_url_is_told_at_once(url):
    with pytest.raises(ValueError, match="no URL of a gateway"):
        Holdfast(url)


async def test_a_client_that_is_not_open_says_how_it_is_opened():
    with pytest.raises(RuntimeError, match="async with"):
        await Holdfast("http://127.0.0.1:1").currencies()
