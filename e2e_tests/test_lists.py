"""GET entries and transfers of a wallet: filters, pages, and the chain that anyone can check."""

import base64
import hashlib
import re
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from e2e_tests.answers import SHAPE, fields, refused
from e2e_tests.client import Answer, Client, Member
from e2e_tests.operators import set_status
from e2e_tests.system import System

ENTRY = {
    *("seq", "currency", "amount", "balance_before", "balance_after", "kind", "transfer_id"),
    *("counterparty", "at", "hash", "prev_hash"),
}
DECIMALS = {"EUR": 2, "JPY": 0, "ETH": 18}


async def page(client: Client, by: Member, what: str, query: str = "") -> dict[str, Any]:
    """A page of entries or transfers."""
    answer = await client.call("GET", f"{by.wallet}/{what}?{query}", by=by)
    assert answer.status == 200, answer
    assert set(answer.body) == {"data", "next_cursor"}
    assert (next_page(answer) is None) == (answer.body["next_cursor"] is None)
    body: dict[str, Any] = answer.body
    return body


def next_page(answer: Answer) -> str | None:
    """Where the next page is, as `Link` says; None on the last."""
    link = answer.headers.get("Link")
    if link is None:
        return None
    found = re.fullmatch(r'<(/v1/[!-;=?-~]*)>; rel="next"', link)
    assert found, link
    return found[1]


async def pages(client: Client, by: Member, what: str, query: str, limit: int) -> list[Any]:
    """Everything, page by page; every page but the last is full."""
    cursor, items = None, []
    while True:
        more = f"&cursor={cursor}" if cursor else ""
        body = await page(client, by, what, f"{query}&limit={limit}{more}")
        items += body["data"]
        cursor = body["next_cursor"]
        if cursor is None:
            return items
        assert len(body["data"]) == limit


async def with_history(system: System) -> tuple[Client, Member, Member, dict[str, str]]:
    """Alice has every kind of entry, and a transfer in every status; the ids by what became of it.

    Bob's wallet is closed by then.
    """
    client = await system.start_gateway()
    alice = await client.member(EUR="100.00", JPY="1000", ETH="1.000000000000000001")
    bob = await client.member()
    await client.withdraw(alice, "7.77")
    await client.withdraw(alice, "1", "JPY")
    made = {
        "cancelled": await client.transfer(alice, bob, "3.00"),
        "refunded": await client.transfer(alice, bob, "4.00", metadata={"n": "4"}),
    }
    assert (await client.cancel(alice, made["cancelled"].body["id"])).status == 200
    await set_status(system, bob.id, "closed")
    await client.transfer(alice, bob, "8.00")
    await system.start_worker()
    await client.get_transfer(alice, made["refunded"].body["id"], wait=10)
    carol = await client.member(EUR="20.00")
    made["completed"] = await client.transfer(alice, carol, "5.00", wait=10)
    made["other"] = await client.transfer(alice, carol, "0.1", currency="ETH", wait=10)
    made["received"] = await client.transfer(carol, alice, "6.00", wait=10, metadata={"n": "6"})
    return client, alice, carol, {name: one.body["id"] for name, one in made.items()}


def canonical(user_id: str, entry: dict[str, Any]) -> str:
    """The documented string, from nothing but what the API shows."""

    def minor(amount: str) -> str:
        return str(int(amount.replace(".", "")))

    parts = ["holdfast.entry.v1", user_id, entry["currency"], str(entry["seq"])]
    parts += [minor(entry["amount"]), minor(entry["balance_after"]), entry["kind"]]
    parts += [entry["transfer_id"] or "", entry["counterparty"] or ""]
    return "|".join([*parts, entry["at"], entry["prev_hash"]])


async def test_entries_and_transfers_tell_the_whole_history_of_a_wallet(system: System):
    client, alice, carol, ids = await with_history(system)

    await _the_entries(client, alice, carol, ids)
    await _the_transfers(system, client, alice, carol, ids)


async def _the_entries(client: Client, alice: Member, carol: Member, ids: dict[str, str]) -> None:
    entries = await pages(client, alice, "entries", "", 100)

    assert all(set(entry) == ENTRY for entry in entries)
    assert {type(entry["seq"]) for entry in entries} == {int}
    listed = [(e["currency"], e["seq"], e["kind"], e["amount"]) for e in reversed(entries)]
    assert listed == [
        ("EUR", 1, "deposit", "100.00"),
        ("JPY", 1, "deposit", "1000"),
        ("ETH", 1, "deposit", "1.000000000000000001"),
        ("EUR", 2, "withdrawal", "-7.77"),
        ("JPY", 2, "withdrawal", "-1"),
        ("EUR", 3, "transfer_out", "-4.00"),
        ("EUR", 4, "transfer_return", "4.00"),
        ("EUR", 5, "transfer_out", "-5.00"),
        ("ETH", 2, "transfer_out", "-0.100000000000000000"),
        ("EUR", 6, "transfer_in", "6.00"),
    ]
    parties = {e["transfer_id"]: e["counterparty"] for e in entries}
    assert (parties[ids["completed"]], parties[ids["received"]]) == (carol.id, carol.id)
    assert parties[None] is None
    assert ids["cancelled"] not in parties
    await _chain_holds(alice, entries)
    await _filters_of_entries(client, alice, entries)
    await _pages_of_entries(client, alice, entries)


