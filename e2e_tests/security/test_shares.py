"""What one client may have of what is there for all: the others go on beside it."""

import asyncio
import threading
from collections import Counter
from contextlib import AsyncExitStack
from ipaddress import ip_network
from uuid import UUID

import asyncpg
import pytest

from e2e_tests.answers import refused
from e2e_tests.client import Answer, Client, Member, new_key
from e2e_tests.limits_kit import from_address, login
from e2e_tests.operators import member_on
from e2e_tests.raw_client import RawClient, raw_client
from e2e_tests.system import System
from tests.eventually import eventually

GET = b"GET /v1/currencies HTTP/1.1\r\nHost: x\r\n\r\n"
HEALTH = GET.replace(b"/v1/currencies", b"/health")
PART, DOOR = 3, 8


async def _opened(stack: AsyncExitStack, client: Client, number: int) -> list[RawClient]:
    """So many connections, each of which was served."""
    lines = [await stack.enter_async_context(raw_client(client)) for _ in range(number)]
    for line in lines:
        await line.send(GET)
        assert (await line.answer()).startswith(b"HTTP/1.1 200 OK")
    return lines


async def test_one_address_does_not_take_all_connections(
    system: System, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("gateway.clients._DOOR_S", 30.0)
    system.change(clients={"connections": 100, "connections_of_address": PART, "head_s": 30.0})
    client = await system.start_gateway()
    async with AsyncExitStack() as stack:
        lines = await _opened(stack, client, PART)
        async with raw_client(client) as asking, raw_client(client) as probing:
            await asking.send(GET)
            await probing.send(HEALTH)
            over, alive = await asking.end(), await probing.end()
        # Who says nothing keeps a place at the door, and then there is none left.
        async with AsyncExitStack() as silent:
            for _ in range(DOOR):
                await silent.enter_async_context(raw_client(client))
            async with raw_client(client) as beyond:
                await beyond.send(HEALTH)
                unheard = await beyond.end()
        async with from_address(client, "127.0.0.2") as elsewhere:
            there = await elsewhere.call("GET", "/v1/currencies")
        lines[0].writer.close()
        again = await eventually(lambda: _served(client))

    assert over.problem == (503, "too_many_connections")
    assert alive.data.startswith(b"HTTP/1.1 200 OK")
    assert unheard.data == b""
    assert there.status == 200
    assert again


async def _served(client: Client) -> bool:
    async with raw_client(client) as line:
        await line.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        return (await line.end()).data.startswith(b"HTTP/1.1 200 OK")


async def test_who_does_not_fetch_its_answers_is_cut_off_and_nobody_else_is(system: System):
    # More than what is left of two of these answers, and less than that of six.
    system.change(clients={"unsent_bytes_of_address": 300_000})
    client = await system.start_gateway()
    # What the kernel takes for a client is not ours: there is more than that.
    document = GET.replace(b"/v1/currencies", b"/openapi.json")
    async with from_address(client, "127.0.0.2") as elsewhere, AsyncExitStack() as stack:
        opened = [raw_client(client, receive_bytes=4_096) for _ in range(6)]
        greedy = [await stack.enter_async_context(line) for line in opened]
        for line in greedy:
            line.writer.write(document * 20_000)
        await eventually(lambda: any(line.is_cut_off() for line in greedy))
        there = await elsewhere.call("GET", "/openapi.json")
        for line in greedy:
            line.writer.transport.abort()
    # Neither what was cut off nor what was fetched is counted any more.
    async with raw_client(client, receive_bytes=65_536) as patient:
        await patient.send(document * 100)
        answers = [await patient.answer() for _ in range(100)]

    assert there.status == 200
    assert all(answer.startswith(b"HTTP/1.1 200 OK") for answer in answers)


async def test_a_proxy_of_ours_has_as_many_connections_as_there_are(system: System):
    proxies = (ip_network("127.0.0.0/8"),)
    system.change(clients={"connections_of_address": PART}, limits={"trusted_proxies": proxies})
    client = await system.start_gateway()
    async with AsyncExitStack() as stack:
        await _opened(stack, client, 4 * PART)


async def test_logins_of_one_address_do_not_keep_out_the_others(system: System):
    system.change(gateway={"hash_threads": 1, "hash_queue": 20, "hash_queue_of_address": 4})
    client = await system.start_gateway()
    alice = await client.member()
    passwords = system.gateways[0].passwords
    # The only thread is busy, so that all of these wait at once.
    release = threading.Event()
    busy = passwords._executor.submit(release.wait, 30)
    attack = [
        asyncio.create_task(login(client, f"nobody{number}@example.com")) for number in range(30)
    ]

    async def refused_for_now() -> list[Answer]:
        done = [task.result() for task in attack if task.done()]
        assert len(done) == 26
        return done

    try:
        told = await eventually(refused_for_now)
        async with from_address(client, "127.0.0.2") as elsewhere:
            waiting = asyncio.create_task(login(elsewhere, alice.email))
            release.set()
            at_home = await waiting
    finally:
        release.set()
        await asyncio.wrap_future(busy)
    rest = [await task for task in attack]

    assert {refused(answer) for answer in told} == {(503, "busy")}
    assert {answer.headers["Retry-After"] for answer in told} == {"1"}
    assert at_home.status == 200
    assert Counter(answer.status for answer in rest) == {503: 26, 401: 4}
    assert (await login(client, alice.email)).status == 200


BATCHES = 6


async def test_batches_of_one_user_do_not_keep_out_the_others(system: System):
    client = await system.start_gateway()
    alice = await member_on(system, client, 0, EUR="100.00")
    bob = await member_on(system, client, 0, EUR="100.00")
    shard = system.databases[0]
    conn = await asyncpg.connect(shard.dsn)
    try:
        # Her row is taken: what she sends waits, and stays in the lane.
        await conn.execute("BEGIN")
        await conn.execute("SELECT id FROM users WHERE id = $1 FOR UPDATE", UUID(alice.id))
        batches = [asyncio.create_task(_batch(client, alice, bob)) for _ in range(BATCHES)]
        lane = next(one for one in system.gateways[0].lanes.all() if one.name == "shard0.try")
        await eventually(lambda: lane.depth >= 1_000)
        answers = [await client.transfer(bob, alice, "1.00") for _ in range(5)]
        depth = lane.depth
    finally:
        await conn.execute("ROLLBACK")
        await conn.close()
    results = [result for task in batches for result in (await task).body["results"]]
    codes = Counter(result.get("problem", {}).get("code") for result in results)

    assert depth <= 1_250
    assert [answer.status for answer in answers] == [202] * 5
    # For most of hers there was no place, and she was told so.
    assert codes["busy"] > 1_000
    assert all(
        result["problem"]["status"] == 503
        for result in results
        if result["status"] not in (202, 422)
    )
    # It was for that moment only.
    assert (await client.transfer(alice, bob, "0.01")).status == 202


async def test_a_user_has_so_many_batches_under_way_and_gets_their_places_back(system: System):
    client = await system.start_gateway()
    alice, bob = await client.member(EUR="100.00"), await client.member(EUR="100.00")
    head = (
        f"POST {alice.wallet}/transfers/batch HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {alice.token}\r\nContent-Type: application/json\r\n"
        "Content-Length: 100\r\n\r\n"
    ).encode()
    async with AsyncExitStack() as stack:
        # Begun, and their bodies not sent: each has its place.
        for _ in range(8):
            line = await stack.enter_async_context(raw_client(client))
            await line.send(head)
        over = await eventually(lambda: _busy(client, alice, bob))
        other = await _batch(client, bob, alice)
        single = await client.transfer(alice, bob, "0.01")
    # They have gone away, and left nothing behind.
    again = await eventually(lambda: _served_batch(client, alice, bob))

    assert over.headers["Retry-After"]
    assert (other.status, single.status, again.status) == (207, 202, 207)


async def _busy(client: Client, payer: Member, payee: Member) -> Answer:
    answer = await _batch(client, payer, payee)
    assert refused(answer) == (503, "busy")
    return answer


async def _served_batch(client: Client, payer: Member, payee: Member) -> Answer:
    answer = await _batch(client, payer, payee)
    assert answer.status == 207
    return answer


async def _batch(client: Client, payer: Member, payee: Member) -> Answer:
    item = {"to": payee.id, "currency": "EUR", "amount": "0.01"}
    items = [{**item, "key": new_key()} for _ in range(1_000)]
    path = f"{payer.wallet}/transfers/batch"
    return await client.call("POST", path, {"transfers": items}, by=payer)
