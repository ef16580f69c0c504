"""Currencies: seen by anyone, made and changed by operators."""

import pytest

from e2e_tests.answers import SEEDED, at_once, fields, refused, unchanged
from e2e_tests.client import Answer, Client, Member
from e2e_tests.operators import make_operator, set_enabled
from e2e_tests.system import System
from tests.eventually import eventually

DOGE = {"code": "DOGE", "name": "Dogecoin", "decimals": 8}


async def put(client: Client, by: Member, **changes: object) -> Answer:
    """POST /currencies of DOGE, unless told otherwise; `...` leaves out."""
    body = {name: value for name, value in {**DOGE, **changes}.items() if value is not ...}
    return await client.call("POST", "/v1/currencies", body, by=by)


async def trail(client: Client, by: Member) -> list[tuple[str, str]]:
    """Verb and detail of the acts on currencies, oldest first."""
    acts = (await client.call("GET", "/v1/audit-trail?limit=100", by=by)).body["data"]
    return [(a["act"], a["detail"]) for a in reversed(acts) if a["act"].startswith("currency.")]


async def test_all_currencies_are_listed_by_code_with_their_digits(client: Client):
    answer = await client.call("GET", "/v1/currencies")

    assert answer.status == 200
    assert set(answer.body) == {"data", "next_cursor"}
    assert answer.body["next_cursor"] is None
    assert [(one["code"], one["decimals"]) for one in answer.body["data"]] == [*SEEDED.items()]
    for one in answer.body["data"]:
        assert set(one) == {"code", "name", "decimals", "enabled"}
        assert isinstance(one["name"], str)
        assert one["enabled"] is True


async def test_one_currency_is_found_in_either_case(client: Client):
    listed = (await client.call("GET", "/v1/currencies")).body["data"]

    for one in listed:
        for code in (one["code"], one["code"].lower(), one["code"].title()):
            answer = await client.call("GET", f"/v1/currencies/{code}")
            assert (answer.status, answer.body) == (200, one)


async def test_a_currency_that_does_not_exist_is_404(client: Client):
    for code in ["XXX", "EU", "E" * 11, "EUR%20", "%E2%82%AC%E2%82%AC%E2%82%AC", "E%00R", "ＥＵＲ"]:
        answer = await client.call("GET", f"/v1/currencies/{code}")
        assert refused(answer) == (404, "not_found"), code


async def test_currencies_have_no_parameters(client: Client):
    for path in ["/v1/currencies", "/v1/currencies/EUR"]:
        answer = await client.call("GET", f"{path}?limit=1&%00=%ff")
        assert fields(answer) == [("/limit", "unknown_field"), ("/\0", "unknown_field")], path


async def test_a_disabled_currency_is_shown_as_such(system: System):
    await set_enabled(system, "JPY", enabled=False)
    client = await system.start_gateway()

    one = await client.call("GET", "/v1/currencies/jpy")
    listed = (await client.call("GET", "/v1/currencies")).body["data"]

    assert (one.status, one.body["enabled"]) == (200, False)
    assert [other["code"] for other in listed if not other["enabled"]] == ["JPY"]


async def test_a_new_currency_is_known_at_once_here_and_elsewhere(system: System, client: Client):
    other = await system.start_gateway()
    ada = await make_operator(system, client)
    for gateway in (client, other):
        assert refused(await gateway.call("GET", "/v1/currencies/DOGE")) == (404, "not_found")

    made = await put(client, ada, code="doge")

    assert (made.status, made.body) == (201, {**DOGE, "enabled": True})
    for gateway in (client, other):
        found = await gateway.call("GET", "/v1/currencies/doge")
        listed = (await gateway.call("GET", "/v1/currencies")).body["data"]
        assert (found.status, found.body) == (200, made.body)
        assert made.body in listed
        assert (await gateway.deposit(ada, "0.00000001", "DOGE")).status == 201
    assert await client.balance(ada, "DOGE") == ("0.00000002", "0.00000000")


async def test_the_same_again_changes_nothing(system: System, client: Client):
    ada = await make_operator(system, client)
    made = await put(client, ada)

    async with unchanged(system):
        again = [await put(client, ada), await put(client, ada, enabled=True)]

    assert {answer.status for answer in again} == {200}
    assert all(answer.body == made.body for answer in again)
    assert await trail(client, ada) == [
        ("currency.create", "DOGE: 8 decimals, enabled, named Dogecoin")
    ]


async def test_name_and_enabled_change_and_what_is_left_out_stays(system: System, client: Client):
    ada = await make_operator(system, client)
    await put(client, ada, enabled=False)

    renamed = await put(client, ada, name="Doge", enabled=None)
    enabled = await put(client, ada, name="Doge", enabled=True)

    assert [answer.status for answer in (renamed, enabled)] == [200, 200]
    assert (renamed.body["name"], renamed.body["enabled"]) == ("Doge", False)
    assert enabled.body["enabled"] is True
    assert await trail(client, ada) == [
        ("currency.create", "DOGE: 8 decimals, disabled, named Dogecoin"),
        ("currency.change", "DOGE, name changed: 8 decimals, disabled, named Doge"),
        ("currency.change", "DOGE, enabled changed: 8 decimals, enabled, named Doge"),
    ]


