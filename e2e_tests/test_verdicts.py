"""Endings that are not a completion: refused by the payee's shard, expired, found late."""

from decimal import Decimal
from uuid import UUID

import pytest

from e2e_tests.answers import refused
from e2e_tests.client import Client
from e2e_tests.operators import set_status
from e2e_tests.system import System
from tests.eventually import eventually


async def test_a_payee_closed_between_try_and_confirm_refuses_and_the_money_comes_back_once(
    system: System, client: Client
):
    alice = await client.member(EUR="100.00")
    bob = await client.member()
    held = await client.transfer(alice, bob, "60.00")
    await set_status(system, bob.id, "closed")

    await system.start_worker()
    end = await client.get_transfer(alice, held.body["id"], wait=15)

    assert (end.body["status"], end.body["reason"]) == ("refunded", "payee_closed")
    assert [step["status"] for step in end.body["timeline"]] == ["held", "debited", "refunded"]
    assert await client.balance(alice) == ("100.00", "0.00")
    entries = await client.call("GET", f"{alice.wallet}/entries", by=alice)
    kinds = [entry["kind"] for entry in entries.body["data"]]
    assert kinds == ["transfer_return", "transfer_out", "deposit"]


async def test_a_payee_who_was_paid_and_then_closed_is_refused_at_once_before_long(
    system: System, client: Client
):
    """The gateway remembers who can be paid, and hears of it when somebody cannot any more."""
    alice = await client.member(EUR="100.00")
    bob = await client.member()
    for to in (bob.id, bob.email):
        assert (await client.transfer(alice, to, "1.00")).status == 202
    await set_status(system, bob.id, "closed")

    for to in (bob.id, bob.email):

        async def is_refused(to: str = to) -> bool:
            return refused(await client.transfer(alice, to, "1.00")) == (
                422,
                "payee_closed",
            )

        await eventually(is_refused)


async def test_a_payee_over_the_balance_limit_refuses(system: System, client: Client):
    alice = await client.member(EUR="100.00")
    bob = await client.member(EUR="1.00")
    held = await client.transfer(alice, bob, "60.00")
    near = 10**37 - 1_000
    await _lift_balance(system, bob.id, near)

    await system.start_worker()
    end = await client.get_transfer(alice, held.body["id"], wait=15)
    await _lift_balance(system, bob.id, -near)

    assert (end.body["status"], end.body["reason"]) == ("refunded", "balance_limit")


async def test_a_payer_frozen_before_the_debit_keeps_the_money(system: System, client: Client):
    alice = await client.member(EUR="100.00")
    bob = await client.member()
    held = await client.transfer(alice, bob, "60.00")
    await set_status(system, alice.id, "frozen")

    await system.start_worker()
    end = await client.get_transfer(alice, held.body["id"], wait=15)

    assert (end.body["status"], end.body["reason"]) == ("cancelled", "payer_frozen")
    assert await client.balance(alice) == ("100.00", "0.00")


@pytest.mark.parametrize("kafka_is_told", [True, False], ids=["try-confirm", "redrive"])
async def test_an_expired_transfer_is_cancelled(system: System, kafka_is_told: bool):
    bootstrap = system.settings.kafka.bootstrap
    if not kafka_is_told:
        system.change(kafka={"bootstrap": "127.0.0.1:1"})
    client = await system.start_gateway()
    alice = await client.member(EUR="100.00")
    bob = await client.member()
    held = await client.transfer(alice, bob, "60.00", expires_in_s=1)
    await eventually(lambda: system.has_expired(held.body["id"]))

    system.change(kafka={"bootstrap": bootstrap})
    await system.start_worker()
    end = await client.get_transfer(alice, held.body["id"], wait=15)

    assert (end.body["status"], end.body["reason"]) == ("cancelled", "expired")
    assert (await client.cancel(alice, held.body["id"])).code == "already_final"
    assert await client.balance(alice) == ("100.00", "0.00")


async def test_redrive_alone_completes_what_kafka_never_heard_of(system: System):
    bootstrap = system.settings.kafka.bootstrap
    system.change(kafka={"bootstrap": "127.0.0.1:1"})
    client = await system.start_gateway()
    alice = await client.member(EUR="100.00")
    bob = await client.member()
    for _ in range(20):
        assert (await client.transfer(alice, bob, "1.00")).status == 202

    system.change(kafka={"bootstrap": bootstrap})
    await system.start_worker()
    await system.drained()

    assert await client.balance(bob) == ("20.00", "0.00")


async def _lift_balance(system: System, user_id: str, amount: int) -> None:
    await system.sql(
        user_id,
        "UPDATE accounts SET balance = balance + $2 WHERE user_id = $1",
        UUID(user_id),
        Decimal(amount),
    )
