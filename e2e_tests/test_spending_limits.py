"""Limits: what an account may spend in a UTC day, who says and sees it, and what counts."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from e2e_tests.answers import NO_OBJECTS, RECORD, at_once, fields, refused, unchanged
from e2e_tests.client import Answer, Client, Member, new_key
from e2e_tests.operators import act, make_operator, set_status
from e2e_tests.shop import acts_on, limit
from e2e_tests.system import System
from sagas.operators import UserAct
from shards.ids import RandomIds
from tests.eventually import eventually


async def set_noon(system: System, *, day: int) -> None:
    """Sets the clock of every shard to noon (UTC) of a day from today: no test meets midnight."""
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    seconds = (noon + timedelta(days=day) - datetime.now(UTC)).total_seconds()
    await system.sql_everywhere(
        "CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql VOLATILE"
        f" RETURN clock_timestamp() + interval '{seconds} seconds'"
    )


@pytest.fixture
async def system(system: System) -> System:
    """As everywhere, but at noon."""
    await set_noon(system, day=0)
    return system


async def limited(
    system: System, client: Client, daily: str | None, *, funds: str = "100.00"
) -> tuple[Member, Member, Member]:
    """Alice with this limit, Bob, and the operator who set it."""
    alice, bob, ops = (
        await client.member(EUR=funds), await client.member(), await make_operator(system, client),
    )  # fmt: skip
    assert (await limit(client, ops, alice, daily)).status == 200
    return alice, bob, ops


async def spent(client: Client, ops: Member, of: Member, daily: str | None) -> str:
    """What has been spent today, of an account whose limit is this."""
    return str((await limit(client, ops, of, daily)).body["spent"])


async def test_the_owner_and_operators_read_a_limit_and_nobody_else(system: System, client: Client):
    alice, bob, ops = await limited(system, client, "10.00")
    await client.withdraw(alice, "4.00")
    path = f"{alice.wallet}/limits/eur"

    by_owner, by_operator = [await client.call("GET", path, by=by) for by in (alice, ops)]
    none = await client.call("GET", f"{bob.wallet}/limits/EUR", by=bob)

    assert (by_owner.status, by_owner.body) == (200, by_operator.body)
    assert by_owner.body == {
        "user_id": alice.id, "currency": "EUR", "daily": "10.00", "spent": "4.00",
        "remaining": "6.00",
    }  # fmt: skip
    assert (none.body["daily"], none.body["spent"], none.body["remaining"]) == (None, "0.00", None)
    for by, where in ((bob, path), (alice, f"{alice.wallet}/limits/XXX")):
        assert refused(await client.call("GET", where, by=by)) == (404, "not_found")


async def batch_of_one(client: Client, payer: Member, to: Member, amount: str) -> tuple[int, str]:
    """Status and code of one item of a batch."""
    item = {"key": new_key(), "to": to.id, "currency": "EUR", "amount": amount}
    path = f"{payer.wallet}/transfers/batch"
    answer = await client.call("POST", path, {"transfers": [item]}, by=payer)
    (result,) = answer.body["results"]
    return result["status"], result["problem"]["code"]


# --- setting a limit


async def test_a_limit_says_what_is_spent_of_it_and_what_is_left(system: System, client: Client):
    alice, bob, ops = await limited(system, client, None)
    await client.transfer(alice, bob, "12.50")

    answer = await limit(client, ops, alice, "20", currency="eur")

    assert (answer.status, answer.body) == (200, {
        "user_id": alice.id, "currency": "EUR", "daily": "20.00",
        "spent": "12.50", "remaining": "7.50",
    })  # fmt: skip


async def test_null_takes_a_limit_away_and_zero_lets_nothing_out(system: System, client: Client):
    alice, bob, ops = await limited(system, client, "0")

    nothing = await client.transfer(alice, bob, "0.01")
    free = await limit(client, ops, alice, None)
    anything = await client.transfer(alice, bob, "100.00")

    assert refused(nothing) == (422, "limit_exceeded")
    assert free.body == {
        "user_id": alice.id, "currency": "EUR", "daily": None,
        "spent": "0.00", "remaining": None,
    }  # fmt: skip
    assert anything.status == 202


async def test_a_limit_below_what_is_spent_leaves_nothing(system: System, client: Client):
    alice, bob, ops = await limited(system, client, None)
    await client.transfer(alice, bob, "12.50")

    answer = await limit(client, ops, alice, "10")

    assert (answer.body["spent"], answer.body["remaining"]) == ("12.50", "0.00")


async def test_each_change_of_a_limit_is_one_act(system: System, client: Client):
    alice, ops = await client.member(), await make_operator(system, client)

    for daily, reason in [("10", "a"), ("10", "b"), ("10.00", "c"), (None, "d"), (None, "e")]:
        assert (await limit(client, ops, alice, daily, reason=reason)).status == 200
    await limit(client, ops, alice, "5", currency="USD")

    assert await acts_on(system, alice.id) == [
        ("account.set_limit", ops.id, "a"),
        ("account.set_limit", ops.id, "d"),
        ("account.set_limit", ops.id, "none given"),
    ]


async def test_a_limit_is_of_one_currency(system: System, client: Client):
    alice, bob, _ = await limited(system, client, "0")
    await client.deposit(alice, "1.00", "USD")

    assert (await client.transfer(alice, bob, "1.00", currency="USD")).status == 202


async def test_only_an_operator_sets_a_limit(system: System, client: Client):
    alice, bob, ops = await limited(system, client, "10")
    gone, frozen = await make_operator(system, client), await make_operator(system, client)
    await act(system, gone.id, UserAct.REMOVE_OPERATOR)
    await set_status(system, frozen.id, "frozen")

    async with unchanged(system):
        for by in (alice, bob, gone, frozen):
            for body in BODIES:
                path = f"{alice.wallet}/limits/EUR"
                answer = await client.call("PUT", path, body, by=by)
                assert refused(answer) == (403, "operator_only"), by
    assert (await limit(client, ops, ops, "10")).status == 200


async def test_there_is_no_limit_of_nobody_or_in_no_currency(system: System, client: Client):
    alice, ops = await client.member(), await make_operator(system, client)
    nobodies = [str(RandomIds().new_id(bucket)) for bucket in (*range(8), 8, 4095)]

    async with unchanged(system):
        for user_id in [*nobodies, "me", alice.id[:-1]]:
            for body in ({"daily": "1"}, {"daily": 1}):
                path = f"/v1/wallets/{user_id}/limits/EUR"
                answer = await client.call("PUT", path, body, by=ops)
                assert refused(answer) == (404, "not_found"), (user_id, body)
        for code in ("XXX", "E", "EUR%00", "x" * 300):
            answer = await limit(client, ops, alice, "1", currency=code)
            assert refused(answer) == (404, "not_found"), code
        for user_id in ("me", nobodies[0]):
            answer = await client.call("PUT", f"/v1/wallets/{user_id}/limits/EUR", {}, by=alice)
            assert answer.status == (404 if user_id == "me" else 403)


NO_STRINGS: list[object] = [0, 5, 1.5, True, [], {}]
BODIES: list[object] = [{"daily": "1000"}, {"daily": 5}, [], None]
WRONG: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({}, [("/daily", "missing")]),
    *[({"daily": n}, [("/daily", "amount_not_string")]) for n in NO_STRINGS],
    *[
        ({"daily": text}, [("/daily", "amount_malformed")])
        for text in ("", "-1", "-0", "none", "null", "1e3", "01", " 1", "∞", "NaN", "Infinity")
    ],
    ({"daily": "1.000"}, [("/daily", "too_precise")]),
    ({"daily": "0.000"}, [("/daily", "too_precise")]),
    ({"daily": "9" * 26}, [("/daily", "amount_too_large")]),
    ({"daily": "1", "reason": 5}, [("/reason", "wrong_type")]),
    ({"daily": "1", "reason": "two\nlines"}, [("/reason", "invalid_value")]),
    *[
        ({"daily": "1", name: "1"}, [(f"/{name}", "unknown_field")])
        for name in ("currency", "spent", "monthly", "amount")
    ],
]


async def test_each_wrong_field_of_a_limit_is_named(system: System, client: Client):
    alice, ops = await client.member(), await make_operator(system, client)
    path = f"{alice.wallet}/limits/EUR"

    async with unchanged(system):
        for body, wrong in WRONG:
            assert fields(await client.call("PUT", path, body, by=ops)) == wrong, body
        for other in NO_OBJECTS[1:]:
            answer = await client.call("PUT", path, other, by=ops)
            assert fields(answer) == [("", "wrong_type")], other
        assert refused(await client.call("PUT", path, data=b"{", by=ops)) == (
            400, "malformed_json",
        )  # fmt: skip
        assert refused(await client.call("PUT", path, by=ops))[0] == 415
        query = await client.call("PUT", f"{path}?x=1", {"daily": "1"}, by=ops)
        assert fields(query) == [("/x", "unknown_field")]


# --- what counts


async def test_everything_that_is_spent_counts_and_nothing_goes_over(
    system: System, client: Client
):
    alice, bob, ops = await limited(system, client, "10")
    await client.transfer(alice, bob, "2.00")
    await client.hold(alice, bob, "3.00")
    await client.withdraw(alice, "4.00")

    async with unchanged(system, but=RECORD):
        answers = [
            await client.transfer(alice, bob, "1.01"),
            await client.hold(alice, bob, "1.01"),
            await client.withdraw(alice, "1.01"),
        ]
        item = await batch_of_one(client, alice, bob, "1.01")

    assert [refused(answer) for answer in answers] == [(422, "limit_exceeded")] * 3
    assert item == (422, "limit_exceeded")
    assert (await client.transfer(alice, bob, "1.00")).status == 202
    assert await spent(client, ops, alice, "10") == "10.00"


async def test_too_little_money_is_told_before_the_limit(system: System, client: Client):
    alice, bob, _ = await limited(system, client, "10", funds="5.00")

    assert refused(await client.transfer(alice, bob, "11")) == (422, "insufficient_funds")


async def test_a_refusal_over_the_limit_is_recorded_under_its_key(system: System, client: Client):
    alice, bob, ops = await limited(system, client, "10")

    async def ask(key: str) -> list[Answer]:
        return [
            await client.transfer(alice, bob, "11.00", key=f"{key}-transfer"),
            await client.hold(alice, bob, "11.00", key=f"{key}-hold"),
            await client.withdraw(alice, "11.00", key=f"{key}-withdrawal"),
        ]

    first = await ask("k")
    await limit(client, ops, alice, None)
    async with unchanged(system):
        again = await ask("k")
    anew = await ask("n")

    assert [refused(answer) for answer in first + again] == [(422, "limit_exceeded")] * 6
    assert all(answer.headers["Idempotency-Replayed"] == "true" for answer in again)
    assert not any("Idempotency-Replayed" in answer.headers for answer in first)
    assert [answer.status for answer in anew] == [202, 201, 201]


async def test_nothing_in_a_request_gets_past_a_limit(system: System, client: Client):
    alice, bob, _ = await limited(system, client, "10")
    good = {"to": bob.id, "currency": "EUR", "amount": "11.00"}
    flags: list[dict[str, Any]] = [
        {"override": True}, {"force": True}, {"ignore_limit": True}, {"limit": None},
        {"spent_on": "2000-01-01"}, {"created_at": "2000-01-01T00:00:00Z"},
    ]  # fmt: skip

    async with unchanged(system):
        for path in ("transfers", "holds"):
            for flag in flags:
                answer = await client.call(
                    "POST", f"{alice.wallet}/{path}", {**good, **flag}, by=alice, key=new_key()
                )
                assert refused(answer) == (422, "unknown_field"), flag
    operators_word = {"X-Override-Limit": "true", "Prefer": "handling=lenient"}
    answer = await client.call(
        "POST", f"{alice.wallet}/transfers", good, by=alice, key="k", headers=operators_word
    )
    assert refused(answer) == (422, "limit_exceeded")


async def test_an_operator_is_limited_like_everybody(system: System, client: Client):
    ops, bob = await make_operator(system, client), await client.member()
    await client.deposit(ops, "100.00")
    await limit(client, ops, ops, "10")

    assert refused(await client.transfer(ops, bob, "11")) == (422, "limit_exceeded")


async def test_what_comes_in_is_never_limited(system: System, running: Client):
    alice, bob, _ = await limited(system, running, "0")
    await running.deposit(bob, "5.00")

    assert (await running.deposit(alice, "5.00")).status == 201
    assert (await running.transfer(bob, alice, "5.00", wait=10)).body["status"] == "completed"
    assert await running.balance(alice) == ("110.00", "0.00")


async def test_a_hold_that_was_made_before_is_captured_whatever_the_limit(
    system: System, client: Client
):
    alice, bob, ops = await limited(system, client, None)
    hold = (await client.hold(alice, bob, "50.00")).body["id"]
    await limit(client, ops, alice, "10")

    assert (await client.capture(bob, hold, "45.00")).status == 202
    assert await spent(client, ops, alice, "10") == "45.00"


async def test_a_refund_counts_for_who_pays_it(system: System, running: Client):
    alice, shop, ops = await limited(system, running, None)
    transfer = (await running.transfer(alice, shop, "20.00", wait=10)).body["id"]
    await limit(running, ops, shop, "5")

    over = await running.refund(shop, transfer)
    within = await running.refund(shop, transfer, "5.00", wait=10)

    assert refused(over) == (422, "limit_exceeded")
    assert within.body["status"] == "completed"
    assert await spent(running, ops, alice, None) == "20.00"
    assert await spent(running, ops, shop, "5") == "5.00"


# --- what is given back


async def test_a_cancel_gives_back_what_was_spent(system: System, client: Client):
    alice, bob, ops = await limited(system, client, "10")
    held = (await client.transfer(alice, bob, "10.00")).body["id"]

    for _ in range(2):
        assert (await client.cancel(alice, held)).status == 200

    assert await spent(client, ops, alice, "10") == "0.00"
    assert (await client.transfer(alice, bob, "10.00")).status == 202


async def test_a_return_gives_back_what_was_spent(system: System, client: Client):
    alice, bob, ops = await limited(system, client, "10")
    held = (await client.transfer(alice, bob, "6.00")).body["id"]
    hold = (await client.hold(alice, bob, "4.00")).body["id"]
    capture = (await client.capture(alice, hold)).body["id"]
    await set_status(system, bob.id, "closed")

    await system.start_worker()
    ends = [await client.get_transfer(alice, id_, wait=15) for id_ in (held, capture)]

    assert [end.body["status"] for end in ends] == ["refunded", "refunded"]
    assert await spent(client, ops, alice, "10") == "0.00"


async def test_expiry_gives_back_what_was_spent(system: System, client: Client):
    alice, bob, ops = await limited(system, client, "10")
    held = (await client.transfer(alice, bob, "6.00", expires_in_s=1)).body["id"]
    await client.hold(alice, bob, "4.00", expires_in_s=1)
    await eventually(lambda: system.has_expired(held))

    async def nothing_is_spent() -> None:
        assert await spent(client, ops, alice, "10") == "0.00"

    await system.start_worker()
    await eventually(nothing_is_spent)


async def test_the_end_of_a_hold_gives_back_what_was_not_captured(system: System, client: Client):
    alice, bob, ops = await limited(system, client, "10")
    voided = (await client.hold(alice, bob, "4.00")).body["id"]
    captured = (await client.hold(alice, bob, "6.00")).body["id"]
    await client.capture(bob, voided, "1.00", final=False)
    assert await spent(client, ops, alice, "10") == "10.00"

    await client.void(bob, voided)
    await client.capture(bob, captured, "2.00")

    assert await spent(client, ops, alice, "10") == "3.00"


async def test_a_new_day_begins_at_zero_and_gives_nothing_back_to(system: System, client: Client):
    alice, bob, ops = await limited(system, client, "10")
    held = (await client.transfer(alice, bob, "4.00", expires_in_s=604_800)).body["id"]
    hold = (await client.hold(alice, bob, "6.00", expires_in_s=604_800)).body["id"]

    await set_noon(system, day=1)
    at_first = await spent(client, ops, alice, "10")
    await client.transfer(alice, bob, "7.00")
    await client.cancel(alice, held)
    await client.capture(bob, hold, "5.00")

    assert at_first == "0.00"
    assert await spent(client, ops, alice, "10") == "7.00"
    assert refused(await client.transfer(alice, bob, "3.01")) == (422, "limit_exceeded")


# --- many at once


async def test_many_at_once_spend_a_limit_exactly_as_often_as_it_lasts(
    system: System, client: Client
):
    other = await system.start_gateway()
    alice, bob, ops = await limited(system, client, "10")

    answers = await at_once(
        *(
            call
            for gateway in (client, other)
            for _ in range(8)
            for call in (
                gateway.transfer(alice, bob, "0.90"),
                gateway.hold(alice, bob, "0.90"),
                gateway.withdraw(alice, "0.90"),
            )
        )
    )

    assert Counter(a.code for a in answers) == {None: 11, "limit_exceeded": 37}
    assert await spent(client, ops, alice, "10") == "9.90"


async def test_a_limit_that_is_set_while_money_moves_holds_from_then_on(
    system: System, running: Client
):
    alice, bob, ops = await limited(system, running, None)

    async def pay_until_refused() -> None:
        while (answer := await running.transfer(alice, bob, "0.01")).status == 202:
            pass
        assert answer.code == "limit_exceeded"

    async def has_paid() -> bool:
        return await running.balance(bob) != ("0.00", "0.00")

    async def set_it() -> Answer:
        await eventually(has_paid)
        return await limit(running, ops, alice, "0.01")

    answer, _ = await at_once(set_it(), at_once(*(pay_until_refused() for _ in range(3))))
    await system.drained()

    assert isinstance(answer, Answer)
    assert answer.status == 200
    paid = await spent(running, ops, alice, "0.01")
    assert paid == answer.body["spent"]
    assert await running.balance(bob) == (paid, "0.00")
