"""GET /currencies and /currencies/{code}: for anyone."""

from e2e_tests.answers import SEEDED, disable, fields, refused
from e2e_tests.client import Client
from e2e_tests.system import BUCKETS, System
from shards.ids import currency_bucket


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
    await disable(system, "JPY")
    client = await system.start_gateway()

    one = await client.call("GET", "/v1/currencies/jpy")
    listed = (await client.call("GET", "/v1/currencies")).body["data"]

    assert (one.status, one.body["enabled"]) == (200, False)
    assert [other["code"] for other in listed if not other["enabled"]] == ["JPY"]


async def test_a_currency_made_later_is_found(system: System, client: Client):
    assert (await client.call("GET", "/v1/currencies/DOGE")).status == 404
    home = next(d for d in system.databases if currency_bucket("DOGE", BUCKETS) in d.buckets)
    await system.sql_at(
        home.dsn, "INSERT INTO currencies (code, name, decimals) VALUES ('DOGE', 'Dogecoin', 8)"
    )

    answer = await client.call("GET", "/v1/currencies/DOGE")

    made = {"code": "DOGE", "name": "Dogecoin", "decimals": 8, "enabled": True}
    assert (answer.status, answer.body) == (200, made)