async def test_the_trail_says_why_and_that_no_reason_was_given(system: System, client: Client):
    ada = await make_operator(system, client)

    await put(client, ada, reason="asked for by a customer")
    await put(client, ada, reason="a repeat")
    await put(client, ada, name="Doge")

    acts = (await client.call("GET", "/v1/audit-trail?limit=100", by=ada)).body["data"]
    why = [(a["act"], a["reason"]) for a in reversed(acts) if a["act"].startswith("currency.")]
    assert why == [
        ("currency.create", "asked for by a customer"),
        ("currency.change", "none given"),
    ]


async def test_decimals_never_change(system: System, client: Client):
    ada = await make_operator(system, client)
    await put(client, ada)

    async with unchanged(system):
        answers = [
            await put(client, ada, decimals=7),
            await put(client, ada, decimals=9, name="New", enabled=False),
            await put(client, ada, code="eur", name="Euro", decimals=3),
        ]

    assert {refused(answer) for answer in answers} == {(409, "decimals_fixed")}
    assert (await client.call("GET", "/v1/currencies/EUR")).body["decimals"] == 2
    assert len(await trail(client, ada)) == 1


async def test_a_change_is_felt_here_at_once_and_elsewhere_within_seconds(
    system: System, client: Client
):
    other = await system.start_gateway()
    ada, bob = await make_operator(system, client), await client.member(EUR="5.00")
    assert (await other.deposit(bob, "1.00")).status == 201

    await put(client, ada, code="EUR", name="Euro", decimals=2, enabled=False)

    assert fields(await client.deposit(bob, "1.00")) == [("/currency", "currency_disabled")]

    async def is_felt() -> bool:
        return (await other.deposit(bob, "1.00")).code == "currency_disabled"

    await eventually(is_felt, within_s=8)


async def test_a_transfer_under_way_completes_though_its_currency_was_disabled(
    system: System, client: Client
):
    ada = await make_operator(system, client)
    alice, bob = await client.member(EUR="10.00"), await client.member()
    held = await client.transfer(alice, bob, "4.00")
    await put(client, ada, code="EUR", name="Euro", decimals=2, enabled=False)
    refusals = [
        await client.transfer(alice, bob, "1.00"),
        await client.deposit(alice, "1.00"),
        await client.withdraw(alice, "1.00"),
    ]

    await system.start_worker()
    end = await client.get_transfer(alice, held.body["id"], wait=15)

    assert {answer.code for answer in refusals} == {"currency_disabled"}
    assert end.body["status"] == "completed"
    assert await client.balance(alice) == ("6.00", "0.00")
    assert await client.balance(bob) == ("4.00", "0.00")


async def test_the_same_currency_at_once_from_two_gateways_is_made_once(
    system: System, client: Client
):
    other = await system.start_gateway()
    ada = await make_operator(system, client)

    answers = await at_once(*(put(gateway, ada) for gateway in (client, other) * 8))

    assert sorted(answer.status for answer in answers) == [200] * 15 + [201]
    assert len(await trail(client, ada)) == 1


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"code": "€UR"}, [("/code", "invalid_value")]),
        ({"code": ...}, [("/code", "missing")]),
        ({"name": "two\nlines"}, [("/name", "invalid_value")]),
        ({"name": "x" * 101}, [("/name", "invalid_value")]),
        ({"decimals": 19}, [("/decimals", "invalid_value")]),
        ({"decimals": -1}, [("/decimals", "invalid_value")]),
        ({"decimals": 8.0}, [("/decimals", "wrong_type")]),
        ({"decimals": "8"}, [("/decimals", "wrong_type")]),
        ({"enabled": "yes"}, [("/enabled", "wrong_type")]),
        ({"reason": "two\nlines"}, [("/reason", "invalid_value")]),
        ({"reason": ""}, [("/reason", "invalid_value")]),
        ({"reason": 5}, [("/reason", "wrong_type")]),
        ({"why": "why"}, [("/why", "unknown_field")]),
    ],
)
async def test_each_wrong_field_of_a_currency_is_named(
    system: System, client: Client, changes: dict[str, object], wrong: list[tuple[str, str]]
):
    ada = await make_operator(system, client)

    async with unchanged(system):
        assert fields(await put(client, ada, **changes)) == wrong


async def test_making_one_is_for_operators_only_and_is_checked_in_the_order_401_403_400_422(
    system: System, client: Client
):
    ada, alice = await make_operator(system, client), await client.member()
    path = "/v1/currencies"

    async with unchanged(system):
        answers = [
            await client.call("POST", path, data=b"{"),
            await client.call("POST", path, data=b"{", by=alice),
            await client.call("POST", path, data=b"{", by=ada),
            await client.call("POST", f"{path}?x=1", DOGE, by=ada),
            await put(client, ada, decimals=99),
        ]
        assert refused(await put(client, alice)) == (403, "operator_only")

    assert [refused(answer)[0] for answer in answers] == [401, 403, 400, 422, 422]
    assert (await client.call("GET", "/v1/currencies/DOGE")).status == 404
