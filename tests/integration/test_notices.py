"""Notices of transfers that ended."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

from sagas.notifying import notify_ended
from shards.notices import ENDED_CHANNEL, USER_CHANNEL, Ended, parse_notice, send_notices
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
        await self._conn.add_listener(ENDED_CHANNEL, self._hear)

    def _hear(self, _conn: object, _pid: int, _channel: str, payload: object) -> None:
        self._heard.put_nowait(str(payload))

    async def next(self) -> list[Ended]:
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

        told = await listener.next()
    assert [one.transfer_id for one in told] == [done.id, rejected.id]
    assert [held.ended_as(one) for one in told[:1]] == [
        held.changed(
            status="completed",
            reason=None,
            next_attempt_at=None,
            debited_at=done.debited_at,
            ended_at=done.ended_at,
        )
    ]
    assert (told[1].status, told[1].reason, told[1].debited_at, told[1].ended_at) == (
        "rejected",
        "insufficient_funds",
        None,
        rejected.ended_at,
    )


async def test_many_ends_come_in_notices_of_at_most_60(world: World):
    payer = await world.user(bucket=0)
    at = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    ended = [
        Ended(
            transfer_id=uuid4(),
            status="completed",
            reason="insufficient_funds",
            debited_at=at,
            ended_at=at,
        )
        for _ in range(130)
    ]

    async with world.session(payer) as conn:
        listener = Listener(conn)
        await listener.start()
        async with world.shards.of_id(payer).connection() as sender:
            await send_notices(sender, ended)
        heard = [await listener.next() for _ in range(3)]

    assert [len(notice) for notice in heard] == [60, 60, 10]
    assert [one for notice in heard for one in notice] == ended


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


@pytest.mark.parametrize(
    "payload",
    [
        "",
        ",",
        "00000000-0000-8000-8000-000000000000",
        "no-id completed - 1 1",
        "00000000-0000-8000-8000-000000000000 completed - 1 99999999999999999999",
    ],
)
def test_a_notice_that_is_not_ours_tells_nothing(payload: str):
    assert list(parse_notice(payload)) == []


@pytest.mark.parametrize("status", ["frozen", "closed"])
async def test_a_changed_status_is_told_and_a_counted_event_is_not(world: World, status: str):
    user, other = await world.pair(funds=100)
    async with world.session(user) as conn:
        told: asyncio.Queue[object] = asyncio.Queue()
        await conn.add_listener(USER_CHANNEL, lambda *heard: told.put_nowait(heard[-1]))

        await world.run_all(await world.try_transfer(user, other, 10))
        await conn.execute("UPDATE users SET status = status WHERE id = $1", user)
        await conn.execute("UPDATE users SET status = $2 WHERE id = $1", user, status)

        async with asyncio.timeout(5):
            assert await told.get() == str(user)
        assert told.empty()
