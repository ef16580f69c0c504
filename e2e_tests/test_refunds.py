"""POST refunds: who was paid gives it back, whole or in parts, and never more than was sent."""

from collections import Counter
from uuid import UUID

from e2e_tests.answers import SHAPE, at_once, refused
from e2e_tests.client import Client, Member
from e2e_tests.operators import make_operator, set_status
from e2e_tests.shop import acts_on, back_of, paid
from e2e_tests.system import System
from shards.ids import bucket_of
from tests.eventually import eventually

# --- what a refund does


async def test_a_refund_is_a_transfer_back(system: System, running: Client):
    alice, shop, transfer = await paid(running)

    answer = await running.refund(shop, transfer)
    end = await running.get_transfer(shop, answer.body["id"], wait=10)

    assert answer.status == 202
    assert set(answer.body) == SHAPE
    assert answer.headers["Location"] == f"/v1/transfers/{answer.body['id']}"
    assert bucket_of(UUID(answer.body["id"])) == bucket_of(UUID(shop.id))
    shown = {name: answer.body[name] for name in ("payer_id", "payee_id", "amount", "status")}
    assert shown == {
        "payer_id": shop.id, "payee_id": alice.id, "amount": "6.00", "status": "held",
    }  # fmt: skip
    assert (answer.body["refund_of"], answer.body["hold_id"]) == (transfer, None)
    assert [step["status"] for step in end.body["timeline"]] == ["held", "debited", "completed"]
    assert await running.balance(alice) == ("10.00", "0.00")
    assert await running.balance(shop) == ("0.00", "0.00")
    assert await acts_on(system, answer.body["id"]) == []


async def test_what_came_back_is_shown_on_the_original_which_stays_completed(
    system: System, running: Client
):
    alice, shop, transfer = await paid(running)
    ops = await make_operator(system, running)
    before = (await running.get_transfer(alice, transfer)).body
    first = (await running.refund(shop, transfer, "1.00", wait=10)).body["id"]
    second = (await running.refund(shop, transfer, "2.50", wait=10)).body["id"]

    after = {**before, "amount_refunded": "3.50", "refunds": [first, second]}

    assert (before["status"], before["amount_refunded"], before["refunds"]) == (
        "completed", "0.00", [],
    )  # fmt: skip
    for by in (alice, shop, ops):
        assert (await running.get_transfer(by, transfer)).body == after
    listed = await running.call("GET", f"{alice.wallet}/transfers?direction=out", by=alice)
    assert listed.body["data"] == [{**after, "direction": "out"}]


async def test_a_refund_is_in_the_lists_of_both(running: Client):
    alice, shop, transfer = await paid(running)
    refund = (await running.refund(shop, transfer, "1.00", wait=10)).body

    sent = await running.call("GET", f"{shop.wallet}/transfers?status=completed", by=shop)
    received = await running.call("GET", f"{alice.wallet}/transfers?direction=in", by=alice)

    assert [one["id"] for one in sent.body["data"]] == [refund["id"], transfer]
    assert sent.body["data"][0] == {**refund, "direction": "out"}
    assert [one["id"] for one in received.body["data"]] == [refund["id"]]
    assert "refund_of" not in received.body["data"][0]


async def test_without_an_amount_all_that_is_left_is_refunded(running: Client):
    _, shop, transfer = await paid(running)

    first = await running.refund(shop, transfer, "2.00")
    rest = await running.refund(shop, transfer, wait=10)
    more = await running.refund(shop, transfer)

    assert [answer.body["amount"] for answer in (first, rest)] == ["2.00", "4.00"]
    assert refused(more) == (422, "refund_too_large")
    assert await running.balance(shop) == ("0.00", "0.00")


async def test_of_a_hundred_refunds_the_last_is_of_all_that_is_left(running: Client):
    alice, shop, transfer = await paid(running)
    parts = await at_once(*(running.refund(shop, transfer, "0.01") for _ in range(99)))

    part = await running.refund(shop, transfer, "0.01")
    rest = await running.refund(shop, transfer, wait=10)

    assert {answer.status for answer in parts} == {202}
    assert refused(part) == (422, "too_many_refunds")
    assert (rest.body["amount"], rest.body["status"]) == ("5.01", "completed")

    async def is_all_back() -> bool:
        amount, refunds = await back_of(running, alice, transfer)
        return amount == "6.00" and set(refunds) == {one.body["id"] for one in [*parts, rest]}

    await eventually(is_all_back)


