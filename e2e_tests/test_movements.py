"""POST deposits and withdrawals, and the fields that every body with an amount has."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from e2e_tests.answers import RECORD, fields, refused, unchanged
from e2e_tests.client import Answer, Client, Member, new_key
from e2e_tests.operators import set_enabled, set_status
from e2e_tests.system import System

POSTS = ("deposits", "withdrawals", "transfers")
LARGEST = "9" * 25 + ".99"
ADDRESSEE = "bob@example.com"


async def post(client: Client, by: Member, what: str, **body: object) -> Answer:
    """A deposit, withdrawal or transfer of 1 EUR, unless told otherwise; `...` leaves out."""
    good = {"currency": "EUR", "amount": "1", **({"to": ADDRESSEE} if what == "transfers" else {})}
    sent = {name: value for name, value in {**good, **body}.items() if value is not ...}
    return await client.call("POST", f"{by.wallet}/{what}", sent, by=by, key=new_key())


async def test_a_deposit_answers_with_its_movement(client: Client):
    alice = await client.member(EUR="10.00")

    answer = await client.deposit(alice, "2.5", "eur")

    assert answer.status == 201
    movement = dict(answer.body)
    assert UUID(movement.pop("id")).version == 8
    assert datetime.fromisoformat(movement.pop("created_at")).utcoffset() is not None
    assert len(bytes.fromhex(movement.pop("hash"))) == 32
    assert movement == {
        "currency": "EUR",
        "amount": "2.50",
        "balance_before": "10.00",
        "balance_after": "12.50",
    }


async def test_a_withdrawal_answers_with_its_movement(client: Client):
    alice = await client.member(EUR="10.00")

    answer = await client.withdraw(alice, "10")

    assert answer.status == 201
    assert set(answer.body) == {*("id", "hash", "created_at", "currency", "amount")} | {
        *("balance_before", "balance_after")
    }
    shown = [answer.body[name] for name in ("amount", "balance_before", "balance_after")]
    assert shown == ["10.00", "10.00", "0.00"]
    assert await client.balance(alice) == ("0.00", "0.00")


async def test_a_movement_is_the_entry_with_its_hash(client: Client):
    alice = await client.member()
    made = [(await client.deposit(alice, "3")).body, (await client.withdraw(alice, "1")).body]

    entries = (await client.call("GET", f"{alice.wallet}/entries", by=alice)).body["data"]

    assert [(e["hash"], e["at"], e["balance_after"]) for e in reversed(entries)] == [
        (m["hash"], m["created_at"], m["balance_after"]) for m in made
    ]
    assert [entry["amount"] for entry in entries] == ["-1.00", "3.00"]


SHOWN_AMOUNTS = [
    ("EUR", "1", "1.00"),
    ("eUr", "0.5", "0.50"),
    ("JPY", "2", "2"),
    ("kwd", "1.5", "1.500"),
    ("BTC", "0.00000001", "0.00000001"),
    ("ETH", "0.000000000000000001", "0.000000000000000001"),
    ("USDC", "1.100000", "1.100000"),
]


async def test_amounts_come_out_with_the_digits_of_their_currency(client: Client):
    await client.member(email=ADDRESSEE)
    alice = await client.member(EUR="9", JPY="9", KWD="9", BTC="9", ETH="9", USDC="9")

    for what in POSTS:
        for currency, sent, shown in SHOWN_AMOUNTS:
            answer = await post(client, alice, what, currency=currency, amount=sent)
            assert answer.status in (201, 202), answer
            assert (answer.body["currency"], answer.body["amount"]) == (currency.upper(), shown)


REFUSED_AMOUNTS: dict[str, list[object]] = {
    "missing": [...],
    "amount_not_string": [None, True, 1, 12.5, -1, 10**30, [], ["1"], {}, {"EUR": "1"}],
    "amount_malformed": [
        *("", " ", "1 ", " 1", "+1", "-1", "-0", "01", "00", "1.", ".5", ".", "1,5", "1 000"),
        *("1e2", "1E2", "1_000", "0x10", "NaN", "Infinity", "1\n", "1\0", "1.1.1", "--1", "1/2"),
        *("１２", "٣", "½", "²", "1.5€", "one", "1." + "1" * 19, "0." + "0" * 19),
    ],
    "amount_not_positive": ["0", "0.0", "0.00"],
    "too_precise": ["1.001", "1.000", "0.001", "1." + "0" * 18],
    "amount_too_large": ["1" + "0" * 25, "9" * 27, "9" * 28 + ".99", "9" * 5000],
}


async def test_an_amount_that_is_none_is_told_why(system: System, client: Client):
    alice = await client.member(EUR="9.00")
    cases = [(code, amount) for code, amounts in REFUSED_AMOUNTS.items() for amount in amounts]

    async with unchanged(system):
        for what in POSTS:
            for code, amount in cases:
                answer = await post(client, alice, what, amount=amount)
                assert fields(answer) == [("/amount", code)], (what, amount)


async def test_precision_is_that_of_the_currency(system: System, client: Client):
    alice = await client.member()
    cases = [("JPY", "1.0"), ("JPY", "1.5"), ("KWD", "1.0000"), ("BTC", "0.000000001")]

    async with unchanged(system):
        for what in POSTS:
            for currency, amount in cases:
                answer = await post(client, alice, what, currency=currency, amount=amount)
                assert fields(answer) == [("/amount", "too_precise")], amount


async def test_the_largest_amount_goes_in_and_out(client: Client):
    alice = await client.member()

    deposit = await client.deposit(alice, LARGEST)
    withdrawal = await client.withdraw(alice, LARGEST)

    assert (deposit.status, deposit.body["balance_after"]) == (201, LARGEST)
    assert (withdrawal.status, withdrawal.body["balance_after"]) == (201, "0.00")


@dataclass(frozen=True, slots=True)
class Case:
    """What to change in a good body, and the fields that are refused then."""

    change: dict[str, object]
    wrong: list[tuple[str, str]] = field(default_factory=list)


def one(name: str, code: str, *values: object) -> list[Case]:
    """A case for each of these values of one field."""
    return [Case({name: value}, [(f"/{name}", code)]) for value in values]


REFUSED_FIELDS = [
    *one("currency", "missing", ...),
    *one("currency", "wrong_type", None, 5, 1.5, True, [], {}),
    *one("currency", "unknown_currency", "", "XXX", "EU", " EUR", "EUR ", "€", "E" * 11, "ＥＵＲ"),
    *one("currency", "unknown_currency", "x" * 10_000, "'; --", "../x"),
    *one("currency", "invalid_value", "\0", "EUR\0"),
    *one("metadata", "wrong_type", [], "text", 5, 1.5, True, [["a", "b"]]),
    *one("metadata", "invalid_value", {f"k{n}": "" for n in range(51)}),
    *one("rounding_mode", "unknown_field", "up", None, 5),
    *one("id", "unknown_field", "x"),
    *one("status", "unknown_field", "completed"),
    *one("user_id", "unknown_field", "x"),
    *one("balance_after", "unknown_field", "100.00"),
    Case({"metadata": {"k": 5}}, [("/metadata/k", "wrong_type")]),
    Case({"metadata": {"k": None}}, [("/metadata/k", "wrong_type")]),
    Case({"metadata": {"k": {"a": "b"}}}, [("/metadata/k", "wrong_type")]),
    Case({"metadata": {"k": "v" * 501}}, [("/metadata/k", "invalid_value")]),
    Case({"metadata": {"k": "\0"}}, [("/metadata/k", "invalid_value")]),
    Case({"metadata": {"k" * 41: "v"}}, [(f"/metadata/{'k' * 41}", "invalid_value")]),
    Case({"metadata": {"k\0": "v"}}, [("/metadata/k\0", "invalid_value")]),
    Case({"metadata": {"a/b~c": 1}}, [("/metadata/a~1b~0c", "wrong_type")]),
    Case({"x/y": 1}, [("/x~1y", "unknown_field")]),
    Case(
        {"currency": "XXX", "amount": 5, "metadata": {"a": 1, "b": "v" * 501}, "x": 1},
        [
            ("/currency", "unknown_currency"),
            ("/amount", "amount_not_string"),
            ("/metadata/a", "wrong_type"),
            ("/metadata/b", "invalid_value"),
            ("/x", "unknown_field"),
        ],
    ),
    Case(
        {"currency": "XXX", "amount": "1."},
        [("/currency", "unknown_currency"), ("/amount", "amount_malformed")],
    ),
    Case({"currency": ..., "amount": ...}, [("/currency", "missing"), ("/amount", "missing")]),
]


async def test_each_wrong_field_is_named(system: System, client: Client):
    alice = await client.member(EUR="9.00")

    async with unchanged(system):
        for what in POSTS:
            for case in REFUSED_FIELDS:
                answer = await post(client, alice, what, **case.change)
                assert sorted(fields(answer)) == sorted(case.wrong), (what, case)


GOOD_METADATA: list[dict[str, str] | None] = [
    None,
    {},
    {f"{n:040}": "v" * 500 for n in range(50)},
    {"😀" * 40: "😀" * 500, "[key]": "", "a.b/c~d": "\x01\r\n'\"\\"},
]


async def test_metadata_up_to_its_bounds_is_taken(client: Client):
    await client.member(email=ADDRESSEE)
    alice = await client.member(EUR="9.00")

    for what in POSTS:
        for metadata in GOOD_METADATA:
            answer = await post(client, alice, what, metadata=metadata)
            assert answer.status in (201, 202), answer


async def test_more_than_there_is_cannot_be_withdrawn(system: System, client: Client):
    alice = await client.member(EUR="10.00", USD="100.00")

    async with unchanged(system, but=RECORD):
        for amount, currency in [
            ("10.01", "EUR"),
            (LARGEST, "EUR"),
            ("100.01", "USD"),
            ("1", "JPY"),
        ]:
            answer = await client.withdraw(alice, amount, currency)
            assert refused(answer) == (422, "insufficient_funds")
            assert "errors" not in answer.body


async def test_held_money_cannot_be_withdrawn(system: System, client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()
    await client.transfer(alice, bob, "6.00")

    async with unchanged(system, but=RECORD):
        assert refused(await client.withdraw(alice, "4.01")) == (422, "insufficient_funds")
    assert (await client.withdraw(alice, "4.00")).status == 201

    assert await client.balance(alice) == ("6.00", "6.00")


async def test_a_frozen_wallet_takes_in_and_gives_nothing_out(system: System, client: Client):
    alice = await client.member(EUR="10.00")
    await set_status(system, alice.id, "frozen")

    async with unchanged(system, but=RECORD):
        withdrawal = await client.withdraw(alice, "1.00")
    deposit = await client.deposit(alice, "1.00")

    assert refused(withdrawal) == (422, "payer_frozen")
    assert (deposit.status, deposit.body["balance_after"]) == (201, "11.00")


async def test_a_closed_wallet_takes_nothing_in_and_gives_nothing_out(
    system: System, client: Client
):
    alice = await client.member()
    await set_status(system, alice.id, "closed")

    async with unchanged(system, but=RECORD):
        withdrawal = await client.withdraw(alice, "1.00")
    async with unchanged(system):
        deposit = await client.deposit(alice, "1.00")

    assert refused(withdrawal) == (422, "payer_closed")
    assert refused(deposit) == (422, "wallet_closed")


async def test_a_balance_stays_below_its_limit(system: System, client: Client):
    alice = await client.member(EUR="10.00")
    lift = 10**37 - 1_000 - 200
    change = "UPDATE accounts SET balance = balance + $1"
    await system.sql(alice.id, change, lift)

    async with unchanged(system):
        over = await client.deposit(alice, "2.00")

    await system.sql(alice.id, change, -lift)
    assert refused(over) == (422, "balance_limit")


async def test_a_disabled_currency_moves_no_more(system: System, client: Client):
    await client.member(email=ADDRESSEE)
    alice = await client.member(EUR="10.00")
    await set_enabled(system, "EUR", enabled=False)
    other = await system.start_gateway()

    async with unchanged(system):
        for what in POSTS:
            answer = await post(other, alice, what)
            assert fields(answer) == [("/currency", "currency_disabled")], what
