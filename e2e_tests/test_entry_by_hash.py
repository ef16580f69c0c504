"""GET entries/{hash}: one entry, and its hash computed from what is shown of it alone."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from devstack.kafka import KafkaBroker
from devstack.postgres import PostgresServer
from e2e_tests.answers import fields, refused
from e2e_tests.client import Answer, Client, Member
from e2e_tests.conftest import own_system
from e2e_tests.system import System
from tests.databases import create_shards


async def by_hash(client: Client, by: Member, hash_: str) -> Answer:
    """The entry with this hash, as this member sees it."""
    return await client.call("GET", f"/v1/entries/{hash_}", by=by)


async def entries_of(client: Client, of: Member) -> list[dict[str, Any]]:
    """All its entries, newest first."""
    answer = await client.call("GET", f"{of.wallet}/entries?limit=100", by=of)
    listed: list[dict[str, Any]] = answer.body["data"]
    return listed


async def one_on_each_shard(system: System, client: Client) -> list[Member]:
    """A member with 10.00 on each shard, in their order."""
    found: dict[int, Member] = {}
    while len(found) < len(system.databases):
        member = await client.member(EUR="10.00")
        found.setdefault(system.shard_number(member.id), member)
    return [found[number] for number in sorted(found)]


async def test_each_entry_is_found_by_its_hash_as_lists_show_it(system: System, running: Client):
    alice, bob = await one_on_each_shard(system, running)
    await running.transfer(alice, bob, "2.50", wait=10)
    await running.withdraw(alice, "1.00")

    for member in (alice, bob):
        listed = await entries_of(running, member)
        assert len(listed) > 1
        for entry in listed:
            for hash_ in (entry["hash"], entry["hash"].upper()):
                answer = await by_hash(running, member, hash_)
                assert (answer.status, answer.body) == (200, entry)


async def test_a_hash_is_computed_from_the_answer_as_the_docs_say(running: Client):
    alice = await running.member(EUR="10.05", JPY="7", ETH="0.000000000000000001")
    bob = await running.member(EUR="1.00")
    await running.transfer(alice, bob, "10.05", wait=10)
    await running.transfer(bob, alice, "0.05", wait=10)

    kinds = set()
    for owner in (alice, bob):
        for listed in await entries_of(running, owner):
            entry = (await by_hash(running, owner, listed["hash"])).body
            kinds.add(entry["kind"])
            string = "|".join(
                [
                    "holdfast.entry.v1",
                    owner.id,
                    entry["currency"],
                    str(entry["seq"]),
                    minor_units(entry["amount"]),
                    minor_units(entry["balance_after"]),
                    entry["kind"],
                    entry["transfer_id"] or "",
                    entry["counterparty"] or "",
                    entry["at"],
                    entry["prev_hash"],
                ]
            )
            assert hashlib.sha256(string.encode()).hexdigest() == entry["hash"] == listed["hash"]
    assert kinds == {"deposit", "transfer_in", "transfer_out"}


def minor_units(amount: str) -> str:
    """`-0.05` as `-5`: no point, no leading zeros."""
    sign, digits = ("-", amount[1:]) if amount.startswith("-") else ("", amount)
    return sign + (digits.replace(".", "").lstrip("0") or "0")


async def test_a_foreign_hash_is_404_and_an_operator_reads_everyones(
    system: System, client: Client
):
    members = await one_on_each_shard(system, client)
    # On the same shard as the first: its entries are in the same table.
    neighbour = await client.member()
    while system.shard_number(neighbour.id) != system.shard_number(members[0].id):
        neighbour = await client.member()
    boss = system.as_operator(neighbour)

    for number, member in enumerate(members):
        (entry,) = await entries_of(client, member)
        for stranger in (members[1 - number], neighbour):
            assert refused(await by_hash(client, stranger, entry["hash"])) == (404, "not_found")
        assert (await by_hash(client, boss, entry["hash"])).body == entry


async def test_an_unknown_or_malformed_hash_is_404_like_a_foreign_one(
    system: System, client: Client
):
    alice = await client.member(EUR="1.00")
    boss = system.as_operator(alice)
    (entry,) = await entries_of(client, alice)
    hash_ = entry["hash"]

    for wrong in [
        *("0" * 64, hash_[:-1], hash_ + "0", hash_[:-1] + "g", "0x" + hash_[2:], "%00" * 64, "x"),
        *(f"%20{hash_}", f"{hash_}%0A", "１" * 64, "' OR 1=1--"),
    ]:
        for member in (alice, boss):
            assert refused(await by_hash(client, member, wrong)) == (404, "not_found"), wrong


async def test_it_is_checked_in_the_order_401_404_422(client: Client):
    alice, bob = await client.member(EUR="1.00"), await client.member(EUR="1.00")
    (mine,), (his,) = await entries_of(client, alice), await entries_of(client, bob)
    wrong = "?nothing=1"

    assert refused(await client.call("GET", f"/v1/entries/x{wrong}"))[0] == 401
    assert refused(await by_hash(client, alice, his["hash"] + wrong))[0] == 404
    answer = await by_hash(client, alice, mine["hash"] + wrong)
    assert fields(answer) == [("/nothing", "unknown_field")]


async def test_a_shard_that_is_away_takes_away_its_own_entries_only(
    two_servers: list[PostgresServer], kafka: KafkaBroker, tmp_path: Path
):
    databases = await create_shards(
        [server.dsn("postgres") for server in two_servers], count=2, buckets=8
    )
    async with own_system(databases, kafka.bootstrap, tmp_path) as system:
        client = await system.start_gateway()
        here, there = await one_on_each_shard(system, client)
        (near,), (far,) = await entries_of(client, here), await entries_of(client, there)
        boss = system.as_operator(here)

        await asyncio.to_thread(two_servers[1].stop)
        answers = [
            await by_hash(client, by, entry["hash"])
            for by, entry in [(here, near), (boss, near), (boss, far), (there, far), (here, far)]
        ]
        await asyncio.to_thread(two_servers[1].start)

        assert [answer.status for answer in answers] == [200, 200, 503, 503, 404]
        assert {answer.code for answer in answers[2:4]} == {"shard_unavailable"}
