"""The same key and the same request: the same answer, and one effect."""

import json
from typing import Any

import pytest

from e2e_tests.answers import at_once, raw, refused, unchanged
from e2e_tests.client import Answer, Client, Member
from e2e_tests.operators import set_enabled, set_status
from e2e_tests.system import System

POSTS = ("deposits", "withdrawals", "transfers", "holds")
# Those that name a payee.
PAYING = POSTS[2:]


def is_replay(answer: Answer) -> bool:
    """Whether an answer says that it is one."""
    assert answer.headers.get("Idempotency-Replayed") in (None, "true")
    return "Idempotency-Replayed" in answer.headers


def without_trace(answer: Answer) -> dict[str, Any]:
    """The body of a refusal, less what is this request's own."""
    return {**answer.body, "trace_id": ""}


async def post(
    client: Client, by: Member, what: str, key: str, body: dict[str, Any] | str | None = None
) -> Answer:
    """A POST with this key and body, or with 1 EUR, to bob@example.com if it has a payee."""
    good = {"currency": "EUR", "amount": "1.00"}
    if what in PAYING:
        good["to"] = "bob@example.com"
    text = body if isinstance(body, str) else json.dumps(good if body is None else body)
    return await client.call("POST", f"{by.wallet}/{what}", data=text.encode(), by=by, key=key)


async def people(client: Client, **funds: str) -> tuple[Member, Member]:
    """Alice with funds, and bob@example.com."""
    return await client.member(**funds), await client.member(email="bob@example.com")


BAD_KEYS = [
    "",
    '""',
    "k" * 256,
    f'"{"k" * 256}"',
    "two words",
    '"two words"',
    "a\tb",
    "ключ",
    '"unfinished',
    '"a"b"',
    '"a\\x"',
]


async def test_money_needs_a_well_formed_idempotency_key(system: System, client: Client):
    alice = await client.member(EUR="5.00")

    async with unchanged(system):
        for what in POSTS:
            missing = await client.call("POST", f"{alice.wallet}/{what}", {}, by=alice)
            assert refused(missing) == (400, "missing_header"), what
            for key in BAD_KEYS:
                answer = await post(client, alice, what, key)
                assert refused(answer) == (400, "invalid_header"), (what, key)


async def test_keys_of_1_to_255_visible_characters_are_taken(client: Client):
    alice = await client.member()

    for key in ["k", "k" * 255, f'"{"q" * 255}"', "!#~", 'a"b', "back\\slash", '"\\"\\\\"']:
        assert (await client.deposit(alice, "1", key=key)).status == 201, key


async def test_a_key_given_twice_is_400(system: System, client: Client):
    alice = await client.member()
    body = b'{"currency": "EUR", "amount": "1"}'
    head = (
        f"POST {alice.wallet}/deposits HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {alice.token}\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: a\r\nIdempotency-Key: a\r\nContent-Length: {len(body)}\r\n\r\n"
    )

    async with unchanged(system):
        status, _, answer = await raw(client, head.encode() + body)

    assert (status, json.loads(answer)["code"]) == (400, "invalid_header")


async def test_a_repeat_is_the_first_answer_again(system: System, client: Client):
    alice, _ = await people(client, EUR="5.00")
    for what in POSTS:
        first = await post(client, alice, what, what)

        async with unchanged(system):
            again = [await post(client, alice, what, what) for _ in range(2)]

        assert first.status in (201, 202)
        assert [(a.status, a.body) for a in again] == [(first.status, first.body)] * 2
        assert first.headers.get("Location") == again[0].headers.get("Location")
        assert [is_replay(answer) for answer in (first, *again)] == [False, True, True]
        assert first.headers["X-Trace-Id"] != again[0].headers["X-Trace-Id"]


async def test_key_order_and_spaces_do_not_make_another_request(system: System, client: Client):
    alice, _ = await people(client, EUR="5.00")
    first = await post(
        client,
        alice,
        "transfers",
        "key",
        '{"to":"bob@example.com","currency":"EUR","amount":"1.00","metadata":{"a":"1","b":"\\u00fc"}}',
    )

    async with unchanged(system):
        again = await post(
            client,
            alice,
            "transfers",
            "key",
            ' {"metadata" : {"b": "ü", "a": "\\u0031"},\n "amount":"1.00",\t"currency":"EUR",'
            '"to":"bob@example.com" } ',
        )

    assert (again.status, again.body, is_replay(again)) == (202, first.body, True)


OTHERS: list[dict[str, Any]] = [
    {"amount": "1.0"},
    {"amount": "1"},
    {"amount": "2.00"},
    {"currency": "eur"},
    {"currency": "USD"},
    {"metadata": {}},
    {"metadata": None},
    {"metadata": {"a": "b"}},
]
OTHER_TRANSFERS: list[dict[str, Any]] = [
    {"to": "BOB@example.com"},
    {"to": "carol@example.com"},
    {"expires_in_s": 86_400},
    {"expires_in_s": None},
]


