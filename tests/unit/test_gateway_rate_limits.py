"""Rate limits around handlers: what is counted, what is refused, and what every answer says."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from ipaddress import ip_network
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.auth import authenticate
from gateway.client_address import ClientAddresses
from gateway.middleware import install
from gateway.problems import Problem
from gateway.rate_limits import (
    RateLimits,
    admit,
    admit_login,
    install_rate_limits,
    rates_of,
)
from gateway.tokens import Role, Tokens

TOKENS = Tokens("no secret" * 4, ttl_s=86_400)
ALICE, BOB = (
    {"Authorization": f"Bearer {TOKENS.mint(UUID(int=number), Role.USER)}"} for number in (1, 2)
)
# The tests' own client stands for a proxy that says so.
ELSEWHERE = {"X-Forwarded-For": "203.0.113.9"}
NAMES = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")

Client = TestClient[web.Request, web.Application]


async def _anyone(request: web.Request) -> web.Response:
    await admit(request)
    await admit(request)
    return web.Response()


async def _mine(request: web.Request) -> web.Response:
    authenticate(request, TOKENS)
    if "gone" in request.query:
        raise Problem("not_found")
    await admit(request)
    if "wrong" in request.query:
        raise Problem("invalid_value")
    return web.Response()


async def _login(request: web.Request) -> web.Response:
    await admit(request)
    await admit_login(request, request.query.get("email"))
    return web.Response()


async def _broken(request: web.Request) -> web.Response:
    await admit(request)
    raise RuntimeError


async def _stream(request: web.Request) -> web.StreamResponse:
    await admit(request)
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write_eof()
    return response


async def _health(request: web.Request) -> web.Response:
    return web.Response()


def app_of(*, user_burst: int = 3, address_burst: int = 100, login_per_min: int = 2, on=True):
    app = web.Application()
    install(app)
    if on:
        rates = rates_of(
            per_user=1,
            user_burst=user_burst,
            per_address=1,
            address_burst=address_burst,
            login_per_min=login_per_min,
        )
        here = ClientAddresses([ip_network("127.0.0.1")])
        limits = RateLimits(rates, clients=here, redis=None)
        install_rate_limits(app, limits)
    app.router.add_get("/anyone", _anyone)
    app.router.add_get("/mine", _mine)
    app.router.add_get("/login", _login)
    app.router.add_get("/broken", _broken)
    app.router.add_get("/stream", _stream)
    app.router.add_get("/health", _health)
    return app


@pytest.fixture(autouse=True)
def nothing_fills(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("throttled.utils.now_sec", lambda: 1_000_000)


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[Client]:
    async with TestClient(TestServer(app)) as client:
        yield client


Serve = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def serve() -> Serve:
    return lambda **numbers: _served(app_of(**numbers))


async def told(client: Client, path: str, **headers: str) -> tuple[int, list[str | None]]:
    """Status, and the three headers of the answer."""
    response = await client.get(path, headers=headers)
    return response.status, [response.headers.get(name) for name in NAMES]


async def test_a_request_is_counted_once_and_told_what_is_left(serve: Serve):
    async with serve(address_burst=3) as client:
        answers = [await told(client, "/anyone") for _ in range(4)]

    assert answers == [
        (200, ["3", "2", "1"]),
        (200, ["3", "1", "2"]),
        (200, ["3", "0", "3"]),
        (429, ["3", "0", "3"]),
    ]


async def test_a_refusal_is_a_problem_that_says_when_to_come_again(serve: Serve):
    async with serve(user_burst=1) as client:
        await client.get("/mine", headers=ALICE)
        response = await client.get("/mine", headers=ALICE)

        document = await response.json(content_type="application/problem+json")

    assert (response.status, document["code"]) == (429, "rate_limited")
    assert response.headers["Retry-After"] == "1"
    assert document["detail"] == (
        "Too many requests of this user: repeat it in 1 s, with its key if it has one."
    )


async def test_users_are_counted_apart_at_one_address(serve: Serve):
    async with serve(user_burst=2, address_burst=5) as client:
        alice = [await told(client, "/mine", **ALICE) for _ in range(3)]
        bob = await told(client, "/mine", **BOB)
        nobody = await told(client, "/anyone")

    assert [status for status, _ in alice] == [200, 200, 429]
    # Of the user's two and the address's five, told is what is nearer to its end.
    assert alice[0][1] == ["2", "1", "1"]
    assert bob == (200, ["5", "1", "4"])
    assert nobody == (200, ["5", "0", "5"])


async def test_an_address_without_any_left_takes_nothing_of_its_users(serve: Serve):
    async with serve(user_burst=3, address_burst=2) as client:
        answers = [await told(client, "/mine", **ALICE) for _ in range(8)]
        elsewhere = await told(client, "/mine", **ALICE, **ELSEWHERE)

    assert [status for status, _ in answers] == [200, 200] + [429] * 6
    assert elsewhere == (200, ["3", "0", "3"])


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/mine", {}, 401),
        ("/mine", {"Authorization": "Bearer x"}, 401),
        ("/mine?gone", ALICE, 404),
        ("/nowhere", {}, 404),
        ("/anyone", {"Expect": "nonsense"}, 417),
        ("/broken", {}, 500),
        ("/stream", {}, 200),
    ],
)
async def test_whatever_the_answer_it_was_counted_once_and_says_so(
    serve: Serve, path: str, headers: dict[str, str], status: int
):
    async with serve(user_burst=50, address_burst=9) as client:
        first = await told(client, path, **headers)
        second = await told(client, path, **headers)

    assert first == (status, ["9", "8", "1"])
    assert second == (status, ["9", "7", "2"])


async def test_a_method_that_is_not_there_is_counted(serve: Serve):
    async with serve(address_burst=9) as client:
        response = await client.delete("/anyone")

    assert (response.status, response.headers["X-RateLimit-Remaining"]) == (405, "8")


async def test_a_404_of_a_user_counts_for_the_user(serve: Serve):
    async with serve(user_burst=3) as client:
        await told(client, "/mine?gone", **ALICE)
        status, left = await told(client, "/mine", **ALICE)

    assert (status, left) == (200, ["3", "1", "2"])


async def test_401_and_404_are_told_before_429_and_422_after_it(serve: Serve):
    async with serve(user_burst=1, address_burst=1) as client:
        await told(client, "/anyone")

        assert (await told(client, "/mine?wrong"))[0] == 401
        assert (await told(client, "/mine", Authorization="Bearer x"))[0] == 401
        assert (await told(client, "/nowhere"))[0] == 404
        assert (await told(client, "/mine?gone", **ALICE))[0] == 404
        assert (await told(client, "/mine?wrong", **ALICE))[0] == 429
        assert (await told(client, "/mine", **ALICE))[0] == 429


async def test_who_has_no_token_is_counted_and_then_refused(serve: Serve):
    async with serve(address_burst=5) as client:
        refusals = [await told(client, "/mine") for _ in range(5)]

        assert {status for status, _ in refusals} == {401}
        assert await told(client, "/anyone") == (429, ["5", "0", "5"])


async def test_logins_are_counted_for_each_email_by_itself(serve: Serve):
    async with serve(login_per_min=2, address_burst=50) as client:
        guesser = [await told(client, "/login?email=a@example.com") for _ in range(3)]
        other = await told(client, "/login?email=b@example.com")
        nobody = [await told(client, "/login") for _ in range(3)]
        elsewhere = await told(client, "/login?email=a@example.com", **ELSEWHERE)
        here = await told(client, "/anyone")

    assert [status for status, _ in guesser] == [200, 200, 429]
    assert guesser[0][1] == ["2", "1", "30"]
    assert other[0] == 200
    assert [status for status, _ in nobody] == [200, 200, 429]
    assert elsewhere == (200, ["2", "1", "30"])
    assert here == (200, ["50", "42", "8"])


async def test_a_login_too_many_is_told_when_there_is_one_more(serve: Serve):
    async with serve(login_per_min=2) as client:
        for _ in range(2):
            await client.get("/login?email=a@example.com")
        response = await client.get("/login?email=a@example.com")

    assert response.headers["Retry-After"] == "30"


async def test_health_is_neither_counted_nor_refused(serve: Serve):
    async with serve(address_burst=1) as client:
        health = [await told(client, "/health") for _ in range(5)]
        counted = await told(client, "/anyone")

        assert health == [(200, [None, None, None])] * 5
        assert counted[0] == 200
        assert (await told(client, "/anyone"))[0] == 429
        assert (await told(client, "/health"))[0] == 200


async def test_without_limits_nothing_is_counted_and_nothing_said(serve: Serve):
    async with serve(on=False) as client:
        paths = ["/anyone", "/login?email=a@example.com", "/nowhere", "/stream"] * 10
        answers = [await told(client, path) for path in paths]

    assert {status for status, _ in answers} == {200, 404}
    assert all(left == [None, None, None] for _, left in answers)
