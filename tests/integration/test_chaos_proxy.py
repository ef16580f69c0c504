"""The fault proxy, each fault against a real PostgreSQL: what the client sees, what is written."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from devstack.ports import free_port
from reliability.chaos.stack.links import Direction, Link
from reliability.chaos.stack.proxy.client import ProxyProcess
from reliability.chaos.stack.proxy.relay import Route
from tests.databases import ShardDatabase
from tests.eventually import eventually

INSERT = "INSERT INTO seen (n) VALUES ($1)"
SHORT_S = 0.4


@dataclass(frozen=True, slots=True)
class Way:
    """A link, an address through it, and one past it."""

    link: Link
    dsn: str
    direct_dsn: str
    made: "list[asyncpg.Connection[asyncpg.Record]]" = field(default_factory=list)

    async def connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        conn = await asyncpg.connect(self.dsn, timeout=5)
        self.made.append(conn)
        return conn

    async def seen(self) -> list[int]:
        """What is written, as somebody sees it who does not come through the proxy."""
        conn = await asyncpg.connect(self.direct_dsn)
        try:
            return [row["n"] for row in await conn.fetch("SELECT n FROM seen ORDER BY n")]
        finally:
            await conn.close()


@pytest.fixture
async def way(shard_databases: list[ShardDatabase], tmp_path: Path) -> AsyncIterator[Way]:
    direct_dsn = shard_databases[0].dsn
    server, _, database = direct_dsn.partition("@")[2].partition("/")
    host, _, server_port = server.partition(":")
    port = free_port()
    proxy = ProxyProcess(tmp_path / "proxy.log")
    await proxy.start()
    try:
        route = Route(("127.0.0.1", port), (host, int(server_port)))
        link = await proxy.open_link("test", "shard0", [route])
        conn = await asyncpg.connect(direct_dsn)
        await conn.execute("CREATE TABLE seen (n integer PRIMARY KEY)")
        await conn.close()
        way = Way(link, f"postgresql://holdfast@127.0.0.1:{port}/{database}", direct_dsn)
        yield way
        for conn in way.made:
            conn.terminate()
    finally:
        await proxy.stop()


async def test_nothing_is_lost_without_a_fault(way: Way):
    conn = await way.connect()
    large = "x" * 3_000_000

    assert await conn.fetchval("SELECT $1::text", large) == large
    assert (await way.link.counters()).open_connections == 1
    await conn.close()

    async def closed() -> bool:
        return (await way.link.counters()).open_connections == 0

    await eventually(closed)


async def test_a_cut_resets_what_is_open_and_refuses_what_is_new(way: Way):
    conn = await way.connect()
    asking = asyncio.create_task(conn.execute("SELECT pg_sleep(30)"))
    await asyncio.sleep(0.1)

    await way.link.cut()

    with pytest.raises((asyncpg.ConnectionDoesNotExistError, ConnectionResetError)):
        await asking
    with pytest.raises(ConnectionRefusedError):
        await way.connect()
    await way.link.heal()
    assert await (await way.connect()).fetchval("SELECT 1") == 1


async def test_requests_vanish_upwards(way: Way):
    conn = await way.connect()

    await way.link.blackhole(Direction.UP)
    with pytest.raises(TimeoutError):
        await conn.execute(INSERT, 1, timeout=SHORT_S)
    with pytest.raises(TimeoutError):
        await asyncpg.connect(way.dsn, timeout=SHORT_S)
    await way.link.heal()

    assert await way.seen() == []
    assert await (await way.connect()).execute(INSERT, 2) == "INSERT 0 1"
    assert await way.seen() == [2]


async def test_answers_vanish_downwards_while_the_request_is_done(way: Way):
    conn = await way.connect()
    prepared = await conn.prepare(INSERT)

    await way.link.blackhole(Direction.DOWN)
    with pytest.raises(TimeoutError):
        await prepared.fetch(1, timeout=SHORT_S)

    assert await way.seen() == [1]
    await way.link.heal()
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError)):
        await conn.execute(INSERT, 2)


async def test_what_was_held_back_can_arrive_late(way: Way):
    conn = await way.connect()
    prepared = await conn.prepare(INSERT)

    await way.link.blackhole(Direction.UP, late=True)
    asking = asyncio.create_task(prepared.fetch(1))
    await asyncio.sleep(SHORT_S)
    before = await way.seen()
    await way.link.heal()
    await asking

    assert (before, await way.seen()) == ([], [1])


async def test_a_full_partition_stops_both_ways_and_connections_stay(way: Way):
    conn = await way.connect()

    await way.link.blackhole(Direction.BOTH, late=True)
    asking = asyncio.create_task(conn.fetchval("SELECT 7"))
    await asyncio.sleep(SHORT_S)
    assert not asking.done()
    assert (await way.link.counters()).open_connections == 1
    await way.link.heal()

    assert await asking == 7


async def test_a_slow_link_delays_each_way_and_keeps_the_order(way: Way):
    conn = await way.connect()
    await way.link.delay(100, 50)
    loop = asyncio.get_running_loop()

    since = loop.time()
    assert await conn.fetchval("SELECT $1::text", "y" * 2_000_000) == "y" * 2_000_000
    slow_s = loop.time() - since
    await way.link.heal()
    since = loop.time()
    await conn.fetchval("SELECT 1")

    # A statement is prepared first: two round trips of two ways.
    assert 0.4 <= slow_s < 5
    assert loop.time() - since < 0.1


async def test_a_lost_reply_to_commit_leaves_the_row_and_an_error(way: Way):
    conn = await way.connect()
    await conn.execute("BEGIN")
    await conn.execute(INSERT, 1)

    await way.link.lose_commit_replies(1)
    with pytest.raises((asyncpg.ConnectionDoesNotExistError, ConnectionResetError)):
        await conn.execute("COMMIT")

    assert await way.seen() == [1]
    assert (await way.link.counters()).commits_unknown == 1
    again = await way.connect()
    await again.execute("BEGIN")
    await again.execute(INSERT, 2)
    assert await again.execute("COMMIT") == "COMMIT"


# As `shards.writes` has it: what commits by itself is behind a gate.
GATED = """
WITH gate AS (SELECT), inserted AS ({insert} RETURNING 1)
SELECT 1 / (SELECT count(*) FROM inserted) FROM gate
"""


async def test_a_lost_reply_to_a_write_that_commits_by_itself_leaves_the_row_and_an_error(way: Way):
    conn = await way.connect()
    gated = await conn.prepare(GATED.format(insert=INSERT))

    await way.link.lose_commit_replies(1)
    with pytest.raises((asyncpg.ConnectionDoesNotExistError, ConnectionResetError)):
        await gated.fetchval(1)

    assert await way.seen() == [1]
    assert (await way.link.counters()).commits_unknown == 1


async def test_a_write_that_commits_by_itself_and_fails_is_told(way: Way):
    conn = await way.connect()
    nothing = INSERT.replace("VALUES ($1)", "SELECT $1::integer WHERE false")
    assert nothing != INSERT
    gated = await conn.prepare(GATED.format(insert=nothing))

    await way.link.lose_commit_replies(1)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await gated.fetchval(1)

    assert await way.seen() == []
    assert (await way.link.counters()).commits_unknown == 0


async def test_a_commit_that_fails_is_told(way: Way):
    conn = await way.connect()
    await way.link.lose_commit_replies(1)
    await conn.execute("BEGIN")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await conn.execute("SELECT 1 / 0")

    assert await conn.execute("COMMIT") == "ROLLBACK"

    assert (await way.link.counters()).commits_unknown == 0


async def test_a_commit_that_fails_after_the_heal_leaves_nothing_behind(way: Way):
    conn, other = await way.connect(), await way.connect()
    await other.execute("BEGIN")
    await other.execute(INSERT, 1)
    await conn.execute("BEGIN")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await conn.execute("SELECT 1 / 0")

    await way.link.lose_commit_replies(1)
    await way.link.delay(200)
    failing = asyncio.create_task(conn.execute("COMMIT"))
    await asyncio.sleep(0.1)
    await way.link.lose_commit_replies(0)

    assert await failing == "ROLLBACK"
    assert await other.execute("COMMIT") == "COMMIT"
    assert (await way.link.counters()).commits_unknown == 0


async def test_a_server_that_is_away_is_away_through_the_proxy(tmp_path: Path):
    port = free_port()
    proxy = ProxyProcess(tmp_path / "proxy.log")
    await proxy.start()
    try:
        route = Route(("127.0.0.1", port), ("127.0.0.1", free_port()))
        await proxy.open_link("test", "nobody", [route])

        with pytest.raises((OSError, asyncpg.PostgresConnectionError)):
            await asyncpg.connect(f"postgresql://holdfast@127.0.0.1:{port}/any", timeout=5)
    finally:
        await proxy.stop()