async def _chain_holds(alice: Member, entries: list[Any]) -> None:
    for currency, decimals in DECIMALS.items():
        chain = [entry for entry in reversed(entries) if entry["currency"] == currency]
        assert [entry["seq"] for entry in chain] == [*range(1, len(chain) + 1)]
        assert chain[0]["prev_hash"] == "0" * 64
        for entry in chain:
            assert hashlib.sha256(canonical(alice.id, entry).encode()).hexdigest() == entry["hash"]
            assert [len(entry[name].partition(".")[2]) for name in ("amount", "balance_after")] == [
                decimals
            ] * 2
        for before, after in pairwise(chain):
            assert after["prev_hash"] == before["hash"]
            assert after["balance_before"] == before["balance_after"]


async def _filters_of_entries(client: Client, alice: Member, entries: list[Any]) -> None:
    for kind in ("deposit", "withdrawal", "transfer_out", "transfer_in", "transfer_return"):
        found = (await page(client, alice, "entries", f"kind={kind}"))["data"]
        assert found == [entry for entry in entries if entry["kind"] == kind] != []
    for code in ("EUR", "eth", "Jpy"):
        found = (await page(client, alice, "entries", f"currency={code}"))["data"]
        assert found == [entry for entry in entries if entry["currency"] == code.upper()]
    since, until = entries[6]["at"], entries[2]["at"]
    found = (await page(client, alice, "entries", f"since={since}&until={until}"))["data"]
    assert found == entries[3:7], "since is in, until is out"
    both = f"kind=deposit&currency=JPY&since={since}"
    assert (await page(client, alice, "entries", both))["data"] == []
    assert (await page(client, alice, "entries", f"until={since}&since={until}"))["data"] == []
    assert (await page(client, alice, "entries", "currency=GBP"))["data"] == []
    offset = quote(since.replace("Z", "+00:00"), safe="")
    assert (await page(client, alice, "entries", f"since={offset}"))["data"] == entries[:7]


async def _pages_of_entries(client: Client, alice: Member, entries: list[Any]) -> None:
    for limit in (1, 3, 10):
        assert await pages(client, alice, "entries", "", limit) == entries
    deposits = [entry for entry in entries if entry["kind"] == "deposit"]
    assert await pages(client, alice, "entries", "kind=deposit", 1) == deposits


