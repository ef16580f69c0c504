"""Servers that stop and come back: the broker, and one shard."""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from devstack.kafka import KafkaBroker
from devstack.ports import free_port
from devstack.postgres import PostgresServer
from e2e_tests.answers import at_once
from e2e_tests.client import Answer, Client, Member
from e2e_tests.conftest import own_system
from e2e_tests.system import System
from e2e_tests.topic_tools import Seen, open_topics
from tests.databases import ShardDatabase, create_shards
from tests.eventually import eventually


async def test_transfers_are_accepted_without_kafka_and_complete_when_it_is_back(
    shard_databases: list[ShardDatabase], tmp_path: Path
):
    broker = KafkaBroker(tmp_path / "data", free_port(), tmp_path / "logs")
    await asyncio.to_thread(broker.start)
    async with own_system(shard_databases, broker.bootstrap, tmp_path) as system:
        client = await system.start_gateway()
        await system.start_worker()
        alice = await client.member(EUR="100.00")
        bob = await client.member()

        await asyncio.to_thread(broker.kill)
        answers = [await client.transfer(alice, bob, "1.00") for _ in range(30)]
        ready = await client.call("GET", "/ready")
        await asyncio.to_thread(broker.start)
        await system.drained(within_s=60)

        assert {answer.status for answer in answers} == {202}
        assert (ready.status, ready.body["status"], ready.body["kafka"]) == (
            200,
            "degraded",
            "down",
        )
        assert await client.balance(bob) == ("30.00", "0.00")
        await eventually(lambda: _is_ready(client))
    await asyncio.to_thread(broker.stop)


async def test_a_shard_that_stops_takes_down_its_own_wallets_only(
    two_servers: list[PostgresServer], kafka: KafkaBroker, tmp_path: Path
):
    databases = await create_shards(
        [server.dsn("postgres") for server in two_servers], count=2, buckets=8
    )
    async with own_system(databases, kafka.bootstrap, tmp_path) as system:
        client = await system.start_gateway()
        await system.start_worker()
        here, there = await _a_pair_on_each_shard(client, system)
        under_way = await client.transfer(here[0], there[0], "1.00", wait=10)

        await asyncio.to_thread(two_servers[1].kill)
        by_id = await client.transfer(here[0], there[0], "10.00")
        by_email = await client.transfer(here[0], there[0].email, "10.00", key="mail")
        foreign = await client.transfer(there[0], here[0], "10.00", key="away")
        local = await client.transfer(here[0], here[1], "5.00", wait=10)
        ready = await client.call("GET", "/ready")
        debited = await eventually(lambda: _in_status(client, here[0], by_id, "debited"))

        await asyncio.to_thread(two_servers[1].start)
        end = await client.get_transfer(here[0], by_id.body["id"], wait=30)
        again = await eventually(lambda: _accepted(client, there[0], here[0], "away"))
        mailed = await client.transfer(here[0], there[0].email, "10.00", key="mail", wait=10)
        await system.drained()

        assert under_way.body["status"] == "completed"
        assert by_id.status == 202
        assert debited
        assert (by_email.status, by_email.code) == (503, "shard_unavailable")
        assert (foreign.status, foreign.code) == (503, "shard_unavailable")
        assert "Retry-After" in foreign.headers
        assert (local.status, local.body["status"]) == (201, "completed")
        assert (ready.status, ready.body["status"]) == (200, "degraded")
        assert sorted(ready.body["shards"].values()) == ["down", "up"]
        assert end.body["status"] == "completed"
        assert again
        assert mailed.body["status"] == "completed"
        # 100 - 1 - 10 - 10 - 5 + 10 and 100 + 1 + 10 + 10 - 10
        assert await client.balance(here[0]) == ("84.00", "0.00")
        assert await client.balance(there[0]) == ("111.00", "0.00")


async def test_while_a_shops_shard_is_away_holds_are_opened_and_captured(
    two_servers: list[PostgresServer], kafka: KafkaBroker, tmp_path: Path
):
    databases = await create_shards(
        [server.dsn("postgres") for server in two_servers], count=2, buckets=8
    )
    async with own_system(databases, kafka.bootstrap, tmp_path) as system:
        client = await system.start_gateway()
        await system.start_worker()
        here, there = await _a_pair_on_each_shard(client, system)
        alice, shop = here[0], there[0]
        paid = (await client.transfer(alice, shop, "10.00", wait=10)).body["id"]

        await asyncio.to_thread(two_servers[1].kill)
        hold = await client.hold(alice, shop, "20.00")
        capture = await client.capture(shop, hold.body["id"], "15.00", final=False)
        voided = await client.void(shop, hold.body["id"])
        refund = await client.refund(shop, paid, "4.00", key="refund")
        away = await client.hold(shop, alice, "1.00")
        await asyncio.to_thread(two_servers[1].start)
        end = await client.get_transfer(alice, capture.body["id"], wait=30)
        again = await client.refund(shop, paid, "4.00", key="refund", wait=10)

        assert (hold.status, capture.status, voided.status) == (201, 202, 200)
        assert (capture.body["status"], end.body["status"]) == ("debited", "completed")
        for answer in (refund, away):
            assert (answer.status, answer.code) == (503, "shard_unavailable")
            assert "Retry-After" in answer.headers
        assert (again.status, again.body["status"]) == (201, "completed")
        # 100 - 10 - 15 + 4 and 100 + 10 + 15 - 4
        assert await client.balance(alice) == ("79.00", "0.00")
        assert await client.balance(shop) == ("121.00", "0.00")


