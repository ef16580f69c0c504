"""GET transfers/{id}, `Prefer: wait`, and cancel."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest

from e2e_tests.answers import NO_OBJECTS, SHAPE, at, at_once, fields, refused, unchanged
from e2e_tests.client import Answer, Client, Member
from e2e_tests.operators import set_status
from e2e_tests.system import System
from shards.ids import bucket_of
from tests.eventually import eventually


async def prefer(client: Client, by: Member, to: Member, value: str) -> Answer:
    """A transfer of 1 EUR with this `Prefer`."""
    body = {"to": to.id, "currency": "EUR", "amount": "1"}
    headers = {"Prefer": value, "Idempotency-Key": f"k{time.monotonic_ns()}"}
    return await client.call("POST", f"{by.wallet}/transfers", body, by=by, headers=headers)


@asynccontextmanager
async def locked(system: System, member: Member) -> AsyncIterator[None]:
    """Nobody can move this member's money meanwhile: confirms for it get stuck."""
    dsn = next(d.dsn for d in system.databases if bucket(member) in d.buckets)
    conn = await asyncpg.connect(dsn)
    try:
        async with conn.transaction():
            await conn.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", member.id)
            yield
    finally:
        await conn.close()


def bucket(member: Member) -> int:
    """Where this member's rows are."""
    return bucket_of(UUID(member.id))


async def test_payer_and_payee_read_a_completed_transfer_alike(running: Client):
    alice, bob = await running.member(EUR="10.00"), await running.member()
    made = await running.transfer(alice, bob, "2.50", wait=10, metadata={"order": "7"})

    payers = await running.get_transfer(alice, made.body["id"])
    payees = await running.get_transfer(bob, made.body["id"], wait=5)

    assert (made.status, payers.status, payees.status) == (201, 200, 200)
    assert made.body == payers.body == payees.body
    assert set(made.body) == SHAPE
    assert (made.body["status"], made.body["reason"]) == ("completed", None)
    steps = made.body["timeline"]
    assert [step["status"] for step in steps] == ["held", "debited", "completed"]
    times = [at(step["at"]) for step in steps]
    assert times == sorted(times)
    assert (steps[0]["at"], steps[-1]["at"]) == (made.body["created_at"], made.body["updated_at"])