async def test_a_key_cannot_stand_for_another_request(system: System, client: Client):
    alice, _ = await people(client, EUR="5.00")
    good = {what: {"currency": "EUR", "amount": "1.00"} for what in POSTS}
    for what in PAYING:
        good[what]["to"] = "bob@example.com"
    for what in POSTS:
        assert (await post(client, alice, what, what, good[what])).status in (201, 202)

    async with unchanged(system):
        for what in POSTS:
            for change in OTHERS + (OTHER_TRANSFERS if what in PAYING else []):
                answer = await post(client, alice, what, what, {**good[what], **change})
                assert refused(answer) == (422, "idempotency_key_reused"), (what, change)
                assert not is_replay(answer)


async def test_deposits_withdrawals_transfers_and_holds_share_their_keys(
    system: System, client: Client
):
    alice, _ = await people(client, EUR="5.00")
    for what in POSTS:
        await post(client, alice, what, what)

    async with unchanged(system):
        for what in POSTS:
            for other in set(POSTS) - {what}:
                answer = await post(client, alice, other, what)
                assert refused(answer) == (422, "idempotency_key_reused"), (what, other)


async def test_two_users_may_use_one_key(client: Client):
    alice, bob = await people(client)

    answers = [await client.deposit(member, "1.00", key="key") for member in (alice, bob)]

    assert [(a.status, is_replay(a)) for a in answers] == [(201, False)] * 2
    assert answers[0].body["id"] != answers[1].body["id"]


async def test_a_key_is_the_same_quoted_and_bare(client: Client):
    alice = await client.member()
    long = "k" * 255

    for bare, quoted in [
        ("abc", '"abc"'),
        ('a"b', '"a\\"b"'),
        (r"a\b", r'"a\\b"'),
        (long, f'"{long}"'),
    ]:
        first = await client.deposit(alice, "1.00", key=bare)
        again = await client.deposit(alice, "1.00", key=quoted)
        other = await client.deposit(alice, "1.00", key=bare.upper())
        assert (is_replay(again), again.body) == (True, first.body), bare
        assert not is_replay(other)


RECORDED = {
    "insufficient_funds": POSTS[1:],
    "payer_frozen": POSTS[1:],
    "payer_closed": POSTS[1:],
    "payee_closed": PAYING,
    "unknown_payee": PAYING,
}
# What nothing can take away: a closed user stays closed.
FOR_GOOD = ("payer_closed", "payee_closed")


async def obstruct(system: System, client: Client, code: str) -> tuple[Member, dict[str, str]]:
    """Who asks for what, to be refused with this code."""
    # A wallet is closed when it is empty.
    alice, bob = await people(client, **({} if code == "payer_closed" else {"EUR": "5.00"}))
    subject, _, status = code.partition("_")
    whose = {"payer": alice.id, "payee": bob.id}.get(subject)
    if whose is not None:
        await set_status(system, whose, status)
    amount = "6.00" if code == "insufficient_funds" else "1.00"
    to = "carol@example.com" if code == "unknown_payee" else bob.email
    return alice, {"currency": "EUR", "amount": amount, "to": to}


@pytest.mark.parametrize("code", RECORDED)
async def test_a_recorded_refusal_stays_one(system: System, client: Client, code):
    alice, transfer = await obstruct(system, client, code)
    movement = {name: transfer[name] for name in ("currency", "amount")}
    asked = {what: transfer if what in PAYING else movement for what in RECORDED[code]}
    first = [await post(client, alice, what, what, body) for what, body in asked.items()]
    if code == "payer_frozen":
        await set_status(system, alice.id, "open")
    await client.deposit(alice, "100.00")
    await client.member(email="carol@example.com")

    async with unchanged(system):
        again = [await post(client, alice, what, what, body) for what, body in asked.items()]
    anew = [await post(client, alice, what, "new" + what, body) for what, body in asked.items()]

    assert {refused(answer) for answer in first + again} == {(422, code)}
    assert [without_trace(answer) for answer in first] == [
        without_trace(answer) for answer in again
    ]
    assert not any(is_replay(answer) for answer in first)
    assert all(is_replay(answer) for answer in again)
    assert not any(is_replay(answer) for answer in anew)
    if code in FOR_GOOD:
        assert {refused(answer) for answer in anew} == {(422, code)}
    else:
        assert all(answer.status in (201, 202) for answer in anew)


async def test_other_refusals_leave_the_key_free(system: System, client: Client):
    alice, bob = await people(client, EUR="5.00")
    good = {"currency": "EUR", "amount": "1.00", "to": bob.email}
    ghost = Member(bob.id, "", alice.token)
    stranger = Member(alice.id, "", "x.y.z")

    async with unchanged(system):
        answers = [
            await post(client, alice, "transfers", "key", "{"),
            await post(client, stranger, "transfers", "key", good),
            await post(client, ghost, "transfers", "key", good),
            await post(client, alice, "transfers", "key", {**good, "to": alice.email}),
            await post(client, alice, "transfers", "key", {**good, "amount": "0"}),
            await post(client, alice, "transfers", "key", {**good, "currency": "XXX"}),
            await post(client, alice, "transfers", "key", {**good, "x": 1}),
        ]
        statuses = [refused(answer)[0] for answer in answers]
    accepted = await post(client, alice, "transfers", "key", good)

    assert statuses == [400, 401, 404, 422, 422, 422, 422]
    assert (accepted.status, is_replay(accepted)) == (202, False)


