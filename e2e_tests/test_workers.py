"""Several workers share the buckets; they come, go and die while money moves."""

import asyncio

import pytest

from e2e_tests.client import Client, Member
from e2e_tests.system import System
from messaging.errors import TopicsError


async def test_workers_added_and_killed_under_load_lose_nothing(system: System, client: Client):
    members = [await client.member(EUR="1000.00") for _ in range(6)]
    first = await system.spawn_worker()
    load = asyncio.create_task(_pay_in_circles(client, members, rounds=60))

    second = await system.spawn_worker()
    await first.kill()
    await system.spawn_worker()
    accepted = await load
    await second.kill()
    await system.drained(within_s=60)

    assert accepted == 6 * 60
    balances = [await client.balance(member) for member in members]
    assert balances == [("1000.00", "0.00")] * 6


async def test_a_worker_that_stops_in_order_hands_over_at_once(system: System, client: Client):
    alice = await client.member(EUR="100.00")
    bob = await client.member()
    first = await system.start_worker()
    await system.start_worker()

    await first.stop()
    answers = [await client.transfer(alice, bob, "1.00", wait=10) for _ in range(20)]

    assert {answer.body["status"] for answer in answers} == {"completed"}


async def _pay_in_circles(client: Client, members: list[Member], *, rounds: int) -> int:
    """Each member pays the next one 1.00 per round; returns how many were accepted."""
    accepted = 0
    for _ in range(rounds):
        async with asyncio.TaskGroup() as group:
            calls = [
                group.create_task(client.transfer(payer, payee, "1.00"))
                for payer, payee in zip(members, members[1:] + members[:1], strict=True)
            ]
        accepted += sum(call.result().status == 202 for call in calls)
    return accepted


async def test_a_worker_refuses_topics_with_other_numbers_than_the_buckets(
    system: System, client: Client
):
    system.change(kafka={"topic_prefix": "nobody-made-these"})

    with pytest.raises(TopicsError, match="holdfast migrate"):
        await system.start_worker()