async def test_a_transfer_has_no_parameters(client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()
    id_ = (await client.transfer(alice, bob, "1")).body["id"]

    answer = await client.call("GET", f"/v1/transfers/{id_}?wait=5&expand=payee", by=alice)

    assert fields(answer) == [("/wait", "unknown_field"), ("/expand", "unknown_field")]


WAITS = [
    "wait=10",
    "WAIT = 10",
    'wait="10"',
    "wait=0010; x=y",
    "respond-async, wait=10",
    "wait=x, wait=10",
    "wait=" + "9" * 200,
]


async def test_a_wait_however_it_is_spelled_is_answered_201_at_the_end(running: Client):
    alice, bob = await running.member(EUR="10.00"), await running.member()

    for value in WAITS:
        answer = await prefer(running, alice, bob, value)
        assert (answer.status, answer.body["status"]) == (201, "completed"), value


NO_WAITS = [
    "",
    "wait",
    "wait=",
    "wait=0",
    "wait=-1",
    "wait=+5",
    "wait=1.5",
    "wait=five",
    'wait="5',
    "wait=5s",
    "await=5",
    "respond-async",
    "return=minimal",
    'x="wait=5"',
    "wait=5;" + "x" * 300,
]


async def test_a_wait_that_is_none_or_malformed_is_ignored(client: Client):
    alice, bob = await client.member(EUR="100.00"), await client.member()
    since = time.monotonic()

    for value in NO_WAITS:
        made = await prefer(client, alice, bob, value)
        path = f"/v1/transfers/{made.body['id']}"
        read = await client.call("GET", path, by=alice, headers={"Prefer": value})
        assert (made.status, read.status, read.body["status"]) == (202, 200, "held"), value

    # Far less than one of them waiting its 5 s.
    assert time.monotonic() - since < 4


async def test_who_waits_in_vain_is_told_what_is_so_at_the_end_of_the_time(client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()
    id_ = (await client.transfer(alice, bob, "1")).body["id"]
    since = time.monotonic()

    post, get = await at_once(
        client.transfer(alice, bob, "1", wait=1), client.get_transfer(bob, id_, wait=1)
    )

    assert 0.9 < time.monotonic() - since < 4
    assert (post.status, post.body["status"]) == (202, "held")
    assert (get.status, get.body["status"]) == (200, "held")


async def test_the_end_is_pushed_and_not_polled_for(system: System):
    system.change(redrive={"first_after_s": 60.0, "poll_s": 60.0, "backoff_cap_s": 60.0})
    client = await system.start_gateway()
    await system.start_worker()
    alice, bob = await client.member(EUR="10.00"), await client.member()
    await client.transfer(alice, bob, "1", wait=10)
    since = time.monotonic()

    answer = await client.transfer(alice, bob, "1", wait=10)

    assert (answer.status, answer.body["status"]) == (201, "completed")
    assert time.monotonic() - since < 2


async def test_a_cancel_at_one_gateway_wakes_who_waits_at_another(system: System, client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()
    other = await system.start_gateway()
    since = time.monotonic()
    async with asyncio.TaskGroup() as group:
        post = group.create_task(client.transfer(alice, bob, "1", wait=20))
        (row,) = await eventually(lambda: system.sql(alice.id, "SELECT id FROM transfers"))
        get = group.create_task(client.get_transfer(bob, str(row["id"]), wait=20))

        assert (await other.cancel(alice, str(row["id"]))).status == 200

    assert time.monotonic() - since < 5
    assert (post.result().status, post.result().body["status"]) == (201, "cancelled")
    assert (get.result().status, get.result().body["status"]) == (200, "cancelled")


async def test_every_end_is_told_and_is_final(system: System, client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()
    carol = await client.member()
    returned = (await client.transfer(alice, bob, "1")).body["id"]
    expired = (await client.transfer(alice, carol, "1")).body["id"]
    completed = (await client.transfer(alice, carol, "1")).body["id"]
    await set_status(system, bob.id, "closed")
    await system.sql(
        alice.id, f"UPDATE transfers SET expires_at = created_at WHERE id = '{expired}'"
    )
    await system.start_worker()

    for id_, end, refusal in [
        (returned, ("refunded", "payee_closed", ["held", "debited", "refunded"]), "already_final"),
        (expired, ("cancelled", "expired", ["held", "cancelled"]), "already_final"),
        (completed, ("completed", None, ["held", "debited", "completed"]), "already_debited"),
    ]:
        body = (await client.get_transfer(alice, id_, wait=10)).body
        assert (body["status"], body["reason"], [s["status"] for s in body["timeline"]]) == end
        assert refused(await client.cancel(alice, id_)) == (409, refusal)
    assert await client.balance(alice) == ("9.00", "0.00")


async def test_a_debited_transfer_shows_so_and_cannot_be_cancelled(system: System, running: Client):
    alice, bob = await running.member(EUR="10.00"), await running.member()
    async with locked(system, bob):
        made = await running.transfer(alice, bob, "1", key="debited")
        id_ = made.body["id"]

        async def debited() -> bool:
            return (await running.get_transfer(alice, id_)).body["status"] == "debited"

        await eventually(debited)
        cancel = await running.cancel(alice, id_)
        replay = await running.transfer(alice, bob, "1", key="debited")

    assert refused(cancel) == (409, "already_debited")
    assert (replay.status, replay.body["status"]) == (202, "debited")
    assert [step["status"] for step in replay.body["timeline"]] == ["held", "debited"]
    end = await running.get_transfer(bob, id_, wait=20)
    assert end.body["status"] == "completed"


async def test_a_cancel_lets_the_money_go_and_may_be_repeated(system: System, client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()
    id_ = (await client.transfer(alice, bob, "4.00")).body["id"]

    first = await client.cancel(alice, id_)
    async with unchanged(system):
        again = await client.cancel(alice, id_)

    assert (first.status, again.status) == (200, 200)
    assert first.body == again.body == (await client.get_transfer(bob, id_)).body
    assert set(first.body) == SHAPE
    assert (first.body["status"], first.body["reason"]) == ("cancelled", "cancelled_by_payer")
    assert [step["status"] for step in first.body["timeline"]] == ["held", "cancelled"]
    assert await client.balance(alice) == ("10.00", "0.00")
    assert (await client.withdraw(alice, "10.00")).status == 201


async def test_many_cancels_at_once_end_it_once(system: System, client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()
    other = await system.start_gateway()
    id_ = (await client.transfer(alice, bob, "4.00")).body["id"]

    answers = await at_once(*(gateway.cancel(alice, id_) for gateway in (client, other) * 8))

    assert {answer.status for answer in answers} == {200}
    assert len({str(answer.body) for answer in answers}) == 1
    assert await client.balance(alice) == ("10.00", "0.00")


async def test_only_the_payer_cancels(system: System, client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()
    id_ = (await client.transfer(alice, bob, "4.00")).body["id"]

    async with unchanged(system):
        assert refused(await client.cancel(bob, id_)) == (403, "not_payer")
    await client.cancel(alice, id_)
    async with unchanged(system):
        assert refused(await client.cancel(bob, id_)) == (403, "not_payer")


async def test_a_cancel_takes_no_body_or_an_empty_object(system: System, client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()
    path = f"/v1/transfers/{(await client.transfer(alice, bob, '1')).body['id']}/cancel"

    async with unchanged(system):
        for body in NO_OBJECTS:
            answer = await client.call("POST", path, data=json.dumps(body).encode(), by=alice)
            assert fields(answer) == [("", "wrong_type")], body
        unknown = await client.call("POST", path, {"reason": "x"}, by=alice)
        text = await client.call(
            "POST", path, data=b"{}", by=alice, headers={"Content-Type": "a/b"}
        )
    assert fields(unknown) == [("/reason", "unknown_field")]
    assert refused(text) == (415, "unsupported_media_type")

    assert (await client.call("POST", path, {}, by=alice)).status == 200
    assert (await client.call("POST", path, by=alice, key="needless")).status == 200


async def test_a_client_that_goes_away_cancels_nothing(system: System, client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await client.transfer(alice, bob, "1", wait=20)

    (row,) = await eventually(lambda: system.sql(alice.id, "SELECT status FROM transfers"))

    assert row["status"] == "held"
