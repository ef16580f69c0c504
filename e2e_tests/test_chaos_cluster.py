"""Three brokers with three copies of each topic: what is done to one, the others make up for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from e2e_tests.client import Client
from reliability.chaos.stack import BrokerNode, Direction, Stack, StackOptions
from tests.eventually import eventually

pytestmark = pytest.mark.slow

Pay = Callable[[], Awaitable[None]]


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    options = StackOptions(brokers=3, shards=2, gateways=1, folder=tmp_path)
    made = await Stack.start(options, progress=lambda _: None)
    try:
        yield made
    finally:
        await made.stop()


@pytest.fixture
async def pay(stack: Stack) -> AsyncIterator[Pay]:
    """Moves a cent, and returns when the transfer has completed."""
    async with aiohttp.ClientSession() as session:
        client = Client(session, stack.urls[0])
        payer = await client.member(EUR="10.00")
        payee = await client.member()

        async def pay() -> None:
            answer = await client.transfer(payer, payee, "0.01")
            assert answer.status == 202, answer

            async def completed() -> None:
                seen = await client.get_transfer(payer, answer.body["id"])
                assert seen.body["status"] == "completed", seen

            await eventually(completed, within_s=60, every_s=0.1)

        yield pay


async def test_the_cluster_goes_on_without_one_broker_whatever_is_done_to_it(
    stack: Stack, pay: Pay
):
    topic = stack.topic_names.try_confirm

    async def leader() -> BrokerNode:
        async def known() -> BrokerNode | None:
            return await stack.leader_of(topic, 0)

        found = await eventually(known, within_s=30, every_s=0.2)
        assert found is not None
        return found

    await pay()
    killed = await leader()
    await killed.kill()
    await eventually(lambda: _is_another(leader, killed), within_s=30, every_s=0.2)
    await pay()
    assert await killed.start()

    cut_off = await leader()
    around = [link for link in stack.links if cut_off.name in (link.client, link.server)]
    for link in around:
        await link.blackhole(Direction.BOTH)
    await pay()
    await stack.heal()
    await pay()

    torn = await leader()
    assert await torn.truncate_tail(0.5) > 0
    await pay()

    await stack.rolling_restart()
    await pay()
    assert [broker.unexpected_exits for broker in stack.brokers] == [[], [], []]


async def test_brokers_reach_each_other_through_proxies_only(stack: Stack, pay: Pay):
    await pay()
    between = [link for link in stack.links if link.client.startswith("broker")]

    assert len(between) == 6
    for link in between:
        assert (await link.counters()).open_connections > 0


async def _is_another(leader: Callable[[], Awaitable[BrokerNode]], old: BrokerNode) -> bool:
    async with asyncio.timeout(30):
        return await leader() is not old
