"""Rate limits as a client meets them: who is refused, when, for how long, and who is not."""

import asyncio
import time
from uuid import UUID

import pytest
from pydantic import SecretStr

from devstack.jars import SWAGGER_UI, fetched
from e2e_tests.answers import at_once, refused, unchanged
from e2e_tests.client import Client, Member, new_key
from e2e_tests.limits_kit import LIMITED, NAMES, PASSWORD, left, login, until_refused
from e2e_tests.operators import act
from e2e_tests.system import System
from gateway.app import create_app
from gateway.tokens import Role
from sagas.operators import UserAct
from tests.eventually import eventually
from tests.redis_server import RedisServer

# --- users


async def test_after_a_burst_a_user_is_refused_for_as_long_as_is_told(system: System):
    system.change(limits={"per_user": 2, "user_burst": 6})
    client = await system.start_gateway()
    alice, bob = await client.member(), await client.member()

    answers = [await client.call("GET", "/v1/me", by=alice) for _ in range(20)]
    refusals = [answer for answer in answers if answer.status != 200]
    neighbour = await client.call("GET", "/v1/me", by=bob)
    refusal = await until_refused(client, by=alice)
    await asyncio.sleep(int(refusal.headers["Retry-After"]))
    later = await client.call("GET", "/v1/me", by=alice)

    assert [answer.status for answer in answers[:6]] == [200] * 6
    assert refusals
    assert {refused(answer) for answer in refusals} == {LIMITED}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refusals)
    assert (left(neighbour), neighbour.status) == ((6, 5, 1), 200)
    assert (left(refusal)[:2], later.status) == ((6, 0), 200)


async def test_a_user_has_one_allowance_for_all_tokens_and_requests(
    system: System, nothing_fills: None
):
    system.change(limits={"per_user": 1, "user_burst": 5})
    client = await system.start_gateway()
    alice = await client.member()
    again = Member(alice.id, alice.email, (await login(client, alice.email)).body["access_token"])

    assert left(await client.call("GET", "/v1/me", by=alice)) == (5, 4, 1)
    assert left(await client.deposit(again, "5.00")) == (5, 3, 2)
    assert left(await client.call("GET", f"{alice.wallet}/entries", by=alice)) == (5, 2, 3)
    assert left(await client.call("GET", "/v1/transfers/x", by=again)) == (5, 1, 4)
    assert left(await client.call("GET", "/v1/me?x=1", by=alice)) == (5, 0, 5)
    assert refused(await client.call("GET", "/v1/me", by=again)) == LIMITED


async def test_a_batch_costs_one(system: System, nothing_fills: None):
    system.change(limits={"per_user": 1, "user_burst": 4})
    client = await system.start_gateway()
    alice, bob = await client.member(EUR="100.00"), await client.member()
    items = [
        {"key": new_key(), "to": bob.id, "currency": "EUR", "amount": "1.00"} for _ in range(50)
    ]

    path = f"{alice.wallet}/transfers/batch"
    batch = await client.call("POST", path, {"transfers": items}, by=alice)

    assert [result["status"] for result in batch.body["results"]] == [202] * 50
    assert left(batch) == (4, 2, 2)


async def test_what_was_refused_has_not_happened_and_its_key_is_good(
    system: System, nothing_fills: None, monkeypatch: pytest.MonkeyPatch
):
    system.change(limits={"per_user": 1, "user_burst": 3})
    client = await system.start_gateway()
    alice, bob = await client.member(EUR="10.00"), await client.member()

    first = await client.transfer(alice, bob, "1.00", key="first")
    await until_refused(client, by=alice)
    async with unchanged(system):
        replay = await client.transfer(alice, bob, "1.00", key="first")
        new = await client.transfer(alice, bob, "2.00", key="second")
    monkeypatch.setattr("throttled.utils.now_sec", lambda: 1_000_100)
    replay_later = await client.transfer(alice, bob, "1.00", key="first")
    new_later = await client.transfer(alice, bob, "2.00", key="second")
    other = await client.transfer(alice, bob, "3.00", key="second")

    assert (refused(replay), refused(new)) == (LIMITED, LIMITED)
    assert "Idempotency-Replayed" not in replay.headers
    assert (replay_later.status, replay_later.body["id"]) == (202, first.body["id"])
    assert replay_later.headers["Idempotency-Replayed"] == "true"
    assert new_later.status == 202
    assert "Idempotency-Replayed" not in new_later.headers
    assert refused(other) == (422, "idempotency_key_reused")