async def test_a_capture_is_refunded_like_any_transfer(running: Client):
    alice, shop = await running.member(EUR="10.00"), await running.member()
    hold = (await running.hold(alice, shop, "6.00")).body["id"]
    capture = (await running.capture(shop, hold, "4.00", wait=10)).body["id"]

    refund = await running.refund(shop, capture, "1.50", wait=10)

    assert (refund.body["refund_of"], refund.body["hold_id"]) == (capture, None)
    assert await back_of(running, alice, capture) == ("1.50", [refund.body["id"]])
    assert await running.balance(alice) == ("7.50", "0.00")


async def test_a_refund_is_refunded_like_any_transfer(running: Client):
    alice, shop, transfer = await paid(running)
    refund = (await running.refund(shop, transfer, "4.00", wait=10)).body["id"]

    answers = [
        await running.refund(alice, refund, "4.01"),
        await running.refund(alice, refund, "3.00", wait=10),
    ]

    assert refused(answers[0]) == (422, "refund_too_large")
    assert answers[1].body["status"] == "completed"
    assert await back_of(running, alice, transfer) == ("4.00", [refund])
    assert await back_of(running, shop, refund) == ("3.00", [answers[1].body["id"]])
    assert await running.balance(shop) == ("5.00", "0.00")


# --- refunds that do not get there


async def paid_and_still(system: System, client: Client) -> tuple[Member, Member, str]:
    """As `paid`, and no worker any more: what is asked for now stays held."""
    worker = await system.spawn_worker()
    made = await paid(client)
    await worker.kill()
    return made


async def test_a_refund_that_is_cancelled_may_be_asked_for_again(system: System, client: Client):
    alice, shop, transfer = await paid_and_still(system, client)
    held = (await client.refund(shop, transfer, "4.00")).body["id"]

    while_held = await client.refund(shop, transfer, "2.01")
    cancel = await client.cancel(shop, held)
    await system.start_worker()
    again = await client.refund(shop, transfer, "6.00", wait=15)

    assert refused(while_held) == (422, "refund_too_large")
    assert (cancel.status, cancel.body["status"]) == (200, "cancelled")
    assert (again.status, again.body["status"]) == (201, "completed")
    assert await back_of(client, alice, transfer) == ("6.00", [again.body["id"]])


async def test_a_refund_that_comes_back_may_be_asked_for_again(system: System, client: Client):
    alice, shop, transfer = await paid_and_still(system, client)
    held = (await client.refund(shop, transfer, "4.00")).body["id"]
    await client.withdraw(alice, (await client.balance(alice))[0])
    await set_status(system, alice.id, "closed")

    await system.start_worker()
    end = await client.get_transfer(shop, held, wait=15)
    none = await back_of(client, shop, transfer)
    again = await client.refund(shop, transfer)

    assert (end.body["status"], end.body["reason"]) == ("refunded", "payee_closed")
    assert none == ("0.00", [])
    # All of it may be asked for again; only she is closed for good.
    assert refused(again) == (422, "payee_closed")


# --- many at once


async def test_many_at_once_refund_no_more_than_was_sent(system: System, running: Client):
    other = await system.start_gateway()
    alice, shop, transfer = await paid(running)
    ops = await make_operator(system, running)
    await running.deposit(shop, "100.00")

    answers = await at_once(
        *(
            gateway.refund(by, transfer, "0.70")
            for gateway in (running, other)
            for by in (shop, ops) * 8
        )
    )
    await system.drained()

    assert Counter((a.status, a.code) for a in answers) == {
        (202, None): 8,
        (422, "refund_too_large"): 24,
    }
    amount, refunds = await back_of(running, alice, transfer)
    assert (amount, len(refunds)) == ("5.60", 8)
    assert await running.balance(alice) == ("9.60", "0.00")


async def test_the_same_key_at_once_is_one_refund_and_one_act(system: System, running: Client):
    other = await system.start_gateway()
    alice, _, transfer = await paid(running)
    ops = await make_operator(system, running)

    answers = await at_once(
        *(gateway.refund(ops, transfer, key="once", wait=10) for gateway in (running, other) * 8)
    )

    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert len(await acts_on(system, answers[0].body["id"])) == 1
    assert await running.balance(alice) == ("10.00", "0.00")
