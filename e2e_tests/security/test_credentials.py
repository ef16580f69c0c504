"""Idempotency keys and passwords: how long, of what, and what they tell others."""

from collections import Counter

import pytest

from e2e_tests.answers import refused
from e2e_tests.client import Client, new_key
from e2e_tests.operators import set_status
from e2e_tests.security.kit import nothing_changed, scene
from e2e_tests.system import System

LONG_KEYS = ("k" * 256, "k" * 1_000, "k" * 8_000, f'"{"k" * 256}"', '"' + '\\"' * 256 + '"')
ODD_KEYS = (
    *(
        "",
        '""',
        '"',
        '"""',
        '"a',
        "a b",
        "a,b c",
        "ключ",
        "k\u00e9y",
        "１",
        "a\u200bb",
        "\U0001f600",
    ),
    *('"a\\b"', '"a" ', "\t", '"a"; b', "'; DROP TABLE transfers; --", "\x7f", '"é"'),
)


async def test_a_key_is_of_1_to_255_visible_characters_on_every_route(
    system: System, client: Client
):
    there = await scene(client)
    alice, carol = there.alice, there.carol
    money = {"currency": "EUR", "amount": "1.00"}
    routes = [
        (f"{alice.wallet}/deposits", money, alice),
        (f"{alice.wallet}/withdrawals", money, alice),
        (f"{alice.wallet}/transfers", {**money, "to": carol.id}, alice),
        (f"{alice.wallet}/holds", {**money, "to": carol.id}, alice),
        (f"/v1/holds/{there.ids['hold_id']}/capture", {}, carol),
        (f"/v1/transfers/{there.ids['transfer_id']}/refunds", {}, carol),
    ]

    async with nothing_changed(system):
        for path, body, by in routes:
            missing = await client.call("POST", path, body, by=by)
            assert refused(missing) == (400, "missing_header"), path
            for key in (*LONG_KEYS, *ODD_KEYS):
                # A client of HTTP takes spaces off a value, and sends no control characters.
                if key.strip() != key or not key.isprintable():
                    continue
                answer = await client.call("POST", path, body, by=by, key=key)
                assert refused(answer) == (400, "invalid_header"), (path, key[:40])
            over = await client.call("POST", path, body, by=by, key="k" * 10_000)
            assert refused(over) == (431, "head_too_large"), path
        items = [{**money, "to": carol.id, "key": key} for key in (*LONG_KEYS, *ODD_KEYS)]
        path = f"{alice.wallet}/transfers/batch"
        batch = await client.call("POST", path, {"transfers": items}, by=alice)

    for item, result in zip(items, batch.body["results"], strict=True):
        assert (result["status"], result["problem"]["code"]) == (422, "invalid_value"), item


async def test_a_key_tells_nobody_else_anything(system: System, client: Client):
    there = await scene(client)
    key, other = new_key(), new_key()
    done = await client.transfer(there.alice, there.carol, "1.00", key=key)
    async with nothing_changed(system):
        # The wallet is hers: nobody gets as far as her key.
        path = f"{there.alice.wallet}/transfers"
        body = {"to": there.carol.id, "currency": "EUR", "amount": "1.00"}
        spied = [
            await client.call("POST", path, body, by=there.bob, key=used) for used in (key, other)
        ]
    own = [
        await client.transfer(there.bob, there.carol, amount, key=used)
        for used in (key, other)
        for amount in ("1.00", "2.00")
    ]
    after = await client.get_transfer(there.alice, done.body["id"])

    assert {refused(answer) for answer in spied} == {(404, "not_found")}
    assert len({answer.body["detail"] for answer in spied}) == 1
    # Of a key that she has used, Bob is told what he is told of one that nobody has.
    assert [(answer.status, answer.code) for answer in own] == [
        (202, None),
        (422, "idempotency_key_reused"),
    ] * 2
    assert not any("Idempotency-Replayed" in answer.headers for answer in own)
    assert done.body["id"] not in {answer.body.get("id") for answer in own}
    assert after.body == done.body


GOOD_PASSWORDS = (
    *("8 chars!", "x" * 71, "x" * 72, "x" * 73, "x" * 200, "é" * 36, "é" * 37, "x" * 71 + "é"),
    *("\U0001f600" * 18, "\U0001f600" * 200, "x" * 70 + "\U0001f600", "\u202e" * 8, "12345678\n"),
)
BAD_PASSWORDS = (
    *("", "7 chars", "x" * 201, "x" * 1_000, "é" * 201, "\U0001f600" * 250, "12345678\0", "\0" * 8),
    "1234\x005678",
)


async def test_every_byte_of_a_password_counts_and_none_is_too_many(system: System, client: Client):
    for number, password in enumerate(GOOD_PASSWORDS):
        body = {"email": f"p{number}@example.com", "password": password}
        assert (await client.call("POST", "/v1/users", body)).status == 201, password
        assert (await client.call("POST", "/v1/auth/login", body)).status == 200, password
        for near in (password[:-1], password + "x", password[:-1] + "~", password.swapcase() + " "):
            wrong = await client.call("POST", "/v1/auth/login", {**body, "password": near})
            assert refused(wrong) == (401, "invalid_credentials"), (password, near)
    async with nothing_changed(system):
        for password in BAD_PASSWORDS:
            body = {"email": "new@example.com", "password": password}
            answer = await client.call("POST", "/v1/users", body)
            assert refused(answer) == (422, "invalid_value"), password


async def test_whoever_logs_in_costs_one_check_of_a_password(
    system: System, client: Client, monkeypatch: pytest.MonkeyPatch
):
    """What takes the time of a login is counted, since time itself tells little on any machine.

    That a check takes the same time for nobody as for somebody is `test_gateway_passwords.py`.
    """
    alice, frozen, closed = [await client.member() for _ in range(3)]
    await set_status(system, frozen.id, "frozen")
    await set_status(system, closed.id, "closed")
    passwords = system.gateways[0].passwords
    checked: list[str] = []
    matches = passwords._matches

    def counted(stored_hash: str, password: str) -> bool:
        checked.append(stored_hash)
        return matches(stored_hash, password)

    monkeypatch.setattr(passwords, "_matches", counted)
    emails = {
        "known": alice.email,
        "in another spelling": alice.email.upper(),
        "frozen": frozen.email,
        "closed": closed.email,
        "unknown": "nobody@example.com",
        "no e-mail": "nobody",
        "too long": "x" * 300 + "@example.com",
        "not seen": f"\u200b{alice.email}",
    }
    checks: Counter[str] = Counter()
    told = set()
    for who, email in emails.items():
        for password in ("wrong horse", "x", "y" * 10_000):
            before = len(checked)
            body = {"email": email, "password": password}
            answer = await client.call("POST", "/v1/auth/login", body)
            assert refused(answer) == (401, "invalid_credentials"), who
            told.add((answer.body["detail"], *sorted(set(answer.headers) - {"X-RateLimit-Reset"})))
            checks[who] += len(checked) - before

    assert checks == dict.fromkeys(emails, 3)
    assert len(told) == 1
    # Hashes of one cost, whoever it is.
    assert len({stored.rpartition("$")[0].rpartition("$")[0] for stored in checked}) == 1