async def _the_transfers(
    system: System, client: Client, alice: Member, carol: Member, ids: dict[str, str]
) -> None:
    listed = await pages(client, alice, "transfers", "", 100)

    assert [(one["direction"], one["status"], one.get("reason")) for one in listed] == [
        ("in", "completed", None),
        ("out", "completed", None),
        ("out", "completed", None),
        ("out", "rejected", "payee_closed"),
        ("out", "refunded", "payee_closed"),
        ("out", "cancelled", "cancelled_by_payer"),
    ]
    received, other, completed, _, refunded, cancelled = listed
    found = {
        one: two["id"]
        for one, two in zip(ids, (cancelled, refunded, completed, other, received), strict=True)
    }
    assert found == ids
    for sent in listed[1:]:
        assert set(sent) == SHAPE | {"direction"}
        read = (await client.get_transfer(alice, sent["id"])).body
        assert sent == {**read, "direction": "out"}
    assert received == {
        "id": ids["received"],
        "payer_id": carol.id,
        "payee_id": alice.id,
        "currency": "EUR",
        "amount": "6.00",
        "status": "completed",
        "created_at": received["created_at"],
        "direction": "in",
    }
    (entry,) = (await page(client, alice, "entries", "kind=transfer_in"))["data"]
    (verdict,) = await system.sql(alice.id, f"SELECT * FROM verdicts WHERE payee_id = '{alice.id}'")
    assert received["created_at"] == verdict["created_at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert received["created_at"] <= entry["at"]
    await _filters_of_transfers(client, alice, listed)


async def _filters_of_transfers(client: Client, alice: Member, listed: list[Any]) -> None:
    statuses = ("held", "debited", "completed", "cancelled", "refunded", "rejected")
    for direction in ("", "in", "out"):
        for status in ("", *statuses):
            given = {"direction": direction, "status": status}
            query = "&".join(f"{name}={value}" for name, value in given.items() if value)
            fitting = [
                one
                for one in listed
                if direction in ("", one["direction"]) and status in ("", one["status"])
            ]
            for limit in (1, 4):
                assert await pages(client, alice, "transfers", query, limit) == fitting, query


async def test_a_payee_sees_a_transfer_from_the_verdict_on(system: System, client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()
    id_ = (await client.transfer(alice, bob, "1.00", metadata={"secret": "x"})).body["id"]
    held = (await page(client, bob, "transfers"))["data"]
    await set_status(system, bob.id, "closed")
    await system.start_worker()
    await client.get_transfer(alice, id_, wait=10)

    (refunded,) = (await page(client, bob, "transfers", "direction=in"))["data"]

    assert held == []
    assert (refunded["id"], refunded["status"], refunded["amount"]) == (id_, "refunded", "1.00")
    assert set(refunded) == {
        *("id", "payer_id", "payee_id", "currency", "amount", "status", "created_at", "direction")
    }
    assert (await page(client, bob, "entries"))["data"] == []
    assert (await page(client, bob, "transfers", "status=completed"))["data"] == []


async def test_a_new_wallet_has_empty_lists(client: Client):
    alice = await client.member()

    for what in ("entries", "transfers"):
        assert await page(client, alice, what) == {"data": [], "next_cursor": None}


async def test_a_page_has_ten_items_unless_told_otherwise(client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()
    for _ in range(11):
        await client.deposit(alice, "1")
        await client.transfer(alice, bob, "0.01")

    for what, total in (("entries", 12), ("transfers", 11)):
        first = await page(client, alice, what)
        rest = await page(client, alice, what, f"cursor={first['next_cursor']}")
        assert (len(first["data"]), len(rest["data"])) == (10, total - 10)
        assert rest["next_cursor"] is None
        assert len((await page(client, alice, what, "limit=100"))["data"]) == total
        exact = await page(client, alice, what, f"limit={total}")
        assert (len(exact["data"]), exact["next_cursor"]) == (total, None)


async def test_links_alone_lead_through_all_pages_of_a_list(system: System):
    client, alice, _, _ = await with_history(system)
    since = quote("2026-01-01T05:30:00.5+05:30", safe="")

    for query in [
        "entries?limit=3",
        f"entries?limit=2&currency=eur&since={since}&until=9999-01-01T00:00:00Z",
        "entries?kind=deposit&limit=1",
        "transfers?limit=2&direction=out",
        "transfers?status=completed&limit=1",
    ]:
        path: str | None = f"{alice.wallet}/{query}"
        whole = await client.call("GET", re.sub("limit=[0-9]", "limit=100", path or ""), by=alice)
        asked = parse_qs(urlsplit(path or "").query)
        listed = []
        while path is not None:
            answer = await client.call("GET", path, by=alice)
            listed.append(answer.body["data"])
            path = next_page(answer)
            if path is not None:
                # The same list, filters and limit, and nothing but the cursor is new.
                cursor = answer.body["next_cursor"]
                assert urlsplit(path).path == f"{alice.wallet}/{query.partition('?')[0]}"
                assert parse_qs(urlsplit(path).query) == {**asked, "cursor": [cursor]}

        assert len(listed) > 1, query
        assert [one for items in listed for one in items] == whole.body["data"]


async def test_a_list_of_one_page_has_no_link(client: Client):
    alice = await client.member(EUR="1.00")

    for path in ["/v1/currencies", f"{alice.wallet}/entries", f"{alice.wallet}/transfers"]:
        answer = await client.call("GET", path, by=alice)
        assert (answer.status, answer.body["next_cursor"]) == (200, None)
        assert "Link" not in answer.headers


async def test_what_comes_while_paging_does_not_shift_the_pages(client: Client):
    alice = await client.member()
    for amount in ("1", "2", "3", "4"):
        await client.deposit(alice, amount)
    first = await page(client, alice, "entries", "limit=2")

    await client.deposit(alice, "5")
    rest = await page(client, alice, "entries", f"limit=2&cursor={first['next_cursor']}")

    shown = [entry["amount"] for entry in first["data"] + rest["data"]]
    assert shown == ["4.00", "3.00", "2.00", "1.00"]


async def test_a_cursor_is_good_only_for_its_list(client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member(EUR="10.00")
    for _ in range(2):
        await client.deposit(alice, "1")
        await client.transfer(alice, bob, "1")
    entries = (await page(client, alice, "entries", "limit=1"))["next_cursor"]
    transfers = (await page(client, alice, "transfers", "limit=1"))["next_cursor"]
    altered = entries[:-2] + ("AA" if entries[-2:] != "AA" else "BB")
    refusals = [
        (bob, "entries", entries, ""),
        (alice, "entries", entries, "&kind=deposit"),
        (alice, "entries", entries, "&currency=EUR"),
        (alice, "entries", entries, "&since=2026-01-01T00:00:00Z"),
        (alice, "transfers", entries, ""),
        (alice, "entries", transfers, ""),
        (alice, "transfers", transfers, "&direction=out"),
        *((alice, "entries", text, "") for text in ("", "x", "%00", "a" * 5000, altered, "=", "ü")),
        (alice, "entries", base64.urlsafe_b64encode(b"\xff" * 30).decode(), ""),
    ]

    for by, what, cursor, more in refusals:
        answer = await client.call("GET", f"{by.wallet}/{what}?cursor={cursor}{more}", by=by)
        assert fields(answer) == [("/cursor", "invalid_value")], (what, cursor, more)
    assert (await page(client, alice, "entries", f"limit=2&cursor={entries}"))["data"]


BOTH: list[tuple[str, list[tuple[str, str]]]] = [
    *[
        (f"limit={limit}", [("/limit", "invalid_value")])
        for limit in (
            "",
            "0",
            "101",
            "-1",
            "%2B5",
            "1.0",
            "1e1",
            "05",
            "ten",
            "٣",
            "%00",
            "9" * 5000,
        )
    ],
    ("limit=5&limit=5", [("/limit", "invalid_value")]),
    ("nothing=1", [("/nothing", "unknown_field")]),
    ("Limit=5", [("/Limit", "unknown_field")]),
    ("%00=%ff&a%2Fb=1", [("/\0", "unknown_field"), ("/a~1b", "unknown_field")]),
    ("offset=1&limit=0", [("/limit", "invalid_value"), ("/offset", "unknown_field")]),
]
WRONG_QUERIES: dict[str, list[tuple[str, list[tuple[str, str]]]]] = {
    "entries": [
        *BOTH,
        *[
            (f"currency={c}", [("/currency", "unknown_currency")])
            for c in ("", "XXX", "E", "%E2%82%AC")
        ],
        *[
            (f"kind={kind}", [("/kind", "invalid_value")])
            for kind in ("", "Deposit", "refund", "%00", "deposit,withdrawal", "%ff")
        ],
        *[
            (f"{name}={time}", [(f"/{name}", "invalid_value")])
            for name in ("since", "until")
            for time in (
                *("", "now", "0", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z"),
                *("2026-01-01T00:00:00+00:00", "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z"),
                *("0000-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2026-01-01T00:00:00Z%00"),
            )
        ],
        ("direction=in", [("/direction", "unknown_field")]),
        (
            "currency=E&kind=x&since=y&until=z&limit=0&cursor=c&q=1",
            [
                ("/currency", "unknown_currency"),
                ("/cursor", "invalid_value"),
                ("/kind", "invalid_value"),
                ("/limit", "invalid_value"),
                ("/q", "unknown_field"),
                ("/since", "invalid_value"),
                ("/until", "invalid_value"),
            ],
        ),
    ],
    "transfers": [
        *BOTH,
        *[(f"direction={d}", [("/direction", "invalid_value")]) for d in ("", "IN", "both", "%00")],
        *[(f"status={s}", [("/status", "invalid_value")]) for s in ("", "Held", "open", "%ff")],
        ("currency=EUR", [("/currency", "unknown_field")]),
        ("status=x&direction=y", [("/direction", "invalid_value"), ("/status", "invalid_value")]),
    ],
}


async def test_each_wrong_parameter_is_named(client: Client):
    alice = await client.member(EUR="1.00")

    for what, cases in WRONG_QUERIES.items():
        for query, wrong in cases:
            answer = await client.call("GET", f"{alice.wallet}/{what}?{query}", by=alice)
            assert sorted(fields(answer)) == wrong, (what, query)


async def test_times_are_taken_in_every_spelling_of_rfc_3339(client: Client):
    alice = await client.member(EUR="1.00")
    (entry,) = (await page(client, alice, "entries"))["data"]

    for since in [
        "2020-01-01T00:00:00Z",
        "2020-01-01t00:00:00.5z",
        "2020-01-01T00:00:00.123456789Z",
        "2020-01-01T05:30:00%2B05:30",
        "2020-01-01T00:00:00-00:00",
        "0001-01-01T00:00:00Z",
        entry["at"],
    ]:
        assert (await page(client, alice, "entries", f"since={since}"))["data"] == [entry], since
    just_after = entry["at"].replace("Z", "001Z")
    assert (await page(client, alice, "entries", f"since={just_after}"))["data"] == []
    assert (await page(client, alice, "entries", f"until={just_after}"))["data"] == [entry]
    assert refused(await client.call("GET", f"{alice.wallet}/entries")) == (401, "unauthenticated")
