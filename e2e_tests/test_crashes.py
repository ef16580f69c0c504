"""Real processes, killed for real at the worst moments; `reliability.crashpoints` has all."""

from contextlib import suppress
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest

from e2e_tests.client import Client, Member
from e2e_tests.dying import POINTS
from e2e_tests.system import System
from e2e_tests.topic_tools import Topics, open_topics
from shards.ids import bucket_of
from tests.eventually import eventually

# Points, one after another in one system, and what some transfer then is.
ON_THE_PAYERS_SIDE = [
    ("try-confirm-before-commit", "held"),
    ("try-confirm-after-commit", "debited"),
    ("try-confirm-after-produce", "debited"),
    ("try-confirm-after-ack", "debited"),
]
ON_THE_PAYEES_SIDE = [
    ("confirm-before-commit", "debited"),
    ("confirm-after-commit", "debited"),
    ("settle-before-commit", "debited"),
    ("settle-after-commit", "completed"),
]


@pytest.mark.parametrize(
    ("points", "hands_over"),
    [(ON_THE_PAYERS_SIDE, False), (ON_THE_PAYEES_SIDE, False), (ON_THE_PAYEES_SIDE, True)],
    ids=["payers-side", "payees-side", "payees-side-handed-over"],
)
async def test_a_worker_killed_at_a_step_leaves_a_transfer_that_completes(
    system: System, client: Client, points: list[tuple[str, str]], hands_over: bool
):
    system.change(workers={"hands_over": hands_over})
    alice = await client.member(EUR="100.00")
    bob = await client.member()
    transfers = []

    for point, some_are in points:
        dying = await system.spawn_dying_worker(point)
        held = await client.transfer(alice, bob, "10.00")
        transfers.append(held.body["id"])
        await dying.ended()
        statuses = [await _status(client, alice, id_) for id_ in transfers]
        assert some_are in statuses, point
    await system.start_worker()
    ends = [await client.get_transfer(alice, id_, wait=20) for id_ in transfers]

    assert [end.body["status"] for end in ends] == ["completed"] * len(points)
    assert await client.balance(alice) == ("60.00", "0.00")
    assert await client.balance(bob) == ("40.00", "0.00")


@pytest.mark.parametrize("point", ["redrive-after-claim", "expiry-after-commit"])
async def test_a_worker_killed_where_redrive_began_leaves_what_redrive_ends(
    system: System, point: str
):
    bootstrap = system.settings.kafka.bootstrap
    system.change(kafka={"bootstrap": "127.0.0.1:1"})
    client = await system.start_gateway()
    system.change(kafka={"bootstrap": bootstrap})
    alice = await client.member(EUR="100.00")
    bob = await client.member()
    expires = point == "expiry-after-commit"
    held = await client.transfer(alice, bob, "60.00", expires_in_s=1 if expires else 3_600)
    if expires:
        await eventually(lambda: system.has_expired(held.body["id"]))

    dying = await system.spawn_dying_worker(point)
    await dying.ended()
    before = await _status(client, alice, held.body["id"])
    await system.start_worker()
    await system.drained()

    assert before == ("cancelled" if expires else "held")
    assert await client.balance(bob) == ("0.00" if expires else "60.00", "0.00")
    assert await client.balance(alice) == ("100.00" if expires else "40.00", "0.00")


async def test_a_worker_killed_while_it_sets_a_message_aside_sets_it_aside_once(
    system: System, client: Client
):
    alice = await client.member(EUR="100.00")
    bob = await client.member()
    dying = await system.spawn_dying_worker("dead-letter-after-insert")

    async with open_topics(system) as topics:
        await topics.write(system.topics.confirm, b"{", partition=bucket_of(UUID(bob.id)))
        await dying.ended()
        assert await topics.read_all(system.topics.dead) == []
        await system.start_worker()
        done = await client.transfer(alice, bob, "60.00", wait=20)
        await eventually(lambda: _has_copy(topics, system.topics.dead))

    letters = await system.sql_everywhere("SELECT attempts, reason FROM dead_letters")
    assert done.body["status"] == "completed"
    assert [tuple(letter) for letter in letters] == [(2, "undecodable")]


async def test_a_gateway_killed_at_a_try_answers_the_same_key_with_one_transfer(
    system: System, running: Client
):
    alice = await running.member(EUR="100.00")
    bob = await running.member()
    points = ["try-before-commit", "try-after-commit", "try-after-produce"]
    replayed = []

    for point in points:
        dying, doomed = await system.spawn_dying_gateway(point)
        # After the commit the answer may be quicker than the death.
        with suppress(aiohttp.ClientError):
            told = await doomed.transfer(alice, bob, "10.00", key=point)
            assert (told.status, point) == (202, "try-after-produce")
        await dying.ended()
        again = await running.transfer(alice, bob, "10.00", key=point, wait=20)
        assert (again.status, again.body["status"]) == (201, "completed")
        replayed.append(again.headers.get("Idempotency-Replayed"))

    assert replayed == [None, "true", "true"]
    assert await running.balance(alice) == ("70.00", "0.00")
    listed = await running.call("GET", f"{alice.wallet}/transfers", by=alice)
    assert len(listed.body["data"]) == len(points)


async def test_a_gateway_killed_after_the_try_loses_nothing_if_the_client_never_returns(
    system: System, running: Client
):
    alice = await running.member(EUR="100.00")
    bob = await running.member()
    dying, doomed = await system.spawn_dying_gateway("try-after-commit")

    with pytest.raises(aiohttp.ClientError):
        await doomed.transfer(alice, bob, "60.00")
    await dying.ended()
    await system.drained()

    assert await running.balance(bob) == ("60.00", "0.00")