async def test_401_404_and_403_are_told_before_429_and_everything_else_after(
    system: System, nothing_fills: None
):
    system.change(limits={"per_user": 1, "user_burst": 8})
    client = await system.start_gateway()
    alice, bob = await client.member(EUR="10.00"), await client.member()
    held = (await client.transfer(alice, bob, "1.00")).body["id"]
    transfers = f"{alice.wallet}/transfers"
    await until_refused(client, by=alice)
    await until_refused(client, by=bob)

    for path in ("/v1/me", transfers, f"/v1/transfers/{held}"):
        bad = await client.call("GET", path, headers={"Authorization": "Bearer x"})
        assert refused(bad) == (401, "invalid_token")
    for path in (bob.wallet, f"{alice.wallet}/balances/ZZZ", f"/v1/transfers/{alice.id}", "/v1/x"):
        assert refused(await client.call("GET", path, by=alice)) == (404, "not_found"), path
    assert refused(await client.call("POST", transfers, by=bob)) == (404, "not_found")
    assert refused(await client.cancel(bob, held)) == (403, "not_payer")
    for sent in (
        {},
        {"data": b"{"},
        {"data": b"{}", "headers": {"Content-Type": "text/plain"}},
        {"data": b"{}", "key": "k" * 300},
        {"json": {}, "key": new_key()},
        {"data": b" " * 70_000, "key": new_key()},
    ):
        assert refused(await client.call("POST", transfers, by=alice, **sent)) == LIMITED, sent
    for path in (
        "/v1/me?x=1",
        f"{transfers}?limit=0",
        f"{alice.wallet}/entries?currency=ZZZ",
        f"/v1/transfers/{held}?x=1",
    ):
        assert refused(await client.call("GET", path, by=alice)) == LIMITED, path
    assert refused(await client.cancel(alice, held)) == LIMITED


# --- all routes


