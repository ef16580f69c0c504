"""GET /audit-trail: all acts of all shards, page by page, while more are added."""

import hashlib
from typing import Any

from e2e_tests.answers import at, at_once, fields, refused, unchanged
from e2e_tests.client import Client, Member
from e2e_tests.operators import ask, make_operator, member_on, set_status
from e2e_tests.system import System
from shards.ids import RandomIds

SHAPE = {
    *("act", "target_id", "done_by", "reason", "detail", "at", "bucket", "seq"),
    *("hash", "prev_hash"),
}


async def page(client: Client, by: Member, query: str = "") -> dict[str, Any]:
    answer = await client.call("GET", f"/v1/audit-trail?{query}", by=by)
    assert answer.status == 200, answer
    body: dict[str, Any] = answer.body
    return body


async def pages(client: Client, by: Member, query: str, limit: int) -> list[dict[str, Any]]:
    """The whole list, page by page."""
    found, cursor = [], ""
    while True:
        shown = await page(client, by, f"{query}&limit={limit}{cursor}")
        assert len(shown["data"]) <= limit
        found += shown["data"]
        if shown["next_cursor"] is None:
            return found
        assert len(shown["data"]) == limit
        cursor = f"&cursor={shown['next_cursor']}"


async def frozen_members(system: System, client: Client, by: Member, count: int) -> list[Member]:
    """New users, on either shard in turn, frozen one after the other."""
    members = [await member_on(system, client, number % 2) for number in range(count)]
    for member in members:
        assert (await ask(client, by, "freeze", member, f"case {member.id}")).status == 200
    return members


async def test_an_act_says_who_did_what_to_whom_and_why(system: System, client: Client):
    ada, alice = await make_operator(system, client), await client.member()
    await ask(client, ada, "freeze", alice, "a stolen card 💳")

    act = (await page(client, ada))["data"][0]

    assert set(act) == SHAPE
    assert (act["act"], act["target_id"], act["done_by"]) == ("user.freeze", alice.id, ada.id)
    assert (act["reason"], act["detail"]) == ("a stolen card 💳", "open to frozen")
    at(act["at"])


async def test_the_hashes_of_a_bucket_are_a_chain_that_anyone_can_check(
    system: System, client: Client
):
    ada, alice = await make_operator(system, client), await client.member()
    for verb in ("freeze", "unfreeze") * 3:
        await ask(client, ada, verb, alice)

    acts = [one for one in await pages(client, ada, "", 100) if one["target_id"] == alice.id]

    before: dict[str, Any] | None = None
    for act in reversed(acts):
        lines = ["holdfast.act.v1", *(str(act[name]) for name in ("bucket", "seq", "act"))]
        lines += [act[n] for n in ("target_id", "done_by", "reason", "detail", "at", "prev_hash")]
        assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == act["hash"]
        if before is not None and act["seq"] == before["seq"] + 1:
            assert act["prev_hash"] == before["hash"]
        before = act
    assert len(acts) == 6


async def test_acts_of_all_shards_come_newest_first_in_pages_of_any_size(
    system: System, client: Client
):
    ada = await make_operator(system, client)
    members = await frozen_members(system, client, ada, 12)

    everything = await pages(client, ada, "", 100)

    assert [act["target_id"] for act in everything] == [
        *(member.id for member in reversed(members)),
        ada.id,
    ]
    for limit in (1, 3, 13, 14):
        assert await pages(client, ada, "", limit) == everything
    assert len((await page(client, ada))["data"]) == 10


async def test_a_cursor_stays_right_while_acts_are_added(system: System, client: Client):
    ada = await make_operator(system, client)
    await frozen_members(system, client, ada, 7)
    everything = await pages(client, ada, "", 100)

    first = await page(client, ada, "limit=3")
    await frozen_members(system, client, ada, 3)
    second = await page(client, ada, f"limit=3&cursor={first['next_cursor']}")
    await frozen_members(system, client, ada, 3)
    third = await page(client, ada, f"limit=100&cursor={second['next_cursor']}")

    assert [*first["data"], *second["data"], *third["data"]] == everything
    assert third["next_cursor"] is None


async def test_one_row_has_its_own_acts_and_they_are_all_there_is_to_ask_for(
    system: System, client: Client
):
    ada = await make_operator(system, client)
    alice, bob = await frozen_members(system, client, ada, 2)
    await ask(client, ada, "unfreeze", alice)

    of_alice = await pages(client, ada, f"target={alice.id.upper()}", 1)

    assert [(act["act"], act["target_id"]) for act in of_alice] == [
        ("user.unfreeze", alice.id),
        ("user.freeze", alice.id),
    ]
    for bucket in (0, 1, 4095):
        nobody = RandomIds().new_id(bucket)
        assert await page(client, ada, f"target={nobody}") == {"data": [], "next_cursor": None}
    cursor = (await page(client, ada, f"target={alice.id}&limit=1"))["next_cursor"]
    for query in (f"cursor={cursor}", f"target={bob.id}&cursor={cursor}"):
        answer = await client.call("GET", f"/v1/audit-trail?{query}", by=ada)
        assert fields(answer) == [("/cursor", "invalid_value")]


async def test_what_the_command_does_is_in_it(system: System, client: Client):
    ada = await make_operator(system, client)
    eve = await client.member()
    await system.holdfast("operator", "add", eve.email, "--by", "Ada", "--reason", "our support")

    act = (await page(client, ada, "limit=1"))["data"][0]
    code, text = await system.holdfast("trail", "--limit", "1")

    assert (act["act"], act["target_id"], act["done_by"]) == ("user.make_operator", eve.id, "Ada")
    assert code == 0
    assert f"user.make_operator  {eve.id}  by Ada" in text
    assert "reason: our support" in text


async def test_many_acts_at_once_are_each_listed_once(system: System, client: Client):
    ada = await make_operator(system, client)
    members = [await client.member() for _ in range(10)]

    await at_once(*(ask(client, ada, "freeze", member) for member in members * 3))

    acts = [act for act in await pages(client, ada, "", 4) if act["act"] == "user.freeze"]
    assert sorted(act["target_id"] for act in acts) == sorted(member.id for member in members)


async def test_without_a_shard_that_may_have_some_there_is_no_list(system: System, client: Client):
    ada = await make_operator(system, client)
    here, there = await frozen_members(system, client, ada, 2)
    half = await system.start_gateway(without_shard=1)

    for query in ("", f"target={there.id}"):
        answer = await half.call("GET", f"/v1/audit-trail?{query}", by=ada)
        assert refused(answer) == (503, "shard_unavailable")
        assert "Retry-After" in answer.headers
    assert len((await page(half, ada, f"target={here.id}"))["data"]) == 1


async def test_the_trail_is_for_operators_and_its_parameters_are_checked(
    system: System, client: Client
):
    ada, alice = await make_operator(system, client), await client.member()
    await set_status(system, alice.id, "frozen")
    wrong = "limit=0&target=x&x=1"

    async with unchanged(system):
        assert refused(await client.call("GET", f"/v1/audit-trail?{wrong}"))[0] == 401
        answer = await client.call("GET", f"/v1/audit-trail?{wrong}", by=alice)
        assert refused(answer) == (403, "operator_only")
        answer = await client.call("GET", f"/v1/audit-trail?{wrong}", by=ada)
        assert fields(answer) == [
            ("/x", "unknown_field"),
            ("/target", "invalid_value"),
            ("/limit", "invalid_value"),
        ]
