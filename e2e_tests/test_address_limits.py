"""Rate limits of addresses and of logins: who is counted as whom, and who else is not stopped."""

import asyncio
from ipaddress import ip_network

from e2e_tests.answers import refused
from e2e_tests.client import Answer
from e2e_tests.limits_kit import LIMITED, NAMES, from_address, left, login
from e2e_tests.system import System
from tests.eventually import eventually

LOOPBACK = (ip_network("127.0.0.0/8"),)


# --- addresses


async def test_who_has_no_token_is_counted_by_address(system: System, nothing_fills: None):
    system.change(limits={"per_address": 1, "address_burst": 30})
    client = await system.start_gateway()
    alice = await client.member()

    strangers = [
        await client.call("GET", "/v1/me", headers={"Authorization": "Bearer x"}) for _ in range(40)
    ]
    here = await client.call("GET", "/v1/me", by=alice)
    health = [await client.call("GET", path) for path in ("/health", "/ready") * 20]
    async with from_address(client, "127.0.0.2") as elsewhere:
        there = await elsewhere.call("GET", "/v1/me", by=alice)

    # Who they are is told first, to the last of them.
    assert {refused(answer) for answer in strangers} == {(401, "invalid_token")}
    assert [left(answer)[1] for answer in strangers[-13:]] == [0] * 13
    assert refused(here) == LIMITED
    assert {answer.status for answer in health} == {200}
    assert not any(name in answer.headers for answer in health for name in NAMES)
    assert (there.status, left(there)[1]) == (200, 29)


async def test_a_client_cannot_say_that_it_is_another(system: System, nothing_fills: None):
    system.change(limits={"per_address": 1, "address_burst": 10})
    client = await system.start_gateway()

    answers = [
        await client.call("GET", "/v1/currencies", headers=spoofed)
        for n in range(10)
        for spoofed in (
            {"X-Forwarded-For": f"203.0.113.{n}"},
            {"X-Real-IP": f"203.0.113.{n}", "Forwarded": f"for=203.0.113.{n}"},
        )
    ]

    assert [answer.status for answer in answers] == [200] * 10 + [429] * 10


async def test_behind_a_proxy_of_ours_each_client_is_counted_by_itself(
    system: System, nothing_fills: None
):
    system.change(limits={"per_address": 1, "address_burst": 5, "trusted_proxies": LOOPBACK})
    client = await system.start_gateway()

    async def asked(forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded}
        return (await client.call("GET", "/v1/currencies", headers=headers)).status

    one = [await asked(f"198.51.100.{n}, 203.0.113.1, 127.0.0.9") for n in range(8)]
    other = await asked("203.0.113.1, 203.0.113.2")
    neighbours = [await asked(f"2001:db8:1:2::{n:x}") for n in range(8)]

    assert one == [200] * 5 + [429] * 3
    assert other == 200
    assert neighbours == [200] * 5 + [429] * 3


# --- logins


async def test_who_guesses_passwords_is_stopped_and_nobody_else_is(
    system: System, nothing_fills: None
):
    system.change(limits={"login_per_min": 5})
    client = await system.start_gateway()
    alice, bob = await client.member(email="alice@example.com"), await client.member()

    spellings = ["ALICE@example.com", "alice@EXAMPLE.COM", "alice@example.com"] * 3
    guesses = [await login(client, email, f"wrong horse {n}") for n, email in enumerate(spellings)]
    right = await login(client, alice.email)
    others = await login(client, bob.email)
    async with from_address(client, "127.0.0.2") as elsewhere:
        at_home = await login(elsewhere, alice.email)
    reading = await client.call("GET", "/v1/me", by=alice)

    # She logged in once before.
    assert [answer.status for answer in guesses] == [401] * 4 + [429] * 5
    assert refused(right) == LIMITED
    assert int(right.headers["Retry-After"]) == 12
    assert left(right) == (5, 0, 60)
    assert (others.status, at_home.status, reading.status) == (200, 200, 200)


async def test_a_login_is_counted_after_its_body_is_read(system: System, nothing_fills: None):
    system.change(limits={"login_per_min": 2})
    client = await system.start_gateway()
    email = (await client.member()).email
    await login(client, email)

    nobody = [await login(client, "nobody") for _ in range(3)]

    assert refused(await login(client, email)) == LIMITED
    assert refused(await client.call("POST", "/v1/auth/login", {"email": email})) == (
        422,
        "missing",
    )
    assert [answer.status for answer in nobody] == [401, 401, 429]


async def test_a_guesser_waits_as_long_as_is_told_and_gets_one_more(system: System):
    system.change(limits={"login_per_min": 30})
    client = await system.start_gateway()
    email = (await client.member()).email

    async def one_too_many() -> Answer:
        answer = await login(client, email, "wrong horse")
        assert answer.status == 429, answer
        return answer

    refusal = await eventually(one_too_many, within_s=60, every_s=0)
    await asyncio.sleep(int(refusal.headers["Retry-After"]))
    later = await login(client, email)

    assert 1 <= int(refusal.headers["Retry-After"]) <= 2
    assert later.status == 200
