"""What the log may do to messages, and what must come of it: the same as if it had not."""

import json

import pytest

from e2e_tests.client import Client
from e2e_tests.system import System
from e2e_tests.topic_tools import open_topics
from tests.eventually import eventually


@pytest.fixture
def all_by_messages(system: System) -> None:
    """Workers that hand over nothing: every confirm goes over Kafka."""
    system.change(workers={"hands_over": False})


@pytest.mark.usefixtures("all_by_messages")
async def test_every_message_three_times_and_shuffled_moves_each_amount_once(
    system: System, running: Client
):
    alice = await running.member(EUR="1000.00")
    bob = await running.member(EUR="1000.00")

    async with open_topics(system) as topics, topics.tee(*system.topics.steps, copies=2, seed=11):
        for number in range(40):
            payer, payee = (alice, bob) if number % 2 else (bob, alice)
            assert (await running.transfer(payer, payee, f"{number + 1}.00")).status == 202
        await system.drained()
        written = await topics.read_all(*system.topics.steps)
        await eventually(lambda: _no_lag(system, 3 * len(written)))

    # One of Kafka's carries several: a line each.
    assert sum(len((message.value or b"").splitlines()) for message in written) >= 2 * 40

    # Odd numbers went one way and even ones the other: 20 more in all for bob.
    assert await running.balance(alice) == ("980.00", "0.00")
    assert await running.balance(bob) == ("1020.00", "0.00")


@pytest.mark.usefixtures("all_by_messages")
async def test_everything_replayed_from_the_beginning_changes_nothing(
    system: System, running: Client
):
    alice = await running.member(EUR="100.00")
    bob = await running.member()
    for _ in range(10):
        await running.transfer(alice, bob, "5.00", wait=10)
    before = await _books(system)

    async with open_topics(system) as topics:
        written = await topics.read_all(*system.topics.steps)
        await topics.rewrite(written[::-1])
        await eventually(lambda: _no_lag(system, 2 * len(written)))

    assert len(written) >= 20
    assert await _books(system) == before


async def test_a_try_confirm_replayed_onto_the_confirm_topic_moves_nothing(
    system: System, client: Client
):
    alice = await client.member(EUR="100.00")
    bob = await client.member()
    held = await client.transfer(alice, bob, "60.00")

    async with open_topics(system) as topics:

        async def sent():
            return await topics.read_all(system.topics.try_confirm)

        (message,) = await eventually(sent)
        await topics.write(system.topics.confirm, message.value, partition=message.partition)
    await client.cancel(alice, held.body["id"])
    await system.start_worker()

    assert await _dead(system, 1) == ["wrong_step"]
    assert await client.balance(bob) == ("0.00", "0.00")


FORGED = {
    "v": 1,
    "step": "confirm",
    "currency": "EUR",
    "amount": "100000",
    "key": "k1",
    "mac": "00" * 32,
}


async def test_a_forged_confirm_mints_no_money(system: System, running: Client):
    alice = await running.member()
    bob = await running.member()
    ids = {"transfer_id": alice.id, "payer_id": alice.id, "payee_id": bob.id}

    async with open_topics(system) as topics:
        await topics.write(system.topics.confirm, json.dumps(FORGED | ids).encode())

    assert await _dead(system, 1) == ["forged"]
    assert await running.balance(bob) == ("0.00", "0.00")


POISON = [
    None,
    b"",
    b"\x00\xff\xfe garbage",
    b"{",
    b"[]",
    b'{"v": 1}',
    b'{"v": 99, "step": "confirm"}',
    json.dumps(FORGED | {"amount": 1e30}).encode(),
    b'{"v": 1, "amount": ' + b"9" * 5_000 + b"}",
    b"x" * 900_000,
]


async def test_poison_is_set_aside_and_its_neighbours_go_on(system: System, running: Client):
    alice = await running.member(EUR="100.00")
    bob = await running.member()

    async with open_topics(system) as topics:
        for number, value in enumerate(POISON):
            for topic in system.topics.steps:
                await topics.write(topic, value, partition=number % 8, headers=[("h", b"\xff\x00")])
        done = await running.transfer(alice, bob, "10.00", wait=15)
        reasons = await _dead(system, 3 * len(POISON))
        dead = await topics.read_all(system.topics.dead)

    assert done.body["status"] == "completed"
    assert set(reasons) == {"undecodable", "unknown_version"}
    assert len(dead) == len(reasons)
    assert sorted(len(letter.value or b"") for letter in dead) == sorted(
        3 * [len(value or b"") for value in POISON]
    )


async def test_poison_too_long_to_be_copied_is_kept_in_its_row_and_its_neighbours_go_on(
    system: System, running: Client
):
    longest = b"x" * (1024 * 1024 - 120)  # it fits, but not with the headers of a dead letter

    async with open_topics(system) as topics:
        for value in (b"before", longest, b"after"):
            await topics.write(system.topics.confirm, value)
        await _dead(system, 3)
        await eventually(lambda: _no_lag(system, 3))
        copies = await topics.read_all(system.topics.dead)

    lengths = await system.sql_everywhere("SELECT length(value) AS value FROM dead_letters")
    assert sorted(row["value"] for row in lengths) == [5, 6, len(longest)]
    assert [copy.value for copy in copies] == [b"before", b"after"]


@pytest.mark.parametrize("topic", ["try_confirm", "cancel"])
async def test_a_signed_message_on_another_partition_does_no_harm(
    system: System, client: Client, topic: str
):
    alice = await client.member(EUR="100.00")
    bob = await client.member()
    held = await client.transfer(alice, bob, "60.00")

    async with open_topics(system) as topics:

        async def sent():
            return await topics.read_all(system.topics.try_confirm)

        (message,) = await eventually(sent)
        for partition in range(8):
            await topics.write(getattr(system.topics, topic), message.value, partition=partition)
    await system.start_worker()
    end = await client.get_transfer(alice, held.body["id"], wait=15)

    assert end.body["status"] == "completed"
    assert await client.balance(bob) == ("60.00", "0.00")


async def _dead(system: System, count: int) -> list[str]:
    async def letters() -> list[str]:
        rows = await system.sql_everywhere("SELECT reason FROM dead_letters")
        assert len(rows) >= count, f"{len(rows)} of {count}"
        return [row["reason"] for row in rows]

    reasons = await eventually(letters, within_s=20)
    assert len(reasons) == count
    return reasons


async def _no_lag(system: System, messages: int) -> bool:
    """Whether the group has done all of so many messages."""
    done, end = await system.group_progress()
    assert end >= messages, f"{end} of {messages} messages are there"
    return done == end


async def _books(system: System) -> list[tuple]:
    rows = await system.sql_everywhere(
        "SELECT user_id, currency, balance, held, seq, version FROM accounts ORDER BY 1, 2"
    )
    return [tuple(row) for row in rows]
