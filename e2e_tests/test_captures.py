"""POST capture: a part of a hold, or all of it, becomes a transfer."""

from typing import Any

import pytest

from e2e_tests.answers import NO_OBJECTS, RECORD, SHAPE, at_once, fields, refused, unchanged
from e2e_tests.client import Client, Member
from e2e_tests.operators import make_operator, set_enabled, set_status
from e2e_tests.shop import amounts
from e2e_tests.system import System
from shards.ids import RandomIds


async def booked(
    client: Client, amount: str = "6.00", *, funds: str = "10.00"
) -> tuple[Member, Member, str]:
    """Alice, a shop, and the id of her hold for it."""
    alice, shop = await client.member(EUR=funds), await client.member()
    hold = await client.hold(alice, shop, amount)
    assert hold.status == 201, hold
    return alice, shop, hold.body["id"]


async def two_apart(system: System, client: Client) -> tuple[Member, Member]:
    """A payer with 10 EUR and a payee whose rows are on another shard."""
    payer, payee = await client.member(EUR="10.00"), await client.member()
    while system.shard_number(payer.id) == system.shard_number(payee.id):
        payee = await client.member()
    return payer, payee


# --- what a capture does


@pytest.mark.parametrize("who", ["payer", "payee"])
async def test_payer_or_payee_capture_all_of_a_hold(system: System, client: Client, who: str):
    alice, shop = await two_apart(system, client)
    hold = (await client.hold(alice, shop, "6.00")).body["id"]
    by = alice if who == "payer" else shop

    answer = await client.capture(by, hold)
    read = [await client.get_transfer(of, answer.body["id"]) for of in (alice, shop)]
    held = await client.balance(alice)
    await system.start_worker()
    end = await client.get_transfer(alice, answer.body["id"], wait=10)

    assert answer.status == 202
    assert set(answer.body) == SHAPE
    assert answer.headers["Location"] == f"/v1/transfers/{answer.body['id']}"
    assert [one.body for one in read] == [answer.body] * 2
    shown = {name: answer.body[name] for name in ("amount", "status", "hold_id", "refund_of")}
    assert shown == {"amount": "6.00", "status": "debited", "hold_id": hold, "refund_of": None}
    assert (answer.body["payer_id"], answer.body["payee_id"]) == (alice.id, shop.id)
    assert held == ("4.00", "0.00")
    assert [step["status"] for step in answer.body["timeline"]] == ["debited"]
    assert [step["status"] for step in end.body["timeline"]] == ["debited", "completed"]
    assert amounts((await client.get_hold(alice, hold)).body) == ("captured", "6.00", "0.00")
    assert await client.balance(shop) == ("6.00", "0.00")


async def test_a_capture_that_waits_is_answered_when_it_is_over(running: Client):
    _, shop, hold = await booked(running)

    answer = await running.capture(shop, hold, "2.00", wait=10)

    assert (answer.status, answer.body["status"]) == (201, "completed")


async def test_captures_share_a_hold_until_the_last_one_frees_the_rest(
    system: System, running: Client
):
    alice, shop, hold = await booked(running)

    seen = []
    for amount, final in [("1.00", False), ("2.50", False), ("0.50", True)]:
        answer = await running.capture(shop, hold, amount, final=final)
        assert (answer.status, answer.body["amount"]) == (202, amount)
        seen.append(amounts((await running.get_hold(shop, hold)).body))
    await system.drained()

    assert seen == [
        ("open", "1.00", "5.00"),
        ("open", "3.50", "2.50"),
        ("captured", "4.00", "0.00"),
    ]
    assert await running.balance(alice) == ("6.00", "0.00")
    assert await running.balance(shop) == ("4.00", "0.00")


async def test_of_a_hundred_captures_the_last_ends_the_hold(client: Client):
    _, shop, hold = await booked(client)
    await at_once(*(client.capture(shop, hold, "0.01", final=False) for _ in range(99)))

    part = await client.capture(shop, hold, "0.01", final=False)
    last = await client.capture(shop, hold, "0.01")

    assert refused(part) == (422, "too_many_captures")
    assert last.status == 202
    assert amounts((await client.get_hold(shop, hold)).body) == ("captured", "1.00", "0.00")


