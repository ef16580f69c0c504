"""POST refunds: who may ask for one, of what, with which body and under which key."""

from typing import Any

import pytest

from e2e_tests.answers import NO_OBJECTS, RECORD, fields, refused, unchanged
from e2e_tests.client import Client
from e2e_tests.operators import act, make_operator, set_status
from e2e_tests.shop import acts_on, paid
from e2e_tests.system import System
from sagas.operators import UserAct

# --- who may, and of what


async def test_a_payer_and_a_stranger_refund_nothing(system: System, running: Client):
    alice, _, transfer = await paid(running)
    carol = await running.member(EUR="10.00")

    async with unchanged(system):
        assert refused(await running.refund(alice, transfer)) == (403, "not_payee")
        assert refused(await running.refund(carol, transfer)) == (404, "not_found")


async def test_a_payer_who_is_an_operator_gives_nothing_back_to_oneself(
    system: System, running: Client
):
    ops, shop = await make_operator(system, running, EUR="20.00"), await running.member()
    transfer = (await running.transfer(ops, shop, "6.00", wait=10)).body["id"]
    hold = (await running.hold(ops, shop, "5.00")).body["id"]

    async with unchanged(system):
        assert refused(await running.refund(ops, transfer)) == (403, "not_payee")
        assert refused(await running.void(ops, hold)) == (403, "not_payee")


async def test_a_refund_by_an_operator_is_in_the_trail_once(system: System, running: Client):
    alice, shop, transfer = await paid(running)
    ops = await make_operator(system, running)

    first = await running.refund(ops, transfer, "2.00", key="key", reason="a mistake")
    again = await running.refund(ops, transfer, "2.00", key="key", reason="a mistake")
    quiet = await running.refund(ops, transfer, "1.00")
    await system.drained()

    assert (first.status, again.status, quiet.status) == (202, 202, 202)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.body["payer_id"] == shop.id
    assert await acts_on(system, first.body["id"]) == [("transfer.refund", ops.id, "a mistake")]
    assert await acts_on(system, quiet.body["id"]) == [("transfer.refund", ops.id, "none given")]
    assert await running.balance(alice) == ("7.00", "0.00")


async def test_an_operator_who_was_paid_refunds_without_an_act(system: System, running: Client):
    alice, ops = await running.member(EUR="10.00"), await make_operator(system, running)
    transfer = (await running.transfer(alice, ops, "6.00", wait=10)).body["id"]

    refund = await running.refund(ops, transfer, wait=10)

    assert refund.body["status"] == "completed"
    assert await acts_on(system, refund.body["id"]) == []


async def test_who_is_no_operator_any_more_refunds_nothing(system: System, running: Client):
    _, _, transfer = await paid(running)
    ops = await make_operator(system, running)
    await act(system, ops.id, UserAct.REMOVE_OPERATOR)

    async with unchanged(system):
        assert (await running.get_transfer(ops, transfer)).status == 200
        assert refused(await running.refund(ops, transfer)) == (403, "operator_only")


@pytest.mark.parametrize("status", ["held", "cancelled", "rejected", "refunded"])
async def test_what_is_not_completed_is_not_refunded(system: System, client: Client, status: str):
    alice, shop = await client.member(EUR="10.00"), await client.member()
    amount = "10.01" if status == "rejected" else "6.00"
    await client.transfer(alice, shop, amount)
    (row,) = await system.sql_everywhere("SELECT id FROM transfers")
    transfer = str(row["id"])
    if status == "cancelled":
        await client.cancel(alice, transfer)
    if status == "refunded":
        await set_status(system, shop.id, "closed")
        await system.start_worker()
    assert (
        await client.get_transfer(alice, transfer, wait=10 if status == "refunded" else 0)
    ).body["status"] == status

    async with unchanged(system):
        for part in (None, "1.00", "6.01"):
            assert refused(await client.refund(shop, transfer, part)) == (409, "not_completed")


async def test_a_transfer_to_nobody_is_refunded_by_nobody(system: System, client: Client):
    alice, ops = await client.member(EUR="10.00"), await make_operator(system, client)
    await client.transfer(alice, "nobody@example.com", "1.00")
    (row,) = await system.sql_everywhere("SELECT id FROM transfers")

    async with unchanged(system):
        assert refused(await client.refund(alice, str(row["id"]))) == (403, "not_payee")
        assert refused(await client.refund(ops, str(row["id"]))) == (409, "not_completed")


# --- bodies and keys


