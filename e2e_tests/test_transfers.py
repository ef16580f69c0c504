"""Transfers from end to end: through HTTP, Kafka and both shards."""

from e2e_tests.client import Client


async def test_a_transfer_completes_and_the_client_is_told(running: Client):
    alice = await running.member(EUR="100.00")
    bob = await running.member()

    answer = await running.transfer(alice, bob, "12.50", wait=10)

    assert (answer.status, answer.body["status"]) == (201, "completed")
    assert [step["status"] for step in answer.body["timeline"]] == ["held", "debited", "completed"]
    assert await running.balance(alice) == ("87.50", "0.00")
    assert await running.balance(bob) == ("12.50", "0.00")
