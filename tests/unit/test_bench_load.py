"""The load client against a gateway that is slow: queueing must show, and nothing is left out."""

import asyncio
from dataclasses import replace

import pytest

from bench.cases import Mode
from bench.load.client import Load
from tests.unit.test_bench_requests import plan

_BODY = b'{"code":"insufficient_funds"}'
_REFUSED = b"HTTP/1.1 422 Unprocessable\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
_ANSWER_S = 0.05


class SlowGateway:
    """Answers each request of a connection after a while: all of them are over by that."""

    def __init__(self) -> None:
        self.requests = 0
        self.asked = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        while head := await self._head(reader):
            length = head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]
            await reader.readexactly(int(length))
            self.requests += 1
            self.asked.set()
            await asyncio.sleep(_ANSWER_S)
            writer.write(_REFUSED)

    async def _head(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""


@pytest.fixture
async def gateway():
    gateway = SlowGateway()
    yield gateway
    await gateway.close()


async def test_an_open_loop_times_from_the_intended_start(gateway: SlowGateway):
    # Two connections answer 40/s: arrivals at twice that wait longer and longer.
    told = plan(Mode.OPEN)
    told = replace(told, port=await gateway.start(), clients=2, rate=80.0, drain_s=10.0)

    result = await Load(told, tell_start=lambda _: None).run()

    assert result.refused == gateway.requests == result.due
    assert result.due > 50
    assert (result.failed, result.unfinished) == (0, 0)
    assert result.latency_ms is not None
    assert result.latency_ms["max"] > 500
    assert result.latency_ms["p50"] > 3 * _ANSWER_S * 1000


async def test_what_no_client_was_ever_free_for_is_unfinished(gateway: SlowGateway):
    told = plan(Mode.OPEN)
    told = replace(told, port=await gateway.start(), clients=1, rate=80.0, drain_s=0.1)

    result = await Load(told, tell_start=lambda _: None).run()

    assert result.unfinished == result.due - result.refused
    assert result.unfinished > 20


async def test_a_closed_loop_has_one_request_of_each_client_under_way(gateway: SlowGateway):
    told = replace(plan(Mode.POST), port=await gateway.start(), clients=4)

    result = await Load(told, tell_start=lambda _: None).run()

    assert result.failed == 0
    # Four clients, 50 ms each, one second: 80 at the most.
    assert 20 < result.due <= 84
    assert result.latency_ms is not None
    assert result.latency_ms["p50"] >= _ANSWER_S * 1000


async def test_a_closed_loop_holds_back_at_its_bound(gateway: SlowGateway):
    told = replace(plan(Mode.POST), port=await gateway.start(), clients=4, open_max=1)

    result = await Load(told, tell_start=lambda _: None).run()

    assert 5 < result.due <= 21


async def test_a_lost_connection_is_a_failure_and_is_opened_again(gateway: SlowGateway):
    told = replace(plan(Mode.POST), port=await gateway.start(), clients=1)
    load = asyncio.create_task(Load(told, tell_start=lambda _: None).run())
    async with asyncio.timeout(5):
        await gateway.asked.wait()
    gateway._writers[0].transport.abort()

    result = await load

    assert result.failed == 1
    assert result.problem == "0: the connection was lost while an answer was due"
    assert result.refused > 5
