"""Holds: what is reserved and how it is shown, and the two ends that are no capture."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from e2e_tests.answers import HOLD_SHAPE, NO_OBJECTS, RECORD, at, fields, refused, unchanged
from e2e_tests.client import Client, Member, new_key
from e2e_tests.operators import act, make_operator, set_status
from e2e_tests.shop import acts_on, amounts
from e2e_tests.system import System
from sagas.operators import UserAct
from shards.ids import bucket_of
from tests.eventually import eventually


async def guests(client: Client, **funds: str) -> tuple[Member, Member]:
    """Alice with funds, and a shop."""
    return await client.member(**funds), await client.member()


# --- what a hold is


async def test_a_hold_reserves_and_moves_nothing(client: Client):
    alice, shop = await guests(client, EUR="10.00")

    answer = await client.hold(
        alice, shop, "2.5", currency="eur", metadata={"b": "1", "a": "ü"}, expires_in_s=60
    )

    assert answer.status == 201
    assert set(answer.body) == HOLD_SHAPE
    hold = dict(answer.body)
    assert answer.headers["Location"] == f"/v1/holds/{hold['id']}"
    assert bucket_of(UUID(hold.pop("id"))) == bucket_of(UUID(alice.id))
    assert at(hold.pop("expires_at")) - at(hold.pop("created_at")) == timedelta(seconds=60)
    assert hold == {
        "payer_id": alice.id,
        "payee_id": shop.id,
        "currency": "EUR",
        "amount": "2.50",
        "captured": "0.00",
        "remaining": "2.50",
        "status": "open",
        "metadata": {"b": "1", "a": "ü"},
    }
    assert await client.balance(alice) == ("10.00", "2.50")
    assert await client.balance(shop) == ("0.00", "0.00")
    entries = (await client.call("GET", f"{alice.wallet}/entries", by=alice)).body["data"]
    assert [entry["kind"] for entry in entries] == ["deposit"]


async def test_a_hold_lasts_a_day_if_nothing_is_said(client: Client):
    alice, shop = await guests(client, EUR="10.00")

    hold = (await client.hold(alice, shop, "1")).body

    assert at(hold["expires_at"]) - at(hold["created_at"]) == timedelta(days=1)
    assert hold["metadata"] == {}


async def test_a_hold_is_no_transfer_and_is_in_no_list(client: Client):
    alice, shop = await guests(client, EUR="10.00")
    hold = (await client.hold(alice, shop, "1")).body["id"]

    lists = [await client.call("GET", f"{of.wallet}/transfers", by=of) for of in (alice, shop)]

    assert [answer.body["data"] for answer in lists] == [[], []]
    assert refused(await client.get_transfer(alice, hold)) == (404, "not_found")
    assert refused(await client.cancel(alice, hold)) == (404, "not_found")


async def test_payer_payee_and_operator_see_a_hold_and_nobody_else(system: System, client: Client):
    alice, shop = await guests(client, EUR="10.00")
    carol, ops = await client.member(), await make_operator(system, client)
    hold = (await client.hold(alice, shop.email, "1")).body

    for by in (alice, shop, ops):
        read = await client.get_hold(by, hold["id"])
        assert (read.status, read.body) == (200, hold), by
    assert refused(await client.get_hold(carol, hold["id"])) == (404, "not_found")
    query = await client.call("GET", f"/v1/holds/{hold['id']}?x=1", by=alice)
    assert fields(query) == [("/x", "unknown_field")]


async def test_what_is_on_hold_is_spent_by_nothing_else(client: Client):
    alice, shop = await guests(client, EUR="10.00")
    await client.hold(alice, shop, "6.00")

    answers = [
        await client.hold(alice, shop, "4.01"),
        await client.transfer(alice, shop, "4.01"),
        await client.withdraw(alice, "4.01"),
    ]

    assert [refused(answer) for answer in answers] == [(422, "insufficient_funds")] * 3
    assert (await client.hold(alice, shop, "4.00")).status == 201
    assert await client.balance(alice) == ("10.00", "10.00")


WRONG: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"to": ...}, [("/to", "missing")]),
    ({"amount": ...}, [("/amount", "missing")]),
    ({"currency": ...}, [("/currency", "missing")]),
    ({"to": 5}, [("/to", "wrong_type")]),
    ({"to": "nobody"}, [("/to", "invalid_value")]),
    ({"amount": 1}, [("/amount", "amount_not_string")]),
    ({"amount": "-1"}, [("/amount", "amount_malformed")]),
    ({"amount": "1e3"}, [("/amount", "amount_malformed")]),
    ({"amount": "0.00"}, [("/amount", "amount_not_positive")]),
    ({"amount": "0.001"}, [("/amount", "too_precise")]),
    ({"amount": "1" + "0" * 25}, [("/amount", "amount_too_large")]),
    ({"currency": "XXX"}, [("/currency", "unknown_currency")]),
    *[({"expires_in_s": n}, [("/expires_in_s", "invalid_value")]) for n in (0, -1, 604_801)],
    ({"expires_in_s": "60"}, [("/expires_in_s", "wrong_type")]),
    ({"metadata": {"a": 1}}, [("/metadata/a", "wrong_type")]),
    *[({name: "1"}, [(f"/{name}", "unknown_field")]) for name in ("captured", "status", "final")],
]


async def test_each_wrong_field_of_a_hold_is_named(system: System, client: Client):
    alice, shop = await guests(client, EUR="10.00")
    good = {"to": shop.id, "currency": "EUR", "amount": "1.00"}

    async with unchanged(system):
        for change, wrong in WRONG:
            body = {name: value for name, value in {**good, **change}.items() if value is not ...}
            answer = await client.call("POST", f"{alice.wallet}/holds", body, by=alice, key="k")
            assert fields(answer) == wrong, change
        for to in (alice.id, alice.email):
            assert fields(await client.hold(alice, to, "1")) == [("/to", "self_transfer")]


async def test_a_hold_that_was_refused_is_none(system: System, client: Client):
    alice, _ = await guests(client, EUR="10.00")

    async with unchanged(system, but=RECORD):
        refusal = await client.hold(alice, "nobody@example.com", "1")
    (row,) = await system.sql_everywhere("SELECT id, status FROM holds")

    assert (refused(refusal), row["status"]) == ((422, "unknown_payee"), "rejected")
    assert "Location" not in refusal.headers
    for answer in [
        await client.get_hold(alice, row["id"]),
        await client.capture(alice, row["id"]),
        await client.void(alice, row["id"]),
    ]:
        assert refused(answer) == (404, "not_found")


async def test_a_repeat_shows_a_hold_as_it_is_now(client: Client):
    alice, shop = await guests(client, EUR="10.00")
    first = await client.hold(alice, shop, "5.00", key="key")
    await client.capture(shop, first.body["id"], "2.00", final=False)

    again = await client.hold(alice, shop, "5.00", key="key")

    assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert again.headers["Location"] == first.headers["Location"]
    assert amounts(again.body) == ("open", "2.00", "3.00")
    assert await client.balance(alice) == ("8.00", "3.00")


async def test_a_payer_has_no_more_open_holds_than_it_may(system: System):
    system.change(transfers={"open_per_payer": 2})
    client = await system.start_gateway()
    alice, shop = await guests(client, EUR="10.00")
    first = (await client.hold(alice, shop, "1")).body["id"]
    await client.hold(alice, shop, "1")

    async with unchanged(system):
        over = await client.hold(alice, shop, "1", key="key")
    await client.void(shop, first)

    assert refused(over) == (429, "too_many_holds")
    assert int(over.headers["Retry-After"]) > 0
    assert (await client.hold(alice, shop, "1", key="key")).status == 201


# --- void


async def test_the_payee_voids_a_hold_and_a_repeat_is_answered_alike(
    system: System, client: Client
):
    alice, shop = await guests(client, EUR="10.00")
    hold = (await client.hold(alice, shop, "6.00")).body
    await client.capture(shop, hold["id"], "1.00", final=False)

    first = await client.void(shop, hold["id"])
    async with unchanged(system):
        again = await client.void(shop, hold["id"])

    assert (first.status, again.status) == (200, 200)
    assert amounts(first.body) == ("voided", "1.00", "0.00")
    assert again.body == first.body
    assert await client.balance(alice) == ("9.00", "0.00")
    assert await acts_on(system, hold["id"]) == []


async def test_a_payer_cannot_take_a_hold_back(system: System, client: Client):
    alice, shop = await guests(client, EUR="10.00")
    hold = (await client.hold(alice, shop, "6.00")).body["id"]

    async with unchanged(system):
        assert refused(await client.void(alice, hold)) == (403, "not_payee")


async def test_a_captured_hold_is_not_voided(system: System, client: Client):
    alice, shop = await guests(client, EUR="10.00")
    hold = (await client.hold(alice, shop, "6.00")).body["id"]
    await client.capture(shop, hold, "1.00")

    async with unchanged(system):
        assert refused(await client.void(shop, hold)) == (409, "hold_closed")


async def test_a_void_has_no_body_but_a_reason(system: System, client: Client):
    alice, shop = await guests(client, EUR="10.00")
    hold = (await client.hold(alice, shop, "6.00")).body["id"]
    path = f"/v1/holds/{hold}/void"

    async with unchanged(system):
        for body in NO_OBJECTS[1:]:
            answer = await client.call("POST", path, body, by=shop)
            assert fields(answer) == [("", "wrong_type")], body
        for reason in (5, "", " ", "two\nlines", "x" * 1_001):
            assert fields(await client.void(shop, hold, reason=reason))[0][0] == "/reason", reason
        assert fields(await client.void(shop, hold, amount="1")) == [("/amount", "unknown_field")]


async def test_a_void_by_an_operator_is_in_the_trail_once(system: System, client: Client):
    alice, shop = await guests(client, EUR="10.00")
    ops, other = await make_operator(system, client), await make_operator(system, client)
    hold = (await client.hold(alice, shop, "6.00")).body["id"]

    answers = [
        await client.void(ops, hold, reason="the shop is gone"),
        await client.void(ops, hold, reason="the shop is gone"),
        await client.void(other, hold),
        await client.void(shop, hold),
    ]

    assert [(a.status, a.body["status"]) for a in answers] == [(200, "voided")] * 4
    assert await acts_on(system, hold) == [("hold.void", ops.id, "the shop is gone")]
    assert await client.balance(alice) == ("10.00", "0.00")


async def test_a_void_by_an_operator_that_comes_too_late_is_in_no_trail(
    system: System, client: Client
):
    alice, shop = await guests(client, EUR="10.00")
    ops = await make_operator(system, client)
    hold = (await client.hold(alice, shop, "6.00")).body["id"]
    await client.capture(shop, hold)

    async with unchanged(system):
        assert refused(await client.void(ops, hold)) == (409, "hold_closed")


@pytest.mark.parametrize("what", [UserAct.REMOVE_OPERATOR, UserAct.FREEZE])
async def test_who_is_no_operator_any_more_reads_and_does_nothing(
    system: System, client: Client, what: UserAct
):
    alice, shop = await guests(client, EUR="10.00")
    ops = await make_operator(system, client)
    hold = (await client.hold(alice, shop, "6.00")).body["id"]
    await act(system, ops.id, what)

    async with unchanged(system):
        assert (await client.get_hold(ops, hold)).status == 200
        assert refused(await client.void(ops, hold)) == (403, "operator_only")


async def test_a_frozen_shop_lets_go_of_what_it_has_on_hold(system: System, client: Client):
    alice, shop = await guests(client, EUR="10.00")
    hold = (await client.hold(alice, shop, "6.00")).body["id"]
    await set_status(system, shop.id, "frozen")
    await set_status(system, alice.id, "frozen")

    assert (await client.void(shop, hold)).status == 200
    assert await client.balance(alice) == ("10.00", "0.00")


# --- expiry


async def test_a_hold_expires_by_itself(system: System, running: Client):
    alice, shop = await guests(running, EUR="10.00")
    long = (await running.hold(alice, shop, "1.00", expires_in_s=600)).body["id"]
    short = (await running.hold(alice, shop, "6.00", expires_in_s=3)).body["id"]
    captured = await running.capture(shop, short, "2.00", final=False)

    async def is_over() -> bool:
        return (await running.get_hold(alice, short)).body["status"] == "expired"

    await eventually(is_over)
    await system.drained()

    ended = await running.get_hold(shop, short)
    assert captured.status == 202
    assert amounts(ended.body) == ("expired", "2.00", "0.00")
    assert amounts((await running.get_hold(shop, long)).body) == ("open", "0.00", "1.00")
    assert await running.balance(alice) == ("8.00", "1.00")
    async with unchanged(system):
        assert refused(await running.capture(shop, short)) == (409, "hold_closed")
        assert refused(await running.void(shop, short)) == (409, "hold_closed")


async def test_a_hold_whose_time_is_over_is_over_before_anybody_has_looked(client: Client):
    """No worker runs: the row still says open when the capture comes."""
    alice, shop = await guests(client, EUR="10.00")
    hold = (await client.hold(alice, shop, "6.00", expires_in_s=1)).body["id"]

    async def is_refused() -> bool:
        answer = await client.capture(shop, hold, "7.00")
        assert answer.code in ("capture_too_large", "hold_closed")
        return answer.code == "hold_closed"

    await eventually(is_refused)

    assert (await client.get_hold(shop, hold)).body["status"] == "open"
    assert refused(await client.void(shop, hold)) == (409, "hold_closed")
    assert (await client.get_hold(shop, hold)).body["status"] == "expired"
    assert await client.balance(alice) == ("10.00", "0.00")


async def test_a_hold_needs_a_key_and_its_void_none(system: System, client: Client):
    alice, shop = await guests(client, EUR="10.00")
    body = {"to": shop.id, "currency": "EUR", "amount": "1"}

    async with unchanged(system):
        answer = await client.call("POST", f"{alice.wallet}/holds", body, by=alice)
        assert refused(answer) == (400, "missing_header")
    hold = (await client.hold(alice, shop, "1", key=new_key())).body["id"]
    assert (await client.void(shop, hold)).status == 200
