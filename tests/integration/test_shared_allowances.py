"""Allowances in a real Redis: counted together, step by step, and without it when it is away."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog

from gateway.allowances import LocalAllowances, Rate, Taken
from gateway.shared_allowances import SharedAllowances, SharedStore
from tests.eventually import eventually
from tests.redis_server import RedisServer

BURST = 40
# Nothing fills while a test runs: a request each hour, and one more at the most.
SLOW = Rate(name="user", whose="this user", requests=1, per_s=3600, burst=BURST)
LOST, BACK = "rate_limits.redis_lost", "rate_limits.redis_back"
# A request that waits for Redis waits for a quarter of a second at the most.
SOON_S = 0.6


@asynccontextmanager
async def gateway(url: str, rate: Rate = SLOW) -> AsyncIterator[SharedAllowances]:
    """The allowances of one gateway."""
    shared = SharedStore(url)
    await shared.start()
    try:
        local = LocalAllowances(rate, keys_max=100)
        yield SharedAllowances(rate, shared=shared, local=local)
    finally:
        await shared.close()


async def at_once(*gateways: SharedAllowances, times: int, key: str = "k") -> list[Taken]:
    """What so many requests at the same moment are told, dealt out over the gateways."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(gateways[number % len(gateways)].take(key)) for number in range(times)
        ]
    return [task.result() for task in tasks]


def passed(answers: list[Taken]) -> int:
    return sum(not answer.is_refused for answer in answers)


async def test_gateways_count_together_and_no_request_is_lost_or_doubled(redis: RedisServer):
    async with gateway(redis.url) as one, gateway(redis.url) as other:
        first = await at_once(one, other, times=BURST // 2)
        rest = await at_once(one, other, times=1_000)

    assert sorted(answer.remaining for answer in first) == list(range(BURST // 2, BURST))
    assert passed(rest) == BURST // 2
    assert min(answer.remaining for answer in rest) == 0


async def test_keys_and_kinds_are_counted_apart(redis: RedisServer):
    address = Rate(name="address", whose="this address", requests=1, per_s=3600, burst=1)
    async with gateway(redis.url) as users, gateway(redis.url, address) as addresses:
        assert (await users.take("a")).remaining == BURST - 1
        assert (await users.take("b")).remaining == BURST - 1
        assert passed([await addresses.take("a") for _ in range(3)]) == 1
        assert (await users.take("a")).remaining == BURST - 2


async def test_who_waits_as_long_as_told_is_let_through(redis: RedisServer):
    rate = Rate(name="user", whose="this user", requests=30, per_s=60, burst=2)
    async with gateway(redis.url, rate) as one:
        refused = (await at_once(one, times=3))[-1]
        await asyncio.sleep(refused.retry_s)
        then = await one.take("k")

    assert (refused.is_refused, refused.retry_s) == (True, 2)
    assert not then.is_refused


async def test_what_is_full_again_is_forgotten_there(redis: RedisServer):
    rate = Rate(name="user", whose="this user", requests=5, per_s=1, burst=5)
    async with gateway(redis.url, rate) as one:
        await at_once(one, times=5)
        assert redis.kinds_of_keys() == {"holdfast:probe", "holdfast:user"}
        await eventually(lambda: redis.kinds_of_keys() == set(), within_s=10)


async def test_without_redis_each_counts_for_itself_and_says_so_once(redis: RedisServer):
    redis.stop()
    with structlog.testing.capture_logs() as lines:
        async with gateway(redis.url) as one, gateway(redis.url) as other:
            answers = await at_once(one, times=BURST + 10)
            others = await at_once(other, times=BURST + 10)

    assert passed(answers) == passed(others) == BURST
    assert [line["event"] for line in lines] == [LOST] * 2


@pytest.mark.parametrize("how", ["stop", "freeze"])
async def test_redis_goes_away_and_comes_back_and_nobody_waits_for_it_twice(
    redis: RedisServer, how: str
):
    with structlog.testing.capture_logs() as lines:
        async with gateway(redis.url) as one:
            assert (await one.take("k")).remaining == BURST - 1

            getattr(redis, how)()
            since = time.monotonic()
            first = await at_once(one, times=BURST)
            waited_s = time.monotonic() - since
            since = time.monotonic()
            for _ in range(200):
                assert (await one.take("k")).is_refused
            later_s = time.monotonic() - since
            if how == "stop":
                redis.start()
            else:
                redis.go_on()
            await eventually(lambda: BACK in [line["event"] for line in lines])
            back = await one.take("other")

    # All that were under way waited together, and were counted here.
    assert passed(first) == BURST
    assert waited_s < SOON_S
    assert later_s < SOON_S
    assert (back.remaining, back.is_refused) == (BURST - 1, False)
    assert [line["event"] for line in lines] == [LOST, BACK]
    assert lines[0]["log_level"] == "warning"


async def test_a_redis_that_forgot_its_scripts_is_told_them_again(redis: RedisServer):
    with structlog.testing.capture_logs() as lines:
        async with gateway(redis.url) as one:
            await one.take("k")
            redis.forget_scripts()
            answers = await at_once(one, times=5)
            await eventually(lambda: BACK in [line["event"] for line in lines])
            assert (await one.take("k")).remaining == BURST - 2

    assert passed(answers) == 5


async def test_a_redis_that_takes_no_writes_counts_as_away(redis: RedisServer):
    with structlog.testing.capture_logs() as lines:
        async with gateway(redis.url) as one:
            redis.refuse_writes()
            answers = await at_once(one, times=BURST + 5)
            before = redis.scripts_told()
            await eventually(lambda: redis.scripts_told() >= before + 2)
            # It answered twice, and is not back for that.
            assert [line["event"] for line in lines] == [LOST]
            redis.take_writes()
            await eventually(lambda: BACK in [line["event"] for line in lines])

    assert passed(answers) == BURST


async def test_a_caller_that_goes_away_takes_nothing_from_the_others(redis: RedisServer):
    async with gateway(redis.url) as one:
        gone = [asyncio.create_task(one.take("k")) for _ in range(10)]
        await asyncio.sleep(0)
        for task in gone:
            task.cancel()
        await asyncio.wait(gone)
        answers = await at_once(one, times=5)

    assert passed(answers) == 5


async def test_more_at_once_than_go_together_are_all_answered(redis: RedisServer):
    with structlog.testing.capture_logs() as lines:
        async with gateway(redis.url) as one:
            answers = await at_once(one, times=3_000)

    assert passed(answers) == BURST
    assert not lines


async def test_an_end_while_redis_is_away_is_no_hang(redis: RedisServer):
    async with gateway(redis.url) as one:
        redis.freeze()
        waiting = asyncio.create_task(one.take("k"))
        await asyncio.sleep(0)
    async with asyncio.timeout(SOON_S):
        assert not (await waiting).is_refused


def test_an_address_that_cannot_be_read_is_refused_and_not_told():
    with pytest.raises(ValueError, match="address of Redis") as caught:
        SharedStore("redis://:secret@127.0.0.1:secret/0")

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