WRONG: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"amount": 1}, [("/amount", "amount_not_string")]),
    ({"amount": "-1"}, [("/amount", "amount_malformed")]),
    ({"amount": "0"}, [("/amount", "amount_not_positive")]),
    ({"amount": "0.001"}, [("/amount", "too_precise")]),
    ({"amount": "9" * 26}, [("/amount", "amount_too_large")]),
    ({"reason": 5}, [("/reason", "wrong_type")]),
    ({"reason": "two\nlines"}, [("/reason", "invalid_value")]),
    *[({name: "x"}, [(f"/{name}", "unknown_field")]) for name in ("to", "metadata", "refund_of")],
]


async def test_each_wrong_field_of_a_refund_is_named(system: System, running: Client):
    _, shop, transfer = await paid(running)
    path = f"/v1/transfers/{transfer}/refunds"

    async with unchanged(system):
        for body, wrong in WRONG:
            answer = await running.call("POST", path, body, by=shop, key="k")
            assert fields(answer) == wrong, body
        for other in NO_OBJECTS[1:]:
            answer = await running.call("POST", path, other, by=shop, key="k")
            assert fields(answer) == [("", "wrong_type")], other
        assert refused(await running.call("POST", path, by=shop)) == (400, "missing_header")


async def test_more_than_is_left_is_too_large_and_leaves_the_key_free(
    system: System, running: Client
):
    _, shop, transfer = await paid(running)
    await running.deposit(shop, "100.00")

    async with unchanged(system):
        for amount in ("6.01", "9999999999999999999999999.99"):
            answer = await running.refund(shop, transfer, amount, key="key")
            assert refused(answer) == (422, "refund_too_large")

    assert (await running.refund(shop, transfer, "6.00", key="key", wait=10)).status == 201


async def test_a_repeat_shows_the_refund_as_it_is_now(system: System, running: Client):
    _, shop, transfer = await paid(running)
    first = await running.refund(shop, transfer, "2.00", key="key")
    end = await running.get_transfer(shop, first.body["id"], wait=10)

    async with unchanged(system):
        again = await running.refund(shop, transfer.upper(), "2.00", key="key")
        waiting = await running.refund(shop, transfer, "2.00", key="key", wait=5)
        others = [
            await running.refund(shop, transfer, "2.0", key="key"),
            await running.refund(shop, transfer, "7.00", key="key"),
            await running.refund(shop, transfer, key="key"),
            await running.refund(shop, transfer, "2.00", key="key", reason="another"),
            await running.transfer(shop, "nobody@example.com", "1.00", key="key"),
            await running.deposit(shop, "2.00", key="key"),
        ]

    assert (again.status, again.body) == (202, end.body)
    assert (waiting.status, waiting.body) == (201, end.body)
    for answer in (again, waiting):
        assert answer.headers["Idempotency-Replayed"] == "true"
    assert {refused(answer) for answer in others} == {(422, "idempotency_key_reused")}


async def test_money_that_is_spent_is_not_refunded_and_the_key_remembers(
    system: System, running: Client
):
    _, shop, transfer = await paid(running)
    await running.withdraw(shop, "4.00")

    async with unchanged(system, but=RECORD):
        first = await running.refund(shop, transfer, key="key")
    await running.deposit(shop, "4.00")
    async with unchanged(system):
        again = await running.refund(shop, transfer, key="key")

    assert refused(first) == refused(again) == (422, "insufficient_funds")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await running.refund(shop, transfer, wait=10)).body["amount"] == "6.00"


@pytest.mark.parametrize(
    ("whose", "status", "code"),
    [
        ("shop", "frozen", "payer_frozen"),
        ("shop", "closed", "payer_closed"),
        ("alice", "closed", "payee_closed"),
    ],
)
async def test_a_refund_that_a_status_forbids_is_refused_for_operators_too(
    system: System, running: Client, whose: str, status: str, code: str
):
    alice, shop, transfer = await paid(running)
    ops = await make_operator(system, running)
    who = shop if whose == "shop" else alice
    if status == "closed":
        await running.withdraw(who, (await running.balance(who))[0])
    await set_status(system, who.id, status)
    other = await system.start_gateway()

    async with unchanged(system, but=RECORD):
        assert refused(await other.refund(shop, transfer)) == (422, code)
    async with unchanged(system, but=(*RECORD, "operator_acts")):
        assert refused(await other.refund(ops, transfer)) == (422, code)

    (attempt,) = await system.sql(shop.id, "SELECT id FROM transfers WHERE caller = $1", ops.id)
    assert await acts_on(system, str(attempt["id"])) == [("transfer.refund", ops.id, "none given")]
