"""Notices of transfers that ended."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from sagas.notifying import notify_ended
from shards.notices import CHANNEL, parse_notice, send_notices
from shards.pool import ShardOptions
from shards.shard import Shard
from tests.databases import ShardDatabase
from tests.integration.world import World


class Listener:
    """What a shard's listeners hear."""

    def __init__(self, conn: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._conn = conn
        self._heard: asyncio.Queue[str] = asyncio.Queue()

    async def start(self) -> None:
        await self._conn.add_listener(CHANNEL, self._hear)

    def _hear(self, _conn: object, _pid: int, _channel: str, payload: object) -> None:
        self._heard.put_nowait(str(payload))

    async def next(self) -> list[UUID]:
        async with asyncio.timeout(5):
            return list(parse_notice(await self._heard.get()))


async def test_a_listener_hears_which_transfers_ended_and_of_no_other(world: World):
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 10)
    done = await world.run_all(await world.try_transfer(payer, payee, 10))
    rejected = await world.try_transfer(payer, payee, 1_000)

    async with world.session(payer) as conn:
        listener = Listener(conn)
        await listener.start()
        await notify_ended(world.shards.of_id(payer), [held, done, rejected])

        assert await listener.next() == [done.id, rejected.id]


async def test_many_ids_come_in_notices_of_at_most_200(world: World):
    payer = await world.user(bucket=0)
    ids = [uuid4() for _ in range(450)]

    async with world.session(payer) as conn:
        listener = Listener(conn)
        await listener.start()
        async with world.shards.of_id(payer).connection() as sender:
            await send_notices(sender, ids)
        heard = [await listener.next() for _ in range(3)]

    assert [len(notice) for notice in heard] == [200, 200, 50]
    assert [id_ for notice in heard for id_ in notice] == ids


async def test_nothing_that_ended_is_no_notice(world: World, caplog: pytest.LogCaptureFixture):
    payer, payee = await world.pair(funds=100)
    held = await world.try_transfer(payer, payee, 10)
    shard = Shard(name="none", dsn="postgresql://127.0.0.1:1/x", buckets=(), options=ShardOptions())

    await notify_ended(shard, [held])

    # Whoever had tried to send one there would have told that it was lost.
    assert "notice.lost" not in caplog.text


async def test_a_notice_that_cannot_be_sent_is_lost_and_told(
    world: World, shard_databases: list[ShardDatabase], caplog: pytest.LogCaptureFixture
):
    payer, payee = await world.pair(funds=100)
    rejected = await world.try_transfer(payer, payee, 1_000)
    away = Shard(
        name="shard0", dsn=shard_databases[0].dsn + "_not", buckets=(), options=ShardOptions()
    )

    await notify_ended(away, [rejected])
    await away.close()

    assert [record.msg["event"] for record in caplog.records if isinstance(record.msg, dict)] == [
        "notice.lost"
    ]


@pytest.mark.parametrize("payload", ["", ","])
def test_an_empty_notice_names_nothing(payload: str):
    assert list(parse_notice(payload)) == []
