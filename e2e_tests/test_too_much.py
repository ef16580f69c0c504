"""Too many transfers under way: of one payer, and on a shard whose messages nobody takes."""

import asyncio
from pathlib import Path

from devstack.kafka import KafkaBroker
from devstack.ports import free_port
from e2e_tests.answers import at_once, refused, unchanged
from e2e_tests.client import Client, Member
from e2e_tests.conftest import own_system
from e2e_tests.system import System
from tests.databases import ShardDatabase
from tests.eventually import eventually

BOUND = 5
HELD_S = 3.0


async def test_a_payer_has_so_many_transfers_under_way_and_no_more(system: System):
    system.change(transfers={"open_per_payer": BOUND})
    clients = [await system.start_gateway(), await system.start_gateway()]
    client = clients[0]
    alice, bob = await client.member(EUR="100.00"), await client.member(EUR="100.00")

    answers = await at_once(
        *(
            clients[number % 2].transfer(alice, bob, "1.00", key=f"k{number}")
            for number in range(4 * BOUND)
        )
    )
    accepted = [f"k{n}" for n, answer in enumerate(answers) if answer.status == 202]
    over = [answer for answer in answers if answer.status != 202]
    again = await client.transfer(alice, bob, "1.00", key=accepted[0])

    assert len(accepted) == BOUND
    assert {refused(answer) for answer in over} == {(429, "too_many_open")}
    assert all(answer.headers["Retry-After"] == "2" for answer in over)
    assert (again.status, again.headers["Idempotency-Replayed"]) == (202, "true")
    async with unchanged(system):
        # Who and where come before it; what is in the request, and what it would do, after.
        assert refused(await client.transfer(alice, alice, "1.00")) == (429, "too_many_open")
        assert refused(await client.transfer(alice, bob, "500.00")) == (429, "too_many_open")
        assert refused(
            await client.call("POST", f"{alice.wallet}/transfers", {}, by=bob, key="x")
        ) == (404, "not_found")
    assert (await client.transfer(bob, alice, "1.00")).status == 202
    assert (await client.withdraw(alice, "1.00")).status == 201
    assert (await client.cancel(alice, again.body["id"])).status == 200
    # Nothing was recorded: the key that was refused is good.
    refused_key = next(f"k{n}" for n, answer in enumerate(answers) if answer.status == 429)
    assert (await client.transfer(alice, bob, "1.00", key=refused_key)).status == 202


async def test_without_kafka_transfers_are_accepted_for_so_long_and_again_when_it_is_back(
    shard_databases: list[ShardDatabase], tmp_path: Path
):
    broker = KafkaBroker(tmp_path / "data", free_port(), tmp_path / "logs")
    await asyncio.to_thread(broker.start)
    async with own_system(shard_databases, broker.bootstrap, tmp_path) as system:
        system.change(transfers={"oldest_held_s": HELD_S, "watch_s": 0.1})
        client = await system.start_gateway()
        await system.start_worker()
        alice, bob = await client.member(EUR="100.00"), await client.member(EUR="9.00")

        await asyncio.to_thread(broker.kill)
        early = [await client.transfer(alice, bob, "1.00", key=f"k{n}") for n in range(5)]
        refusal = await eventually(lambda: _refusal(client, alice, bob))
        again = await client.transfer(alice, bob, "1.00", key="k0")
        reads = await client.get_transfer(alice, early[1].body["id"])
        deposit = await client.deposit(alice, "1.00")
        cancelled = await client.cancel(alice, early[0].body["id"])
        await asyncio.to_thread(broker.start)
        accepted = await eventually(lambda: _accepted(client, alice, bob), within_s=60)
        await system.drained(within_s=60)

        assert {answer.status for answer in early} == {202}
        assert refusal
        assert (again.status, again.headers["Idempotency-Replayed"]) == (202, "true")
        assert (reads.status, reads.body["status"]) == (200, "held")
        assert (deposit.status, cancelled.status) == (201, 200)
        assert accepted
    await asyncio.to_thread(broker.stop)


async def _refusal(client: Client, payer: Member, payee: Member) -> bool:
    """Whether one more transfer, under a key of its own, is refused as it has to be."""
    answer = await client.transfer(payer, payee, "0.01")
    if answer.status == 202:
        return False
    assert refused(answer) == (429, "too_much_in_flight")
    return answer.headers["Retry-After"] == "10"


async def _accepted(client: Client, payer: Member, payee: Member) -> bool:
    return (await client.transfer(payer, payee, "0.01")).status == 202