async def test_a_gateway_killed_after_a_cancel_has_cancelled(system: System, client: Client):
    alice = await client.member(EUR="100.00")
    bob = await client.member()
    held = await client.transfer(alice, bob, "60.00")
    dying, doomed = await system.spawn_dying_gateway("cancel-after-commit")

    with pytest.raises(aiohttp.ClientError):
        await doomed.cancel(alice, held.body["id"])
    await dying.ended()
    again = await client.cancel(alice, held.body["id"])
    await system.start_worker()
    await system.drained()

    assert (again.status, again.body["status"]) == (200, "cancelled")
    assert await client.balance(alice) == ("100.00", "0.00")


async def test_a_gateway_killed_after_a_hold_has_opened_one_and_no_second(
    system: System, client: Client
):
    alice, shop = await client.member(EUR="100.00"), await client.member()
    dying, doomed = await system.spawn_dying_gateway("hold-after-commit")

    with pytest.raises(aiohttp.ClientError):
        await doomed.hold(alice, shop, "60.00", key="key")
    await dying.ended()
    again = await client.hold(alice, shop, "60.00", key="key")

    assert (again.status, again.headers.get("Idempotency-Replayed")) == (201, "true")
    assert await client.balance(alice) == ("100.00", "60.00")


async def test_a_gateway_killed_at_a_capture_answers_the_same_key_with_one_transfer(
    system: System, running: Client
):
    alice, shop = await running.member(EUR="100.00"), await running.member()
    hold = (await running.hold(alice, shop, "60.00")).body["id"]
    replayed = []

    for point in ("capture-before-commit", "capture-after-commit"):
        dying, doomed = await system.spawn_dying_gateway(point)
        with pytest.raises(aiohttp.ClientError):
            await doomed.capture(shop, hold, "10.00", key=point, final=False)
        await dying.ended()
        again = await running.capture(shop, hold, "10.00", key=point, final=False, wait=20)
        assert (again.status, again.body["status"]) == (201, "completed")
        replayed.append(again.headers.get("Idempotency-Replayed"))

    assert replayed == [None, "true"]
    assert await running.balance(alice) == ("80.00", "40.00")
    assert await running.balance(shop) == ("20.00", "0.00")


async def test_a_gateway_killed_after_a_capture_loses_nothing_if_the_client_never_returns(
    system: System, running: Client
):
    alice, shop = await running.member(EUR="100.00"), await running.member()
    hold = (await running.hold(alice, shop, "60.00")).body["id"]
    dying, doomed = await system.spawn_dying_gateway("capture-after-commit")

    with pytest.raises(aiohttp.ClientError):
        await doomed.capture(shop, hold)
    await dying.ended()
    await system.drained()

    assert await running.balance(shop) == ("60.00", "0.00")


async def test_a_gateway_killed_after_a_void_has_voided(system: System, client: Client):
    alice, shop = await client.member(EUR="100.00"), await client.member()
    hold = (await client.hold(alice, shop, "60.00")).body["id"]
    dying, doomed = await system.spawn_dying_gateway("void-after-commit")

    with pytest.raises(aiohttp.ClientError):
        await doomed.void(shop, hold)
    await dying.ended()
    again = await client.void(shop, hold)

    assert (again.status, again.body["status"]) == (200, "voided")
    assert await client.balance(alice) == ("100.00", "0.00")


@pytest.mark.parametrize("point", ["confirm-after-commit", "settle-before-commit"])
async def test_a_worker_killed_while_a_capture_is_under_way_leaves_one_that_completes(
    system: System, client: Client, point: str
):
    alice, shop = await client.member(EUR="100.00"), await client.member()
    hold = (await client.hold(alice, shop, "60.00")).body["id"]
    dying = await system.spawn_dying_worker(point)

    capture = (await client.capture(shop, hold, "25.00", final=False)).body["id"]
    await dying.ended()
    before = await _status(client, alice, capture)
    await system.start_worker()
    await system.drained()

    assert (before, await _status(client, alice, capture)) == ("debited", "completed")
    assert await client.balance(alice) == ("75.00", "35.00")
    assert await client.balance(shop) == ("25.00", "0.00")


async def test_a_worker_killed_after_it_has_expired_a_hold_has_freed_it_once(
    system: System, client: Client
):
    alice, shop = await client.member(EUR="100.00"), await client.member()
    hold = (await client.hold(alice, shop, "60.00", expires_in_s=1)).body["id"]

    dying = await system.spawn_dying_worker("hold-expiry-after-commit")
    await dying.ended()
    await system.start_worker()
    done = await client.transfer(alice, shop, "100.00", wait=10)

    assert (await client.get_hold(alice, hold)).body["status"] == "expired"
    assert done.body["status"] == "completed"
    assert await client.balance(alice) == ("0.00", "0.00")


def test_every_point_at_which_a_process_can_be_killed_is_used():
    here = Path(__file__).read_text()

    assert [point for point in POINTS if f'"{point}"' not in here] == []


async def _status(client: Client, member: Member, transfer_id: str) -> str:
    return (await client.get_transfer(member, transfer_id)).body["status"]


async def _has_copy(topics: Topics, topic: str) -> bool:
    return bool(await topics.read_all(topic))