async def test_a_shard_that_hangs_holds_up_nobody_else(
    two_servers: list[PostgresServer], kafka: KafkaBroker, tmp_path: Path
):
    databases = await create_shards(
        [server.dsn("postgres") for server in two_servers], count=2, buckets=8
    )
    async with own_system(databases, kafka.bootstrap, tmp_path) as system:
        client = await system.start_gateway()
        await system.start_worker()
        here, there = await _a_pair_on_each_shard(client, system)

        with _hanging(two_servers[1]):
            unchecked, local, away = await at_once(
                _timed(client.transfer(here[0], there[0], "10.00")),
                _timed(client.transfer(here[0], here[1], "5.00")),
                _timed(client.transfer(there[0], here[0], "10.00", key="away")),
            )
        again = await eventually(lambda: _accepted(client, there[0], here[0], "away"))
        await system.drained()

        assert (unchecked[0].status, local[0].status, away[0].status) == (202, 202, 503)
        assert unchecked[1] < 4.0
        assert local[1] < 2.0
        assert away[1] < 10.0
        assert again


async def test_a_gateway_and_a_worker_start_while_a_shard_is_away(
    two_servers: list[PostgresServer], kafka: KafkaBroker, tmp_path: Path
):
    databases = await create_shards(
        [server.dsn("postgres") for server in two_servers], count=2, buckets=8
    )
    await asyncio.to_thread(two_servers[1].stop)
    async with own_system(databases, kafka.bootstrap, tmp_path) as system:
        client = await system.start_gateway()
        worker = await system.start_worker()
        watching = asyncio.create_task(worker.watch())

        before = await client.call("GET", "/ready")
        await asyncio.to_thread(two_servers[1].start)
        here, there = await _a_pair_on_each_shard(client, system)
        done = await client.transfer(there[0], here[0], "10.00", wait=10)

        assert before.body["status"] == "degraded"
        assert done.body["status"] == "completed"
        assert not watching.done()
        watching.cancel()


async def test_a_flood_of_poison_for_a_shard_that_is_away_waits_in_kafka(
    two_servers: list[PostgresServer], kafka: KafkaBroker, tmp_path: Path
):
    flood = 5_000
    databases = await create_shards(
        [server.dsn("postgres") for server in two_servers], count=2, buckets=8
    )
    async with own_system(databases, kafka.bootstrap, tmp_path) as system:
        client = await system.start_gateway()
        worker = await system.start_worker()
        here, _ = await _a_pair_on_each_shard(client, system)

        def depth() -> int:
            return next(lane.depth for lane in worker._core.lanes() if lane.name == "shard1.dead")

        def paused() -> set[tuple[str, int]]:
            return set(worker._faust.app.safe_consumer._paused_by_us)

        await asyncio.to_thread(two_servers[1].stop)
        async with open_topics(system) as topics:
            await topics.rewrite([_poison(system, number) for number in range(flood)])
            await eventually(lambda: depth() >= 200 and len(paused()) >= 12)
            local = await client.transfer(here[0], here[1], "5.00", wait=15)
            waiting, held_back = depth(), paused()
            await asyncio.to_thread(two_servers[1].start)

            async def all_kept() -> None:
                query = "SELECT count(*) AS letters FROM dead_letters"
                kept = await system.sql_at(databases[1].dsn, query)
                assert kept[0]["letters"] == flood

            await eventually(all_kept, within_s=60, every_s=0.1)
            await eventually(lambda: not paused() and depth() == 0)

        assert local.body["status"] == "completed"
        assert {bucket for _, bucket in held_back} == {1, 3, 5, 7}
        # What Faust had fetched when the partitions were paused is bounded, too.
        assert waiting < flood / 2


def _poison(system: System, number: int) -> Seen:
    """Bytes that nobody can read, on one of the partitions of the second shard."""
    topic = system.topics.steps[number % 3]
    return Seen(topic, 1 + 2 * (number % 4), b"k", f"poison {number}".encode(), ())


@contextmanager
def _hanging(server: PostgresServer) -> Iterator[None]:
    """Every process of a server stopped: it takes connections and never answers."""
    postmaster = psutil.Process(server.pid)
    stopped = [postmaster, *postmaster.children()]
    for process in stopped:
        process.suspend()
    try:
        yield
    finally:
        for process in stopped:
            process.resume()


async def _timed(call: Coroutine[object, object, Answer]) -> tuple[Answer, float]:
    """An answer, and how many seconds it took."""
    since = time.monotonic()
    return await call, time.monotonic() - since


async def _a_pair_on_each_shard(
    client: Client, system: System
) -> tuple[list[Member], list[Member]]:
    """Two members with 100.00 on the first shard, and two on the second."""
    found: tuple[list[Member], list[Member]] = ([], [])
    while min(len(found[0]), len(found[1])) < 2:
        member = await client.member(EUR="100.00")
        found[system.shard_number(member.id)].append(member)
    return found


async def _in_status(client: Client, by: Member, answer, status: str) -> bool:
    return (await client.get_transfer(by, answer.body["id"])).body["status"] == status


async def _accepted(client: Client, payer: Member, payee: Member, key: str) -> bool:
    return (await client.transfer(payer, payee, "10.00", key=key)).status == 202


async def _is_ready(client: Client) -> bool:
    return (await client.call("GET", "/ready")).body["status"] == "ready"
