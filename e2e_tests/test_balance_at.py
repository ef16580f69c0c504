"""GET balances/{currency}?at=: a balance as it was."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

from e2e_tests.answers import at as time_of
from e2e_tests.answers import fields, refused
from e2e_tests.client import Answer, Client, Member
from e2e_tests.system import System
from gateway.timestamps import format_timestamp
from shards.ids import RandomIds


async def balance_at(client: Client, of: Member, at: str, currency: str = "EUR") -> Answer:
    """What this member had at a time, however it is spelled."""
    path = f"{of.wallet}/balances/{currency}?at={quote(at, safe='')}"
    return await client.call("GET", path, by=of)


async def entries_of(client: Client, of: Member, currency: str = "EUR") -> list[dict[str, Any]]:
    """Its entries, oldest first."""
    path = f"{of.wallet}/entries?currency={currency}&limit=100"
    listed: list[dict[str, Any]] = (await client.call("GET", path, by=of)).body["data"]
    return listed[::-1]


async def test_a_balance_is_told_as_it_was_before_at_and_after_each_entry(running: Client):
    alice, bob = await running.member(EUR="10.00", JPY="7"), await running.member()
    await running.transfer(alice, bob, "2.50", wait=10)
    await running.withdraw(alice, "0.01")
    entries = await entries_of(running, alice)

    assert [entry["balance_after"] for entry in entries] == ["10.00", "7.50", "7.49"]
    for entry in entries:
        before = format_timestamp(time_of(entry["at"]) - timedelta(microseconds=1))
        then = await balance_at(running, alice, entry["at"])
        assert (await balance_at(running, alice, before)).body["balance"] == entry["balance_before"]
        assert (then.status, then.body) == (
            200,
            {"currency": "EUR", "balance": entry["balance_after"], "at": entry["at"]},
        )
    (yen,) = await entries_of(running, alice, "JPY")
    assert (await balance_at(running, alice, yen["at"], "jpy")).body == {
        "currency": "JPY",
        "balance": "7",
        "at": yen["at"],
    }
    # Bob was paid once, and had nothing before.
    (paid,) = await entries_of(running, bob)
    assert (await balance_at(running, bob, paid["at"])).body["balance"] == "2.50"


async def test_money_that_was_only_held_is_in_it(client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()
    await client.transfer(alice, bob, "4.00")
    await client.deposit(alice, "1.00")
    *_, last = await entries_of(client, alice)

    assert (await balance_at(client, alice, last["at"])).body["balance"] == "11.00"


async def test_before_the_first_entry_and_without_one_it_is_zero(client: Client):
    alice = await client.member(EUR="10.00")
    past = "2020-02-29T12:00:00.000000Z"

    for currency, zero in [("EUR", "0.00"), ("KWD", "0.000"), ("JPY", "0")]:
        answer = await balance_at(client, alice, past, currency)
        assert answer.body == {"currency": currency, "balance": zero, "at": past}


async def test_a_time_is_taken_in_every_spelling_and_told_in_one(client: Client):
    alice = await client.member(EUR="10.00")
    (entry,) = await entries_of(client, alice)
    just_before = format_timestamp(time_of(entry["at"]) - timedelta(microseconds=1))

    for spelled, told in [
        ("2020-01-01T05:30:00+05:30", "2020-01-01T00:00:00.000000Z"),
        ("2020-01-01t00:00:00.5z", "2020-01-01T00:00:00.500000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
        # Less than a microsecond before the entry is before it.
        (just_before.replace("Z", "999Z"), just_before),
    ]:
        answer = await balance_at(client, alice, spelled)
        assert answer.body == {"currency": "EUR", "balance": "0.00", "at": told}, spelled
    after = await balance_at(client, alice, entry["at"].replace("Z", "001Z"))
    assert after.body == {"currency": "EUR", "balance": "10.00", "at": entry["at"]}


async def test_the_future_is_refused_by_the_clock_of_the_database(system: System, client: Client):
    alice = await client.member(EUR="10.00")
    (row,) = await system.sql(alice.id, "SELECT app_now() + interval '1 minute' AS soon")

    for future in [format_timestamp(row["soon"]), "9999-12-31T23:59:59Z"]:
        answer = await balance_at(client, alice, future)
        assert fields(answer) == [("/at", "invalid_value")]
    (row,) = await system.sql(alice.id, "SELECT app_now() AS now")
    now = await balance_at(client, alice, format_timestamp(row["now"]))
    assert (now.status, now.body["balance"]) == (200, "10.00")


async def test_what_is_no_time_or_no_parameter_is_named(client: Client):
    alice = await client.member(EUR="10.00")
    path = f"{alice.wallet}/balances/EUR"

    for query, wrong in [
        *(
            (f"at={text}", [("/at", "invalid_value")])
            for text in (
                "",
                "now",
                "0",
                "2026-01-01",
                "2026-01-01T00:00:00",
                "2026-02-30T00:00:00Z",
            )
        ),
        ("at=2026-01-01T00:00:00+00:00", [("/at", "invalid_value")]),
        ("at=2020-01-01T00:00:00Z&at=2020-01-01T00:00:00Z", [("/at", "invalid_value")]),
        ("since=2020-01-01T00:00:00Z", [("/since", "unknown_field")]),
        ("at=x&limit=1", [("/limit", "unknown_field"), ("/at", "invalid_value")]),
    ]:
        assert fields(await client.call("GET", f"{path}?{query}", by=alice)) == wrong, query


async def test_it_is_checked_in_the_order_401_404_422(client: Client):
    alice, bob = await client.member(), await client.member()
    nobody = Member(str(RandomIds().new_id(0)), "", "")
    wrong = "?at=x"

    for path in [
        f"{bob.wallet}/balances/EUR",
        f"{nobody.wallet}/balances/EUR",
        f"{alice.wallet}/balances/XXX",
    ]:
        assert refused(await client.call("GET", path + wrong))[0] == 401
        assert refused(await client.call("GET", path + wrong, by=alice)) == (404, "not_found")
    answer = await client.call("GET", f"{alice.wallet}/balances/EUR{wrong}", by=alice)
    assert refused(answer) == (422, "invalid_value")
