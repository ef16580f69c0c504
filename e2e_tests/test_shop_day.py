"""A shop's day, from the first customer to its statement; the fixture audits the books after it."""

from decimal import Decimal
from typing import Any

from e2e_tests.client import Client, Member
from e2e_tests.shop import amounts
from e2e_tests.system import System
from tests.eventually import eventually


async def test_a_shops_day(system: System, running: Client):
    # The shop opens with some money, and three customers fund their wallets.
    shop = await running.member(EUR="50.00")
    anna, ben = await running.member(EUR="200.00"), await running.member(EUR="80.00")
    cleo = await running.member(EUR="30.00")

    # Anna books a room for two nights; Ben and Cleo book a table each.
    room = (await running.hold(anna, shop, "120.00", metadata={"room": "7"})).body["id"]
    table = (await running.hold(ben, shop, "20.00")).body["id"]
    forgotten = (await running.hold(cleo, shop, "25.00", expires_in_s=1)).body["id"]
    assert await running.balance(anna) == ("200.00", "120.00")

    # The first night is paid. It was too loud: a part of it goes back.
    first_night = (await running.capture(shop, room, "60.00", final=False, wait=10)).body
    loud = (await running.refund(shop, first_night["id"], "15.00", wait=10)).body
    # Ben cannot come, and the shop lets his table go. He buys a cake at the counter.
    await running.void(shop, table)
    cake = (await running.transfer(ben, shop, "12.50", wait=10)).body
    # Cleo never came: her hold ends by itself.
    await eventually(lambda: _is_over(running, shop, forgotten))
    # The shop takes some of its money out.
    await running.withdraw(shop, "40.00")

    # The day is closed: the second night was shorter, and the rest of the hold is free again.
    second_night = (await running.capture(shop, room, "48.40", wait=10)).body
    await system.drained()

    holds = [(await running.get_hold(shop, hold)).body for hold in (room, table, forgotten)]
    assert [amounts(hold) for hold in holds] == [
        ("captured", "108.40", "0.00"),
        ("voided", "0.00", "0.00"),
        ("expired", "0.00", "0.00"),
    ]
    assert await running.balance(anna) == ("106.60", "0.00")
    assert await running.balance(ben) == ("67.50", "0.00")
    assert await running.balance(cleo) == ("30.00", "0.00")
    assert await running.balance(shop) == ("115.90", "0.00")

    statement = await _statement(running, shop)
    assert [(e["kind"], e["amount"], e["transfer_id"], e["counterparty"]) for e in statement] == [
        ("deposit", "50.00", None, None),
        ("transfer_in", "60.00", first_night["id"], anna.id),
        ("transfer_out", "-15.00", loud["id"], anna.id),
        ("transfer_in", "12.50", cake["id"], ben.id),
        ("withdrawal", "-40.00", None, None),
        ("transfer_in", "48.40", second_night["id"], anna.id),
    ]
    _adds_up(statement, opening="0.00", closing="115.90")
    sold = [e["amount"] for e in statement if e["kind"] == "transfer_in"]
    given_back = [e["amount"] for e in statement if e["kind"] == "transfer_out"]
    assert (_sum(sold), _sum(given_back)) == (Decimal("120.90"), Decimal("-15.00"))

    # Anna's own list says the same: what she paid, and what of it came back.
    paid = await running.call("GET", f"{anna.wallet}/transfers?direction=out", by=anna)
    assert [
        (one["amount"], one["hold_id"], one["amount_refunded"], one["refunds"])
        for one in paid.body["data"]
    ] == [("48.40", room, "0.00", []), ("60.00", room, "15.00", [loud["id"]])]


async def _statement(client: Client, of: Member) -> list[dict[str, Any]]:
    """All entries of a wallet, oldest first, page by page."""
    entries: list[dict[str, Any]] = []
    query = "currency=EUR&limit=2"
    while True:
        page = await client.call("GET", f"{of.wallet}/entries?{query}", by=of)
        assert page.status == 200
        entries += page.body["data"]
        if page.body["next_cursor"] is None:
            return entries[::-1]
        query = f"currency=EUR&limit=2&cursor={page.body['next_cursor']}"


def _adds_up(statement: list[dict[str, Any]], *, opening: str, closing: str) -> None:
    """Each entry begins where the one before it ended, from opening to closing balance."""
    balance, hash_ = opening, "0" * 64
    for entry in statement:
        assert (entry["balance_before"], entry["prev_hash"]) == (balance, hash_)
        after = Decimal(balance) + Decimal(entry["amount"])
        assert Decimal(entry["balance_after"]) == after
        balance, hash_ = entry["balance_after"], entry["hash"]
    assert balance == closing


def _sum(amounts_: list[str]) -> Decimal:
    return sum((Decimal(amount) for amount in amounts_), Decimal())


async def _is_over(client: Client, by: Member, hold_id: str) -> bool:
    return bool((await client.get_hold(by, hold_id)).body["status"] == "expired")
