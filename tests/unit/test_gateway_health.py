"""Readiness: whoever asks, and however many at once, looks at each shard one at a time."""

import asyncio
from typing import cast

from gateway.routes.health import HealthRoutes
from messaging.sender import KafkaSender
from shards.errors import ShardAwayError
from shards.router import ShardMap


class SlowShard:
    """A shard that answers when it is let to."""

    name = "shard0"

    def __init__(self) -> None:
        self.pings = 0
        self.is_away = False
        self.begun = asyncio.Event()
        self.goes_on = asyncio.Event()
        self._now = 0

    async def ping(self) -> None:
        self.pings += 1
        self._now += 1
        assert self._now == 1, "two at once"
        is_away = self.is_away
        self.begun.set()
        try:
            await self.goes_on.wait()
        finally:
            self._now -= 1
        if is_away:
            raise ShardAwayError(self.name, "away")


class Kafka:
    async def reachable(self, *, within_s: float) -> bool:
        return within_s > 0


class OneShard:
    def __init__(self, shard: SlowShard) -> None:
        self.shards = (shard,)


def health_of(shard: SlowShard) -> HealthRoutes:
    return HealthRoutes(
        shards=cast("ShardMap", OneShard(shard)), sender=cast("KafkaSender", Kafka())
    )


async def test_those_who_ask_at_once_share_a_look_that_begins_after_they_asked():
    shard = SlowShard()
    health = health_of(shard)
    first = asyncio.create_task(health.readiness())
    await shard.begun.wait()
    shard.is_away = True
    others = [asyncio.create_task(health.readiness()) for _ in range(100)]
    await asyncio.sleep(0)
    shard.goes_on.set()

    before, after = await first, [await other for other in others]

    assert before.status == "ready"
    assert {view.status for view in after} == {"unavailable"}
    assert shard.pings == 2


async def test_who_goes_away_in_the_middle_leaves_the_look_to_the_others():
    shard = SlowShard()
    health = health_of(shard)
    gone = asyncio.create_task(health.readiness())
    await shard.begun.wait()
    other = asyncio.create_task(health.readiness())
    await asyncio.sleep(0)
    gone.cancel()
    shard.goes_on.set()

    assert (await other).status == "ready"
    assert shard.pings == 2