@pytest.mark.parametrize("who", ["user", "address"])
async def test_no_route_is_without_a_limit(system: System, nothing_fills: None, who: str):
    (jar,) = fetched(SWAGGER_UI)
    system.change(
        limits={"per_user": 1, "user_burst": 20, "per_address": 1, "address_burst": 200},
        gateway={"swagger_ui": str(jar)},
    )
    client = await system.start_gateway()
    user, bob = await client.member(EUR="10.00"), await client.member(EUR="10.00")
    sent = (await client.transfer(user, bob, "1.00")).body["id"]
    received = (await client.transfer(bob, user, "1.00")).body["id"]
    hold = await client.hold(bob, user, "1.00")
    # One who may do whatever there is to do.
    await act(system, user.id, UserAct.MAKE_OPERATOR)
    token = system.gateways[0].tokens.mint(UUID(user.id), Role.OPERATOR)
    alice = Member(user.id, user.email, token)
    entries = await client.call("GET", f"{user.wallet}/entries", by=user)
    there = {
        "user_id": alice.id,
        "hash": entries.body["data"][0]["hash"],
        "transfer_id": sent,
        "hold_id": hold.body["id"],
        "currency": "EUR",
        "code": "EUR",
        "file": "begin.js",
    }
    routes = {
        (route.method, route.resource.canonical)
        for route in create_app(system.settings).router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    for_anyone = {
        ("GET", "/health"),
        ("GET", "/ready"),
    }
    without_user = {
        ("POST", "/v1/users"),
        ("POST", "/v1/auth/login"),
        ("GET", "/v1/currencies"),
        ("GET", "/v1/currencies/{code}"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/docs/{file}"),
    }
    limited = routes - for_anyone - (without_user if who == "user" else set())

    await until_refused(client, "/v1/me", by=alice)
    if who == "address":
        await until_refused(client, "/v1/currencies", by=None)

    assert for_anyone | without_user < routes
    async with unchanged(system):
        for method, path in sorted(limited):
            # A route with a part that is not there yet needs something to fill in: add it above.
            part = {"transfer_id": received} if path.endswith("/refunds") else {}
            answer = await client.call(method, path.format(**{**there, **part}), by=alice)
            assert refused(answer) == LIMITED, (method, path)
            assert left(answer)[1] == 0
        for method, path in sorted(routes - limited):
            assert (await client.call(method, path.format(**there))).status != 429, path


async def test_every_answer_says_what_is_left(system: System, client: Client):
    alice, bob = await client.member(EUR="100.00"), await client.member()
    held = (await client.transfer(alice, bob, "1.00")).body["id"]
    text = {"Content-Type": "text/plain"}
    transfers = f"{alice.wallet}/transfers"
    answers = [
        await client.call("GET", "/v1/me", by=alice),
        await client.deposit(alice, "1.00"),
        await client.transfer(alice, bob, "1.00"),
        await client.call("POST", f"{transfers}/batch", {"transfers": [1]}, by=alice),
        await client.call("POST", transfers, by=alice),
        await client.call("GET", "/v1/me"),
        await login(client, alice.email, "wrong horse"),
        await client.cancel(bob, held),
        await client.call("GET", bob.wallet, by=alice),
        await client.call("GET", "/nothing"),
        await client.call("DELETE", "/v1/me"),
        await client.call("POST", "/v1/users", {"email": alice.email, "password": PASSWORD}),
        await client.call("POST", "/v1/users", data=b" " * 70_000),
        await client.call("POST", "/v1/users", data=b"{}", headers=text),
        await client.transfer(alice, bob, "500.00"),
        await client.call("HEAD", "/v1/currencies"),
    ]

    assert [answer.status for answer in answers] == [
        *(200, 201, 202, 207, 400, 401, 401, 403, 404, 404, 405, 409, 413, 415, 422, 200)
    ]
    for answer in answers:
        assert left(answer)[0] in (1_000, 100_000), answer


# --- off, and together


async def test_switched_off_nobody_is_refused_and_nothing_is_said(system: System):
    system.change(
        limits={
            "enabled": False,
            **dict.fromkeys(("per_user", "user_burst", "per_address", "address_burst"), 1),
            "login_per_min": 1,
        }
    )
    client = await system.start_gateway()
    alice = await client.member()

    answers = [await client.call("GET", "/v1/me", by=alice) for _ in range(30)]
    answers += [await login(client, alice.email) for _ in range(5)]

    assert {answer.status for answer in answers} == {200}
    assert not any(name in answer.headers for answer in answers for name in NAMES)


async def test_gateways_with_one_redis_count_together_and_without_it_each_for_itself(
    system: System, redis: RedisServer
):
    burst = 60
    system.change(
        limits={"per_user": 1, "user_burst": burst, "redis": SecretStr(redis.url)},
    )
    clients = [await system.spawn_gateway(), await system.spawn_gateway()]
    alice, bob = await clients[0].member(), await clients[1].member()

    async def ask(by: Member, times: int) -> list[int]:
        calls = (clients[n % 2].call("GET", "/v1/me", by=by) for n in range(times))
        return [answer.status for answer in await at_once(*calls)]

    since = time.monotonic()
    together = await ask(alice, 3 * burst)
    redis.stop()
    alone = await ask(bob, 4 * burst)
    seconds = time.monotonic() - since
    redis.start()

    async def counted_there() -> bool:
        for client in clients:
            await client.call("GET", "/v1/me", by=alice)
        return "holdfast:user" in redis.kinds_of_keys()

    await eventually(counted_there)

    # One is added each second.
    assert set(together) == set(alone) == {200, 429}
    assert burst <= together.count(200) <= burst + seconds + 1
    assert 2 * burst <= alone.count(200) <= 2 * (burst + seconds + 1)