async def test_without_an_amount_all_that_is_left_is_captured(client: Client):
    _, shop, hold = await booked(client)
    await client.capture(shop, hold, "1.50", final=False)

    rest = await client.capture(shop, hold, amount=None, final=False)

    assert (rest.status, rest.body["amount"]) == (202, "4.50")
    assert amounts((await client.get_hold(shop, hold)).body) == ("captured", "6.00", "0.00")


@pytest.mark.parametrize("more", [{}, {"final": None}, {"final": True}], ids=str)
async def test_a_capture_is_the_last_one_unless_it_says_otherwise(
    client: Client, more: dict[str, Any]
):
    alice, shop, hold = await booked(client)

    answer = await client.capture(shop, hold, "1.00", **more)

    assert answer.status == 202
    assert amounts((await client.get_hold(shop, hold)).body) == ("captured", "1.00", "0.00")
    assert await client.balance(alice) == ("9.00", "0.00")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"amount": null, "final": null}'])
async def test_an_empty_body_captures_all(client: Client, body: bytes):
    _, shop, hold = await booked(client)

    answer = await client.call("POST", f"/v1/holds/{hold}/capture", data=body, by=shop, key="k")

    assert (answer.status, answer.body["amount"]) == (202, "6.00")


# --- what a capture is refused for


NO_STRINGS: list[object] = [1, 1.5, True, [], {}]
NO_BOOLEANS: list[object] = [0, 1, "false", "", [], {}]
WRONG: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    *[({"amount": n}, [("/amount", "amount_not_string")]) for n in NO_STRINGS],
    *[
        ({"amount": text}, [("/amount", "amount_malformed")])
        for text in ("", " ", "-1", "+1", "01", "1.", ".5", "1,00", "1e3", "0x1", "١", "1\0")
    ],
    ({"amount": "0"}, [("/amount", "amount_not_positive")]),
    ({"amount": "0.00"}, [("/amount", "amount_not_positive")]),
    ({"amount": "1.000"}, [("/amount", "too_precise")]),
    ({"amount": "9" * 26}, [("/amount", "amount_too_large")]),
    ({"amount": "9" * 5_000}, [("/amount", "amount_too_large")]),
    *[({"final": final}, [("/final", "wrong_type")]) for final in NO_BOOLEANS],
    *[
        ({name: "x"}, [(f"/{name}", "unknown_field")])
        for name in ("currency", "metadata", "to", "reason", "expires_in_s", "hold_id", "spent_on")
    ],
    (
        {"amount": 1, "final": "no", "x": 1},
        [("/amount", "amount_not_string"), ("/final", "wrong_type"), ("/x", "unknown_field")],
    ),
]


async def test_each_wrong_field_of_a_capture_is_named(system: System, client: Client):
    _, shop, hold = await booked(client)
    path = f"/v1/holds/{hold}/capture"

    async with unchanged(system):
        for body, wrong in WRONG:
            answer = await client.call("POST", path, body, by=shop, key="k")
            assert sorted(fields(answer)) == wrong, body
        for other in NO_OBJECTS[1:]:
            answer = await client.call("POST", path, other, by=shop, key="k")
            assert fields(answer) == [("", "wrong_type")], other
        query = await client.call("POST", f"{path}?wait=1", by=shop, key="k")
        assert fields(query) == [("/wait", "unknown_field")]
        assert refused(await client.call("POST", path, by=shop)) == (400, "missing_header")


@pytest.mark.parametrize("amount", ["6.01", "9999999999999999999999999.99"])
async def test_more_than_is_left_is_too_large_and_leaves_the_key_free(
    system: System, client: Client, amount: str
):
    _, shop, hold = await booked(client)

    async with unchanged(system):
        answer = await client.capture(shop, hold, amount, key="key")

    assert refused(answer) == (422, "capture_too_large")
    assert (await client.capture(shop, hold, "6.00", key="key")).status == 202


