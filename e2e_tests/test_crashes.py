"""Real processes, killed for real at the worst moments."""

import aiohttp
import pytest

from e2e_tests.client import Client
from e2e_tests.system import System


@pytest.mark.parametrize("point", ["before-produce", "before-ack", "before-settle"])
async def test_a_worker_killed_at_a_step_leaves_a_transfer_that_completes(
    system: System, client: Client, point: str
):
    alice = await client.member(EUR="100.00")
    bob = await client.member()
    dying = await system.spawn_dying_worker(point)

    held = await client.transfer(alice, bob, "60.00")
    await dying.ended()
    before = await client.get_transfer(alice, held.body["id"])
    await system.start_worker()
    end = await client.get_transfer(alice, held.body["id"], wait=20)

    assert before.body["status"] == "debited"
    assert end.body["status"] == "completed"
    assert await client.balance(alice) == ("40.00", "0.00")
    assert await client.balance(bob) == ("60.00", "0.00")


async def test_a_gateway_killed_after_the_try_answers_the_same_key_with_the_same_transfer(
    system: System, running: Client
):
    alice = await running.member(EUR="100.00")
    bob = await running.member()
    dying, doomed = await system.spawn_dying_gateway("after-try")

    with pytest.raises(aiohttp.ClientError):
        await doomed.transfer(alice, bob, "60.00", key="k")
    await dying.ended()
    again = await running.transfer(alice, bob, "60.00", key="k", wait=20)

    assert (again.status, again.body["status"]) == (201, "completed")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await running.balance(alice) == ("40.00", "0.00")
    listed = await running.call("GET", f"{alice.wallet}/transfers", by=alice)
    assert len(listed.body["data"]) == 1


async def test_a_gateway_killed_after_the_try_loses_nothing_if_the_client_never_returns(
    system: System, running: Client
):
    alice = await running.member(EUR="100.00")
    bob = await running.member()
    dying, doomed = await system.spawn_dying_gateway("after-try")

    with pytest.raises(aiohttp.ClientError):
        await doomed.transfer(alice, bob, "60.00")
    await dying.ended()
    await system.drained()

    assert await running.balance(bob) == ("60.00", "0.00")
