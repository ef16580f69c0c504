"""Streams of events as connections: how long they live, and how each of them ends."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import asyncpg
from aiohttp import web

from config.limits import raise_file_limit
from devstack.kafka import KafkaBroker
from devstack.postgres import PostgresServer
from e2e_tests.client import Client, Member
from e2e_tests.conftest import own_system
from e2e_tests.event_source import events_of, told
from e2e_tests.raw_client import raw_client
from e2e_tests.system import System
from gateway.app import create_app, create_runner
from gateway.clients import GuardedRunner
from tests.databases import create_shards
from tests.eventually import eventually


async def held(client: Client, metadata: dict[str, str] | None = None) -> tuple[Member, str]:
    """A payer, and a transfer of hers that stays held while there is no worker."""
    alice, bob = await client.member(EUR="10.00"), await client.member()
    return alice, (await client.transfer(alice, bob, "1.00", metadata=metadata)).body["id"]


@asynccontextmanager
async def a_gateway_to_stop(system: System) -> AsyncIterator[tuple[Client, GuardedRunner]]:
    """A gateway in this process, and what ends it."""
    app = create_app(system.settings)
    runner = create_runner(app, shutdown_timeout=2.0, files_max=raise_file_limit())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession() as session:
        try:
            yield Client(session, f"http://{host}:{port}"), runner
        finally:
            await runner.cleanup()


async def test_a_stream_ends_well_when_its_gateway_stops(system: System):
    async with a_gateway_to_stop(system) as (client, runner):
        alice, id_ = await held(client)
        async with events_of(client, alice, id_) as source:
            await source.next()
            since = time.monotonic()

            stopping = asyncio.create_task(runner.cleanup())

            # Cut off, it would be an error of the client.
            assert await source.rest() == []
            assert time.monotonic() - since < 1.0
            await stopping


async def test_it_does_so_too_while_no_row_can_be_read(system: System):
    async with a_gateway_to_stop(system) as (client, runner):
        alice, id_ = await held(client)
        conn = await asyncpg.connect(system.databases[system.shard_number(id_)].dsn)
        async with events_of(client, alice, id_) as source, conn.transaction():
            await source.next()
            await conn.execute("LOCK TABLE transfers IN ACCESS EXCLUSIVE MODE")
            await eventually(lambda: is_waited_for(system, id_))

            stopping = asyncio.create_task(runner.cleanup())

            assert await source.rest() == []
            await stopping
        await conn.close()


async def is_waited_for(system: System, id_: str) -> bool:
    """Whether somebody waits for a lock on the shard of this id."""
    (row,) = await system.sql(
        id_, "SELECT count(*) AS waiting FROM pg_locks WHERE NOT granted AND locktype = 'relation'"
    )
    return bool(row["waiting"])


async def test_nothing_is_left_of_streams_whose_clients_went_away(system: System, client: Client):
    alice, id_ = await held(client)
    (gateway,) = system.gateways

    def nothing_is_left() -> None:
        assert (handlers(), len(gateway.notices._waiters)) == (0, 0)

    before = len(asyncio.all_tasks())
    for _ in range(4):
        async with AsyncExitStack() as stack:
            for _ in range(5):
                source = await stack.enter_async_context(events_of(client, alice, id_))
                await source.next()
            assert (handlers(), len(gateway.notices._waiters)) == (5, 1)
        # Long before a heartbeat would tell.
        await eventually(nothing_is_left, within_s=5)

    # Of others there are now and then some more or fewer; twenty, if each stream left one.
    assert len(asyncio.all_tasks()) < before + 20


def handlers() -> int:
    """Requests that are being handled in this process."""
    coroutines = [str(task.get_coro()) for task in asyncio.all_tasks()]
    return sum("RequestHandler._handle_request" in coroutine for coroutine in coroutines)


async def test_a_stream_goes_on_while_its_shard_is_away_and_tells_the_end_when_it_is_back(
    two_servers: list[PostgresServer], kafka: KafkaBroker, tmp_path: Path
):
    databases = await create_shards(
        [server.dsn("postgres") for server in two_servers], count=2, buckets=8
    )
    async with own_system(databases, kafka.bootstrap, tmp_path) as system:
        system.change(clients={"heartbeat_s": 0.5})
        client = await system.start_gateway()
        alice, id_ = await held(client)
        server = two_servers[system.shard_number(id_)]
        async with events_of(client, alice, id_) as source:
            await source.next()

            await asyncio.to_thread(server.kill)
            for _ in range(3):
                await source.comment()
            await asyncio.to_thread(server.start)
            cancelled = await eventually(lambda: is_cancelled(client, alice, id_), within_s=20)

            (last,) = await source.rest()
        assert cancelled
        assert (last.id, last.name) == ("1", "cancelled")


async def is_cancelled(client: Client, by: Member, id_: str) -> bool:
    return (await client.cancel(by, id_)).status == 200


async def test_a_stream_ends_after_its_time_and_goes_on_with_another(system: System):
    system.change(clients={"stream_s": 1.0})
    client = await system.start_gateway()
    alice, id_ = await held(client)
    since = time.monotonic()

    first = await told(client, alice, id_)
    lived_s = time.monotonic() - since
    second = await told(client, alice, id_, last="0")
    await client.cancel(alice, id_)
    third = await told(client, alice, id_, last="0")

    assert [event.name for event in first] == ["held"]
    assert 1.0 <= lived_s < 5.0
    assert second == []
    assert [event.name for event in third] == ["cancelled"]


async def test_no_guard_of_connections_cuts_a_stream_that_is_read(system: System):
    guards = {"head_s": 0.6, "body_s": 0.6, "idle_s": 0.8, "send_s": 0.7}
    system.change(clients={**guards, "heartbeat_s": 0.5})
    client = await system.spawn_gateway()
    alice, id_ = await held(client)
    async with events_of(client, alice, id_) as source:
        await source.next()
        since = time.monotonic()
        for _ in range(4):
            await source.comment()
        assert time.monotonic() - since > 3 * max(guards.values())

        await client.cancel(alice, id_)
        (last,) = await source.rest()

    assert last.name == "cancelled"


async def test_a_silent_stream_says_that_it_lives(system: System):
    system.change(clients={"heartbeat_s": 2.0})
    client = await system.start_gateway()
    alice, id_ = await held(client)
    async with events_of(client, alice, id_) as source:
        await source.next()
        since = time.monotonic()
        await source.comment()
        assert 1.5 < time.monotonic() - since < 6.0
    # One that tells something needs none.
    await client.cancel(alice, id_)
    async with events_of(client, alice, id_) as source:
        assert len(await source.rest()) == 2
        assert source.comments == 0


async def test_who_asks_for_streams_and_never_fetches_them_is_cut_off(system: System):
    system.change(clients={"send_s": 1.0})
    client = await system.spawn_gateway()
    metadata = {f"{number:040}": "v" * 500 for number in range(50)}
    alice, id_ = await held(client, metadata=metadata)
    await client.cancel(alice, id_)
    size = sum(len(json.dumps(event.data)) for event in await told(client, alice, id_))
    request = f"GET /v1/transfers/{id_}/events HTTP/1.1\r\nHost: x\r\n"
    head = f"{request}Authorization: Bearer {alice.token}\r\n\r\n".encode()

    async with raw_client(client, receive_bytes=4_096) as line:
        line.writer.write(head * 500)
        await eventually(line.is_cut_off, within_s=20)

    # More than any buffer on the way holds.
    assert 500 * size > 20_000_000
    assert (await client.call("GET", "/health")).status == 200


async def test_a_stream_is_told_to_clients_of_http_1_0_too(client: Client):
    alice, id_ = await held(client)
    await client.cancel(alice, id_)

    async with raw_client(client) as line:
        request = f"GET /v1/transfers/{id_}/events HTTP/1.0\r\nAuthorization: Bearer {alice.token}"
        await line.send(f"{request}\r\n\r\n".encode())
        head, _, body = (await line.end()).data.partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.0 200 OK")
    assert b"Transfer-Encoding" not in head
    assert [text.split(b"\n")[1] for text in body.split(b"\n\n")[1:3]] == [
        b"event: held",
        b"event: cancelled",
    ]