@pytest.mark.parametrize("end", ["capture", "void"])
async def test_a_hold_that_is_over_is_not_captured(system: System, client: Client, end: str):
    _, shop, hold = await booked(client)
    ended = await (client.void(shop, hold) if end == "void" else client.capture(shop, hold, "1"))
    assert ended.status in (200, 202)

    async with unchanged(system):
        for amount in (None, "0.01", "6.01"):
            assert refused(await client.capture(shop, hold, amount)) == (409, "hold_closed")


async def test_an_operator_captures_for_nobody(system: System, client: Client):
    _, _, hold = await booked(client)
    ops = await make_operator(system, client)

    async with unchanged(system):
        assert refused(await client.capture(ops, hold)) == (403, "not_party")


async def test_a_hold_is_found_by_its_own_id_only(system: System, client: Client):
    """Not by that of a user, of a transfer, or one on any shard that nobody has."""
    alice, shop, hold = await booked(client)
    capture = (await client.capture(shop, hold, "1", final=False)).body["id"]

    async with unchanged(system):
        nobodies = [str(RandomIds().new_id(bucket)) for bucket in (*range(8), 8, 4095)]
        for id_ in (alice.id, shop.id, capture, *nobodies):
            assert refused(await client.capture(shop, id_)) == (404, "not_found"), id_


async def test_a_frozen_payer_is_not_captured_from_and_the_key_remembers(
    system: System, client: Client
):
    alice, shop, hold = await booked(client)
    await set_status(system, alice.id, "frozen")

    async with unchanged(system, but=RECORD):
        first = await client.capture(shop, hold, "1.00", key="key", wait=5)
    still = amounts((await client.get_hold(shop, hold)).body)
    await set_status(system, alice.id, "open")
    async with unchanged(system):
        again = await client.capture(shop, hold, "1.00", key="key", wait=5)
    anew = await client.capture(shop, hold, "1.00", key="another")

    assert refused(first) == refused(again) == (422, "payer_frozen")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert still == ("open", "0.00", "6.00")
    assert anew.status == 202


async def test_what_the_payees_shard_refuses_comes_back_and_the_hold_stays_as_it_was(
    system: System, running: Client
):
    alice, shop, hold = await booked(running)
    await set_status(system, shop.id, "closed")

    part = await running.capture(alice, hold, "2.00", final=False, wait=15)
    after_part = amounts((await running.get_hold(alice, hold)).body)
    last = await running.capture(alice, hold, "1.00", wait=15)

    for capture in (part, last):
        assert (capture.status, capture.body["status"]) == (201, "refunded")
        assert capture.body["reason"] == "payee_closed"
        assert [step["status"] for step in capture.body["timeline"]] == ["debited", "refunded"]
    assert after_part == ("open", "2.00", "4.00")
    assert amounts((await running.get_hold(alice, hold)).body) == ("captured", "3.00", "0.00")
    assert await running.balance(alice) == ("10.00", "0.00")
    entries = (await running.call("GET", f"{alice.wallet}/entries", by=alice)).body["data"]
    kinds = [entry["kind"] for entry in entries]
    assert kinds == ["transfer_return", "transfer_out"] * 2 + ["deposit"]


# --- the same key


async def test_a_repeat_shows_the_transfer_as_it_is_now(system: System, client: Client):
    alice, shop, hold = await booked(client)
    first = await client.capture(shop, hold, "2.00", key="key")
    async with unchanged(system):
        at_once = await client.capture(shop, hold, "2.00", key="key")
    await system.start_worker()
    end = await client.get_transfer(alice, first.body["id"], wait=10)

    again = await client.capture(shop, hold, "2.00", key="key")
    waiting = await client.capture(shop, hold.upper(), "2.00", key="key", wait=5)

    assert (at_once.status, at_once.body) == (202, first.body)
    assert (again.status, again.body) == (202, end.body)
    assert (waiting.status, waiting.body) == (201, end.body)
    for answer in (at_once, again, waiting):
        assert answer.headers["Idempotency-Replayed"] == "true"
        assert answer.headers["Location"] == first.headers["Location"]
    assert await client.balance(shop) == ("2.00", "0.00")


