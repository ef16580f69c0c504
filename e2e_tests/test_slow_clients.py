"""Clients that are slow on purpose, send too much or are too many: bounded, told, and alone."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from itertools import repeat

import pytest

from e2e_tests.answers import at_once
from e2e_tests.client import Client
from e2e_tests.raw_client import Heard, raw_client
from e2e_tests.system import System
from reliability.slow_clients.attack import Attack
from tests.eventually import eventually

HEAD_S, BODY_S, IDLE_S, SEND_S = 0.6, 0.8, 1.2, 1.0
# What a loaded machine and the last drop may add.
SLACK_S = 1.5
# After a 408 the rest of a body is read for so long.
LINGER_S = 2.0
CAP = 5

GET = b"GET /health HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture
async def hurried(system: System) -> Client:
    """A gateway of its own process that waits for nobody."""
    system.change(
        clients={"head_s": HEAD_S, "body_s": BODY_S, "idle_s": IDLE_S, "send_s": SEND_S},
    )
    return await system.spawn_gateway()


async def _drip(
    client: Client, pieces: Iterable[bytes], *, first: bytes = b"", every_s: float = 0.05
) -> Heard:
    async with raw_client(client) as line:
        if first:
            await line.send(first)
        return await line.drip_to_the_end(pieces, every_s=every_s)


async def test_a_head_has_to_arrive_in_time(hurried: Client):
    nothing, first_byte, lines, later = await at_once(
        _drip(hurried, []),
        _drip(hurried, [], first=b"G"),
        _drip(hurried, repeat(b"X-A: b\r\n"), first=GET),
        _drip(hurried, repeat(b"X-A: b\r\n"), first=GET + b"\r\n" + GET),
    )

    assert nothing.data == b""
    assert first_byte.problem == (408, "request_timeout")
    assert lines.problem == (408, "request_timeout")
    # The first of two requests is answered before the second is late.
    assert later.data.startswith(b"HTTP/1.1 200 OK")
    assert later.data.count(b" 408 Request Timeout\r\n") == 1
    for heard in (nothing, first_byte, lines, later):
        assert HEAD_S - 0.1 < heard.seconds < HEAD_S + SLACK_S


async def test_a_body_has_to_arrive_in_time(hurried: Client):
    sized, chunked, silent, unwanted = await at_once(
        _drip(hurried, repeat(b" "), first=POST + b"Content-Length: 5000\r\n\r\n"),
        _drip(hurried, repeat(b"1\r\n \r\n"), first=POST + b"Transfer-Encoding: chunked\r\n\r\n"),
        _drip(hurried, [], first=POST + b"Content-Length: 5000\r\n\r\n"),
        _drip(hurried, repeat(b" "), first=GET + b"Content-Length: 5000\r\n\r\n"),
    )

    for heard in (sized, chunked, silent):
        assert heard.problem == (408, "request_timeout")
        assert BODY_S - 0.1 < heard.seconds < BODY_S + LINGER_S + SLACK_S
    assert unwanted.data.startswith(b"HTTP/1.1 200 OK")
    assert unwanted.seconds < LINGER_S + SLACK_S


async def test_a_connection_that_rests_is_closed_and_one_that_works_is_not(hurried: Client):
    async with raw_client(hurried) as line:
        for _ in range(4):
            await line.send(GET + b"\r\n")
            assert (await line.answer()).startswith(b"HTTP/1.1 200 OK")
            await asyncio.sleep(IDLE_S / 2)
        heard = await line.end()

    assert heard.data == b""
    assert 2.5 * IDLE_S < heard.seconds < 3 * IDLE_S + SLACK_S


TOO_LARGE = {
    "line": [b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n"],
    "field": [GET + b"X-A: " + b"a" * 9_000 + b"\r\n"],
    "endless field": [GET + b"X-A: ", *repeat(b"a" * 500, 40)],
    "name": [GET + b"a" * 9_000 + b": x\r\n"],
    "fields": [GET + b"X-A: b\r\n" * 101 + b"\r\n"],
    "bytes": [GET, *repeat(b"X-A: " + b"a" * 4_000 + b"\r\n", 20)],
}
BROKEN = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    GET + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    GET + b"Content-Length: -1\r\n\r\n",
    GET + b": nameless\r\n\r\n",
]


async def test_a_head_that_is_too_large_is_431(hurried: Client):
    for what, pieces in TOO_LARGE.items():
        heard = await _drip(hurried, pieces, every_s=0.005)

        assert heard.problem == (431, "head_too_large"), what
        assert heard.seconds < SLACK_S


async def test_broken_http_is_a_problem_like_any_other(hurried: Client):
    for request in BROKEN:
        async with raw_client(hurried) as line:
            await line.send(request)
            assert (await line.end()).problem == (400, "bad_request"), request


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(hurried: Client):
    body = b"10000\r\n" + b"a" * 65_536 + b"\r\n" + b"1\r\na\r\n"
    async with raw_client(hurried) as announced, raw_client(hurried) as chunked:
        await announced.send(POST + b"Content-Length: 65537\r\n\r\n")
        await chunked.send(POST + b"Transfer-Encoding: chunked\r\n\r\n" + body)

        for line in (announced, chunked):
            assert b'"code":"body_too_large"' in await line.answer()


async def test_who_sends_and_never_fetches_is_cut_off_and_alone_in_it(hurried: Client):
    async with raw_client(hurried, receive_bytes=4_096) as line:
        line.writer.write(b"GET /v1/currencies HTTP/1.1\r\nHost: x\r\n\r\n" * 20_000)
        until, slowest = time.monotonic() + 20.0, 0.0
        while not line.is_cut_off():
            assert time.monotonic() < until
            before = time.monotonic()
            assert (await hurried.call("GET", "/health")).status == 200
            slowest = max(slowest, time.monotonic() - before)
            await asyncio.sleep(0.05)

    assert slowest < 1.0


async def test_requests_that_come_together_are_answered_one_after_another(hurried: Client):
    async with raw_client(hurried) as line:
        await line.send((GET + b"\r\n") * 200)

        for _ in range(200):
            assert (await line.answer()).startswith(b"HTTP/1.1 200 OK")


async def test_slow_connections_come_and_go_and_everybody_else_is_served(
    system: System, hurried: Client
):
    alice, bob = await hurried.member(EUR="100.00"), await hurried.member()
    host, port = hurried.base.removeprefix("http://").split(":")
    attack = Attack(host, int(port), 150)
    attacking = asyncio.create_task(attack.run())
    answers = []
    until = time.monotonic() + 20.0
    while min(attack.closed.values()) < 50:
        assert time.monotonic() < until, attack
        answers.append(await hurried.transfer(alice, bob, "0.01"))
        answers.append(await hurried.call("GET", alice.wallet, by=alice))
    attacking.cancel()
    await asyncio.wait({attacking})

    # Each habit was closed as often as it has connections, and came back.
    assert len(answers) > 20
    assert {answer.status for answer in answers} == {200, 202}


async def test_connections_over_the_cap_are_told_so(system: System):
    system.change(clients={"connections": CAP, "head_s": 30.0, "idle_s": 30.0})
    client = await system.spawn_gateway()
    member = GET.replace(b"/health", b"/v1/currencies") + b"\r\n"
    async with AsyncExitStack() as stack:
        # The test's own client keeps one connection.
        served = [await stack.enter_async_context(raw_client(client)) for _ in range(CAP - 1)]
        async with raw_client(client) as asking, raw_client(client) as probing:
            await asking.send(member)
            await probing.send(GET + b"\r\n")
            refused, alive = await asking.end(), await probing.end()
        async with raw_client(client) as silent:
            unheard = await silent.end()
        await served[0].send(member)
        still = await served[0].answer()
        crowd = [await stack.enter_async_context(raw_client(client)) for _ in range(80)]
        ends = await at_once(*(line.end() for line in crowd))

    assert refused.problem == (503, "too_many_connections")
    assert alive.data.startswith(b"HTTP/1.1 200 OK")
    assert unheard.data == b""
    assert unheard.seconds < 1.0 + SLACK_S
    assert still.startswith(b"HTTP/1.1 200 OK")
    assert sum(heard.data == b"" for heard in ends) == 80
    assert max(heard.seconds for heard in ends) < 3.0 + SLACK_S
    assert (await eventually(lambda: _served(client))) is True


async def _served(client: Client) -> bool:
    return (await client.call("GET", "/v1/currencies")).status == 200
