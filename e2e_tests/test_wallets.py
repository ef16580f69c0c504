"""GET /wallets/{user_id} and its balances."""

from e2e_tests.answers import SEEDED, fields, refused
from e2e_tests.client import Client
from e2e_tests.operators import set_enabled
from e2e_tests.system import System

ZEROS = {"currency": "EUR", "balance": "0.00", "held": "0.00", "available": "0.00", "version": 0}


async def test_a_new_wallet_has_no_accounts_and_balances_of_zero(client: Client):
    alice = await client.member()

    wallet = await client.call("GET", alice.wallet, by=alice)
    balance = await client.call("GET", f"{alice.wallet}/balances/EUR", by=alice)

    assert (wallet.status, wallet.body) == (200, {"user_id": alice.id, "accounts": []})
    assert (balance.status, balance.body) == (200, ZEROS)


async def test_a_balance_of_zero_has_the_digits_of_its_currency(client: Client):
    alice = await client.member()

    for code, decimals in SEEDED.items():
        answer = await client.call("GET", f"{alice.wallet}/balances/{code.lower()}", by=alice)
        zero = "0." + "0" * decimals if decimals else "0"
        assert answer.body == {
            **ZEROS,
            "currency": code,
            **dict.fromkeys(("balance", "held", "available"), zero),
        }


async def test_a_wallet_shows_each_account_as_its_balance_does(client: Client):
    alice = await client.member(USD="2.50", BTC="0.00000001", EUR="10.00", JPY="7")

    accounts = (await client.call("GET", alice.wallet, by=alice)).body["accounts"]

    shown = {one["currency"]: one["balance"] for one in accounts}
    assert shown == {"BTC": "0.00000001", "EUR": "10.00", "JPY": "7", "USD": "2.50"}
    assert list(shown) == sorted(shown)
    for one in accounts:
        assert set(one) == set(ZEROS)
        path = f"{alice.wallet}/balances/{one['currency']}"
        assert (await client.call("GET", path, by=alice)).body == one


async def test_what_is_held_is_in_the_balance_and_not_available(client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()
    before = (await client.call("GET", f"{alice.wallet}/balances/EUR", by=alice)).body

    await client.transfer(alice, bob, "4.25")

    after = (await client.call("GET", f"{alice.wallet}/balances/EUR", by=alice)).body
    shown = {name: after[name] for name in ("balance", "held", "available")}
    assert shown == {"balance": "10.00", "held": "4.25", "available": "5.75"}
    assert (type(after["version"]), after["version"] > before["version"]) == (int, True)
    assert (await client.call("GET", bob.wallet, by=bob)).body["accounts"] == []


async def test_each_change_raises_the_version(running: Client):
    alice, bob = await running.member(EUR="10.00"), await running.member()
    seen = []

    for change in (
        running.deposit(alice, "1"),
        running.withdraw(alice, "1"),
        running.transfer(alice, bob, "1", wait=10),
    ):
        await change
        body = (await running.call("GET", f"{alice.wallet}/balances/EUR", by=alice)).body
        seen.append(body["version"])

    assert seen == sorted(set(seen))
    assert (await running.call("GET", bob.wallet, by=bob)).body["accounts"][0]["balance"] == "1.00"


async def test_a_balance_in_an_unknown_currency_is_404(client: Client):
    alice = await client.member(EUR="1.00")

    for code in ["XXX", "EU", "E" * 11, "%00", "E%2FR", "EUR%20", "€€€"]:
        answer = await client.call("GET", f"{alice.wallet}/balances/{code}", by=alice)
        assert refused(answer) == (404, "not_found"), code


async def test_a_balance_in_a_disabled_currency_is_still_shown(system: System, client: Client):
    alice = await client.member(EUR="1.00")
    await set_enabled(system, "EUR", enabled=False)
    other = await system.start_gateway()

    assert await other.balance(alice) == ("1.00", "0.00")


async def test_a_user_a_wallet_and_a_balance_have_no_parameters(client: Client):
    alice = await client.member()

    for path in ["/v1/me", alice.wallet, f"{alice.wallet}/balances/EUR"]:
        answer = await client.call("GET", f"{path}?currency=EUR&currency=USD&x~y%2Fz", by=alice)
        assert fields(answer) == [
            ("/currency", "unknown_field"),
            ("/x~0y~1z", "unknown_field"),
        ]