async def test_a_key_of_a_capture_stands_for_no_other_request(system: System, client: Client):
    alice, shop, hold = await booked(client)
    other = (await client.hold(alice, shop, "2.00")).body["id"]
    first = await client.capture(shop, hold, "1.00", key="key", final=False)
    assert first.status == 202

    async with unchanged(system):
        for answer in [
            await client.capture(shop, hold, "2.00", key="key", final=False),
            await client.capture(shop, hold, "1.0", key="key", final=False),
            await client.capture(shop, hold, "1.00", key="key"),
            await client.capture(shop, hold, "7.00", key="key", final=False),
            await client.capture(shop, hold, key="key"),
            await client.capture(shop, other, "1.00", key="key", final=False),
        ]:
            assert refused(answer) == (422, "idempotency_key_reused")


async def test_a_payers_captures_holds_transfers_and_movements_share_their_keys(
    system: System, client: Client
):
    alice, shop = await client.member(EUR="10.00"), await client.member()
    hold = (await client.hold(alice, shop, "6.00", key="hold")).body["id"]
    assert (await client.capture(alice, hold, "1", final=False, key="capture")).status == 202
    assert (await client.transfer(alice, shop, "1", key="transfer")).status == 202
    assert (await client.withdraw(alice, "1", key="withdrawal")).status == 201

    async with unchanged(system):
        for answer in [
            await client.capture(alice, hold, "1", final=False, key="hold"),
            await client.capture(alice, hold, "1", final=False, key="transfer"),
            await client.capture(alice, hold, "1", final=False, key="withdrawal"),
            await client.hold(alice, shop, "1", key="capture"),
            await client.transfer(alice, shop, "1", key="capture"),
            await client.deposit(alice, "1", key="capture"),
        ]:
            assert refused(answer) == (422, "idempotency_key_reused")


async def test_a_key_belongs_to_who_captures(client: Client):
    alice, shop, hold = await booked(client)

    answers = [await client.capture(by, hold, "1", final=False, key="key") for by in (alice, shop)]

    assert [answer.status for answer in answers] == [202, 202]
    assert answers[0].body["id"] != answers[1].body["id"]


# --- a capture among transfers


async def test_a_capture_cannot_be_cancelled(system: System, client: Client):
    alice, shop, hold = await booked(client)
    capture = (await client.capture(alice, hold)).body["id"]

    async with unchanged(system):
        assert refused(await client.cancel(alice, capture)) == (409, "already_debited")
        assert refused(await client.cancel(shop, capture)) == (403, "not_payer")
    await system.start_worker()
    await client.get_transfer(alice, capture, wait=10)
    async with unchanged(system):
        assert refused(await client.cancel(alice, capture)) == (409, "already_debited")


async def test_captures_are_in_the_lists_of_transfers(system: System, running: Client):
    alice, shop, hold = await booked(running)
    done = (await running.capture(shop, hold, "1.00", final=False, wait=10)).body
    await running.withdraw(shop, "1.00")
    await set_status(system, shop.id, "closed")
    back = (await running.capture(alice, hold, "2.00", wait=15)).body

    async def listed(of: Member, query: str) -> list[dict[str, Any]]:
        answer = await running.call("GET", f"{of.wallet}/transfers?{query}", by=of)
        return list(answer.body["data"])

    assert await listed(alice, "direction=out") == [
        {**back, "direction": "out"},
        {**done, "direction": "out"},
    ]
    assert await listed(alice, "status=completed") == [{**done, "direction": "out"}]
    assert await listed(alice, "status=held") == await listed(alice, "status=debited") == []
    received = await listed(shop, "direction=in")
    assert [(one["id"], one["status"]) for one in received] == [
        (back["id"], "refunded"),
        (done["id"], "completed"),
    ]
    assert all("hold_id" not in one for one in received)


async def test_a_disabled_currency_stops_new_holds_and_neither_captures_nor_refunds(
    system: System, running: Client
):
    alice, shop, hold = await booked(running)
    await set_enabled(system, "EUR", enabled=False)
    other = await system.start_gateway()

    refusal = await other.hold(alice, shop, "1")
    capture = await other.capture(shop, hold, wait=10)
    refund = await other.refund(shop, capture.body["id"], wait=10)

    assert fields(refusal) == [("/currency", "currency_disabled")]
    assert [one.body["status"] for one in (capture, refund)] == ["completed", "completed"]
