"""The stack of the nemesis: all goes through its proxies, and each thing done to it bites."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from uuid import UUID

import aiohttp
import asyncpg
import psutil
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition

from devstack.processes import still_runs
from e2e_tests.chaos_kit import Traffic
from e2e_tests.client import Client
from reliability.chaos.stack import Node, Refused, Role, Stack, StackOptions
from tests.eventually import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUR_S = 3600
DAY_S = 24 * HOUR_S
SESSION_S = 3
# Faults are over soon here, and so is the wait for what they have swallowed.
QUICK = {
    "HOLDFAST_WORKERS__SESSION_TIMEOUT_S": str(SESSION_S),
    "HOLDFAST_REDRIVE__FIRST_AFTER_S": "1",
    "HOLDFAST_REDRIVE__BACKOFF_CAP_S": "1",
    "HOLDFAST_REDRIVE__POLL_S": "0.2",
}


def processes() -> set[int]:
    """All that run because of this test run."""
    return {child.pid for child in psutil.Process().children(recursive=True)}


def audit(stack: Stack) -> None:
    """The books of all that the tests did."""
    argv = (sys.executable, "-m", "cli.main", "audit")
    done = subprocess.run(argv, env=stack.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    before = processes()
    folder: Path = tmp_path_factory.mktemp("stack")
    options = StackOptions(brokers=1, shards=2, folder=folder, environment=QUICK, disk_mb=200)
    made = await Stack.start(options, progress=lambda _: None)
    try:
        yield made
        await asyncio.to_thread(audit, made)
        for node in (made.gateways[0], made.workers[0], made.brokers[0], made.servers[0]):
            await node.pause()
    finally:
        await made.stop()
    assert processes() <= before


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _healed(stack: Stack) -> AsyncIterator[None]:
    """What a test that fails leaves behind is not the next one's."""
    yield
    await stack.heal()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def traffic(stack: Stack) -> AsyncIterator[Traffic]:
    timeout = aiohttp.ClientTimeout(total=12)
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        clients = [Client(session, url) for url in stack.urls]
        yield Traffic(clients, [await clients[n % 2].member(EUR="100.00") for n in range(5)])


def node_of(stack: Stack, role: Role) -> Node:
    return next(node for node in stack.nodes if node.role is role)


async def test_every_connection_goes_through_a_proxy(stack: Stack, traffic: Traffic):
    await traffic.pay()

    def remote_ports(node: Node) -> set[int]:
        sockets = psutil.Process(node.pid).net_connections("tcp")
        own = {each.laddr.port for each in sockets if each.status == psutil.CONN_LISTEN}
        made = [s for s in sockets if s.status == psutil.CONN_ESTABLISHED]
        return {s.raddr.port for s in made if s.laddr.port not in own}

    proxy = psutil.Process(stack._proxy.pid)
    proxied = {each.laddr.port for each in proxy.net_connections("tcp")}
    for node in (*stack.gateways, *stack.workers):
        assert remote_ports(node)
        assert remote_ports(node) <= proxied


async def test_what_was_killed_is_gone_with_all_its_processes_until_it_is_started(
    stack: Stack, traffic: Traffic
):
    # A broker that was killed is in the test of its logs: it takes long to come back.
    nodes = [node_of(stack, role) for role in (Role.GATEWAY, Role.WORKER, Role.DATABASE)]
    before = [process for node in nodes for process in node.processes()]

    for node in nodes:
        await node.kill()
    # Longer than the stack leaves down what has ended by itself.
    await asyncio.sleep(1.5)

    assert not any(node.is_up for node in nodes)
    assert not any(still_runs(process) for process in before)
    await stack.heal()
    assert all([await node.is_ready() for node in nodes])
    await traffic.pay()
    assert [node.unexpected_exits for node in nodes] == [[], [], []]