async def test_a_deposit_that_was_refused_may_be_repeated(system: System, client: Client):
    alice = await client.member(EUR="5.00")
    lift = 10**37 - 600
    await system.sql(alice.id, "UPDATE accounts SET balance = balance + $1", lift)
    limit = await client.deposit(alice, "1.00", key="key")
    await system.sql(alice.id, "UPDATE accounts SET balance = balance - $1", lift)

    accepted = await client.deposit(alice, "1.00", key="key")

    assert refused(limit) == (422, "balance_limit")
    assert (accepted.status, is_replay(accepted)) == (201, False)


async def test_a_deposit_to_a_closed_wallet_leaves_its_key_free(system: System, client: Client):
    alice = await client.member()
    await set_status(system, alice.id, "closed")

    async with unchanged(system):
        answers = [await client.deposit(alice, amount, key="key") for amount in ("1", "1", "2")]

    assert {refused(answer) for answer in answers} == {(422, "wallet_closed")}
    assert not any(is_replay(answer) for answer in answers)


async def test_a_disabled_currency_leaves_the_key_free(system: System, client: Client):
    alice = await client.member()
    await set_enabled(system, "EUR", enabled=False)
    second = await system.start_gateway()
    refusal = await second.deposit(alice, "1.00", key="key")
    await set_enabled(system, "EUR", enabled=True)
    third = await system.start_gateway()

    accepted = await third.deposit(alice, "1.00", key="key")

    assert refused(refusal) == (422, "currency_disabled")
    assert (accepted.status, is_replay(accepted)) == (201, False)


async def test_nothing_that_changes_later_changes_an_answer(system: System, client: Client):
    alice, bob = await people(client, EUR="5.00")
    first = [await post(client, alice, what, what) for what in POSTS]
    await client.withdraw(alice, "3.00")
    await set_status(system, alice.id, "frozen")
    await set_status(system, bob.id, "closed")
    await set_enabled(system, "EUR", enabled=False)
    other = await system.start_gateway()

    async with unchanged(system):
        again = [await post(other, alice, what, what) for what in POSTS]

    assert [(a.status, a.body) for a in again] == [(a.status, a.body) for a in first]
    assert all(is_replay(answer) for answer in again)


async def test_a_repeat_shows_an_accepted_transfer_as_it_is_now(system: System, client: Client):
    alice, bob = await people(client, EUR="5.00")
    held = await client.transfer(alice, bob, "1.00", key="key")
    still = await client.transfer(alice, bob, "1.00", key="key", wait=0)
    await system.start_worker()
    ended = await client.get_transfer(alice, held.body["id"], wait=10)

    waiting = await client.transfer(alice, bob, "1.00", key="key", wait=5)
    not_waiting = await client.transfer(alice, bob, "1.00", key="key")

    assert (still.status, still.body) == (202, held.body)
    assert (waiting.status, waiting.body) == (201, ended.body)
    assert (not_waiting.status, not_waiting.body) == (202, ended.body)
    assert ended.body["status"] == "completed"
    assert is_replay(waiting)
    assert waiting.headers["Location"] == held.headers["Location"]


async def test_a_repeat_that_waits_is_told_the_end(system: System, client: Client):
    alice, bob = await people(client, EUR="5.00")
    first = await client.transfer(alice, bob, "1.00", key="key")

    repeat, cancel = await at_once(
        client.transfer(alice, bob, "1.00", key="key", wait=20),
        client.cancel(alice, first.body["id"]),
    )

    assert (cancel.status, repeat.status) == (200, 201)
    assert (repeat.body["status"], is_replay(repeat)) == ("cancelled", True)


async def test_sixteen_at_once_at_two_gateways_have_one_effect(system: System, client: Client):
    alice, _ = await people(client, EUR="5.00")
    other = await system.start_gateway()

    for what in POSTS:
        answers = await at_once(
            *(post(gateway, alice, what, what) for gateway in (client, other) * 8)
        )

        assert len({(answer.status, str(answer.body)) for answer in answers}) == 1, what
        assert answers[0].status in (201, 202)
        assert sum(is_replay(answer) for answer in answers) == 15
    assert len(await system.sql_everywhere("SELECT FROM transfers")) == 1
    assert len(await system.sql_everywhere("SELECT FROM holds")) == 1
    assert len(await system.sql_everywhere("SELECT FROM movements")) == 3


async def test_different_requests_with_one_key_at_once_have_one_effect(
    system: System, client: Client
):
    alice, _ = await people(client, EUR="5.00")
    other = await system.start_gateway()

    answers = await at_once(
        *(
            post(gateway, alice, what, "key")
            for what in POSTS
            for gateway in (client, other, client, other)
        )
    )

    taken = [answer for answer in answers if answer.status < 400]
    assert len({str(answer.body) for answer in taken}) == 1
    assert len(taken) == 4
    assert {answer.code for answer in answers} - {None} == {"idempotency_key_reused"}
