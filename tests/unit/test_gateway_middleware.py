from collections.abc import AsyncIterator

import pytest
import structlog
from aiohttp import ClientPayloadError, web
from aiohttp.test_utils import TestClient, TestServer

from gateway.middleware import install
from gateway.problems import Problem
from gateway.tracing import trace_of

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"

Client = TestClient[web.Request, web.Application]


class AwayError(Exception):
    pass


async def _ok(request: web.Request) -> web.Response:
    return web.json_response({"traceparent": trace_of(request).traceparent})


async def _refuse(request: web.Request) -> web.Response:
    raise Problem("insufficient_funds")


async def _break(request: web.Request) -> web.Response:
    raise RuntimeError("select secret from shelf")


async def _away(request: web.Request) -> web.Response:
    raise AwayError


async def _unread(request: web.Request) -> web.Response:
    raise web.HTTPRequestEntityTooLarge(1)


async def _stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write_eof()
    return response


async def _break_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"a part")
    raise RuntimeError("select secret from shelf")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = web.Application()
    install(
        app,
        translate=lambda e: Problem("shard_unavailable") if isinstance(e, AwayError) else None,
    )
    app.router.add_get("/ok", _ok)
    app.router.add_get("/refuse", _refuse)
    app.router.add_get("/break/{id}", _break)
    app.router.add_get("/break-off", _break_off)
    app.router.add_get("/away", _away)
    app.router.add_get("/unread", _unread)
    app.router.add_get("/stream", _stream)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/refuse", 422, "insufficient_funds"),
        ("GET", "/nowhere", 404, "not_found"),
        ("POST", "/ok", 405, "method_not_allowed"),
        ("GET", "/unread", 413, "body_too_large"),
        ("GET", "/away", 503, "shard_unavailable"),
        ("GET", "/break/1", 500, "internal_error"),
    ],
)
async def test_every_error_is_a_problem(
    client: Client, method: str, path: str, status: int, code: str
) -> None:
    response = await client.request(method, path, headers={"traceparent": TRACEPARENT})

    document = await response.json(content_type="application/problem+json")
    assert (response.status, document["status"], document["code"]) == (status, status, code)
    assert document["trace_id"] == response.headers["X-Trace-Id"] == TRACE_ID


@pytest.mark.parametrize("path", ["/ok", "/refuse", "/nowhere", "/break/1", "/stream"])
async def test_every_answer_has_the_common_headers(client: Client, path: str) -> None:
    response = await client.get(path)

    assert len(response.headers["X-Trace-Id"]) == 32
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert "Server" not in response.headers


async def test_each_request_has_a_trace_of_its_own(client: Client) -> None:
    first, second = await client.get("/ok"), await client.get("/ok")

    assert first.headers["X-Trace-Id"] != second.headers["X-Trace-Id"]


async def test_a_handler_sends_the_trace_along(client: Client) -> None:
    response = await client.get("/ok", headers={"traceparent": TRACEPARENT})

    document = await response.json()
    assert document["traceparent"].startswith(f"00-{TRACE_ID}-")
    assert document["traceparent"] != TRACEPARENT


async def test_405_names_the_methods(client: Client) -> None:
    response = await client.delete("/ok")

    assert response.headers["Allow"] == "GET,HEAD"


async def test_503_says_when_to_come_back(client: Client) -> None:
    response = await client.get("/away")

    assert response.headers["Retry-After"] == "1"


async def test_a_bug_is_logged_with_its_trace_and_not_told(client: Client) -> None:
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as logs:
        response = await client.get("/break/7", headers={"traceparent": TRACEPARENT})

    assert "select" not in await response.text()
    [line] = logs
    assert (line["event"], line["trace_id"]) == ("request.failed", TRACE_ID)
    assert line["route"] == "/break/{id}"
    assert isinstance(line["exc_info"], RuntimeError)


async def test_an_answer_that_breaks_off_is_cut_and_nothing_is_added_to_it(client: Client) -> None:
    response = await client.get("/break-off")

    assert response.status == 200
    assert await response.content.readexactly(6) == b"a part"
    with pytest.raises(ClientPayloadError):
        await response.content.readexactly(1)