async def test_a_stop_that_is_given_up_has_ended_before_the_next_start(
    stack: Stack, traffic: Traffic
):
    """Half stopped, it would end a moment after the start, and look as if by itself."""
    worker = stack.workers[0]
    old = worker.pid

    stopping = asyncio.create_task(worker.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    await asyncio.wait({stopping})

    assert await worker.start(ready_within_s=90)
    assert worker.pid != old
    await traffic.pay()
    assert worker.unexpected_exits == []


@pytest.mark.parametrize("role", [Role.GATEWAY, Role.DATABASE, Role.BROKER])
async def test_what_is_paused_answers_nobody_until_it_is_resumed(
    stack: Stack, role: Role, traffic: Traffic
):
    node = node_of(stack, role)

    await node.pause()

    assert node.is_paused
    assert {p.status() for p in node.processes()} == {psutil.STATUS_STOPPED}
    assert not await asyncio.wait_for(node.until_ready(within_s=0.3), 5)
    await node.resume()
    assert await node.until_ready(within_s=90)
    await traffic.pay()


async def test_paused_workers_complete_nothing(stack: Stack, traffic: Traffic):
    for worker in stack.workers:
        await worker.pause()

    ids = await traffic.send(5)
    await asyncio.sleep(1)

    assert await traffic.statuses(ids) == {"held": 5}
    await stack.heal()
    await traffic.end_as("completed", ids)


async def test_a_worker_paused_past_its_session_moves_nothing_twice(stack: Stack, traffic: Traffic):
    before = await traffic.total()
    ids = await traffic.send(20)
    worker = stack.workers[0]

    await worker.pause()
    ids += await traffic.send(20)
    # What was the paused one's is the other one's once its session is over.
    await traffic.end_as("completed", ids)
    await asyncio.sleep(SESSION_S)
    await worker.resume()

    assert await worker.until_ready(within_s=90)
    await traffic.pay()
    assert await traffic.total() == before


async def test_what_ends_by_itself_is_counted_and_started_again(stack: Stack):
    worker = stack.workers[1]
    old = worker.pid
    since = time.monotonic()

    os.kill(old, signal.SIGKILL)

    async def runs_again() -> bool:
        return worker.is_up and worker.pid != old

    await eventually(runs_again, within_s=5)
    assert time.monotonic() - since < 4
    assert worker.unexpected_exits == [-signal.SIGKILL]
    assert await worker.until_ready(within_s=90)


async def test_an_immediate_stop_needs_recovery(stack: Stack, traffic: Traffic):
    server = stack.servers[0]
    log = stack.options.folder / "logs" / f"{server.name}.log"
    before = log.read_text().count("database system was not properly shut down")

    await server.stop_immediate()
    assert not server.is_up
    assert await server.start(ready_within_s=90)

    assert log.read_text().count("database system was not properly shut down") == before + 1
    await traffic.pay()


async def test_a_lost_reply_to_commit_loses_no_transfer(stack: Stack, traffic: Traffic):
    links = [link for link in stack.links if link.server in stack.direct_dsns]
    for link in links:
        await link.lose_commit_replies(1)

    for by in (0, 1, 0, 1):
        await traffic.pay(by=by)

    lost = sum([(await link.counters()).commits_unknown for link in links])
    await stack.heal()
    # Each gateway's own, at least.
    assert lost >= 2


async def test_a_process_can_have_a_clock_that_is_off(stack: Stack, traffic: Traffic):
    gateway = stack.gateways[0]

    offset = {"HOLDFAST_CLOCK_OFFSET_S": str(HOUR_S)}
    assert await gateway.restart_with(offset, ready_within_s=90)
    member = await traffic.clients[0].member()

    ahead_s = (UUID(member.id).int >> 80) / 1000 - time.time()
    assert abs(ahead_s - HOUR_S) < 60
    await stack.heal()
    assert gateway.environment == {}


async def test_a_shard_can_have_a_clock_that_is_off(stack: Stack, traffic: Traffic):
    shard, dsn = next(iter(stack.direct_dsns.items()))

    async def off_s() -> float:
        conn = await asyncpg.connect(dsn)
        try:
            off = await conn.fetchval(
                "SELECT extract(epoch FROM app_now() - clock_timestamp())::float"
            )
        finally:
            await conn.close()
        return float(off)

    await stack.skew_database_clock(shard, -30)
    assert abs(await off_s() + 30) < 1
    # Also who starts now takes the database for what it is.
    async with asyncio.TaskGroup() as group:
        for node in (stack.workers[0], stack.gateways[0]):
            group.create_task(node.restart_with({}, ready_within_s=90))
    assert await stack.workers[0].is_ready()
    assert await stack.gateways[0].is_ready()
    await traffic.pay()
    await stack.heal()
    assert abs(await off_s()) < 1


async def test_a_shard_whose_clock_jumps_ahead_ends_what_is_held_and_loses_nothing(
    stack: Stack, traffic: Traffic
):
    before = await traffic.total()
    for worker in stack.workers:
        await worker.pause()
    ids = await traffic.send(5)

    for shard in stack.direct_dsns:
        await stack.skew_database_clock(shard, 2 * DAY_S)
    for worker in stack.workers:
        await worker.resume()
    await traffic.end_as("cancelled", ids)
    await stack.heal()

    await traffic.pay()
    assert await traffic.total() == before


async def test_a_full_disk_refuses_rows_and_what_was_accepted_completes_once_it_is_freed(
    stack: Stack, traffic: Traffic
):
    shard, dsn = next(iter(stack.direct_dsns.items()))
    held_back = await traffic.send(5)
    try:
        await stack.fill_disk(shard)
    except Refused as refused:
        pytest.skip(refused.reason)

    async def write_much() -> None:
        conn = await asyncpg.connect(dsn)
        try:
            await conn.execute(
                "CREATE TABLE much AS SELECT repeat('x', 1000) FROM generate_series(1, 50000)"
            )
        finally:
            await conn.close()

    with pytest.raises((asyncpg.DiskFullError, asyncpg.PostgresConnectionError)):
        await write_much()
    answers = await traffic.try_to_send(20)
    await stack.free_disk(shard)
    await stack.heal()

    assert {answer.status for answer in answers} <= {202, 503}
    accepted = [answer.body["id"] for answer in answers if answer.status == 202]
    await traffic.end_as("completed", [*held_back, *accepted])


async def end_offsets(stack: Stack) -> int:
    """Messages in the topic of try-confirms, all partitions together."""
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.bootstrap)
    try:
        await consumer.start()
        topic = stack.topic_names.try_confirm
        parts = [TopicPartition(topic, p) for p in range(stack.options.buckets)]
        return sum((await consumer.end_offsets(parts)).values())
    finally:
        await consumer.stop()


async def reached(stack: Stack, messages: int) -> bool:
    """Whether so many messages have been written."""
    return await end_offsets(stack) == messages


async def test_messages_that_a_broker_loses_with_its_disk_are_sent_again(
    stack: Stack, traffic: Traffic
):
    for worker in stack.workers:
        await worker.pause()
    since = await end_offsets(stack)
    ids = []
    # One after another: what goes to one partition at one time is one message.
    for count in range(1, 11):
        ids += await traffic.send(1)
        await eventually(partial(reached, stack, since + count))
    gone = await stack.brokers[0].truncate_tail(1.0, ready_within_s=90)
    after = await end_offsets(stack)
    await stack.heal()

    assert gone > 0
    assert after < since + 10
    await traffic.end_as("completed", ids)


async def test_the_leader_is_known(stack: Stack):
    assert await stack.leader_of(stack.topic_names.confirm, 0) is stack.brokers[0]


async def test_a_gateway_that_is_cut_off_is_reached_again_once_healed(
    stack: Stack, traffic: Traffic
):
    link = next(link for link in stack.links if link.server == "gateway-1")

    await link.cut()
    with pytest.raises(aiohttp.ClientConnectionError):
        await traffic.clients[0].call("GET", "/health")
    await stack.heal()

    await traffic.pay()
