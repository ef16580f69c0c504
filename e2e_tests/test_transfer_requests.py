"""POST transfers: what is accepted, what is refused, and what a refusal leaves behind."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from e2e_tests.answers import RECORD, SHAPE, at, at_once, fields, refused, unchanged
from e2e_tests.client import Answer, Client, Member, new_key
from e2e_tests.operators import set_status
from e2e_tests.system import BUCKETS, System
from shards.ids import RandomIds, bucket_of


def lifetime(transfer: dict[str, str]) -> timedelta:
    """How long a transfer may stay held."""
    return at(transfer["expires_at"]) - at(transfer["created_at"])


async def test_a_transfer_is_accepted_as_held(client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()

    answer = await client.transfer(alice, bob, "2.5", currency="eur", metadata={"b": "1", "a": "ü"})

    assert answer.status == 202
    assert set(answer.body) == SHAPE
    transfer = dict(answer.body)
    assert answer.headers["Location"] == f"/v1/transfers/{transfer['id']}"
    assert bucket_of(UUID(transfer.pop("id"))) == bucket_of(UUID(alice.id))
    created = transfer.pop("created_at")
    assert transfer.pop("timeline") == [{"status": "held", "at": created}]
    assert transfer.pop("updated_at") == created
    assert at(transfer.pop("expires_at")) - at(created) == timedelta(days=1)
    assert transfer == {
        "payer_id": alice.id,
        "payee_id": bob.id,
        "currency": "EUR",
        "amount": "2.50",
        "status": "held",
        "reason": None,
        "metadata": {"b": "1", "a": "ü"},
        "hold_id": None,
        "refund_of": None,
        "amount_refunded": "0.00",
        "refunds": [],
    }


async def test_without_a_worker_a_transfer_stays_held_and_holds_the_money(client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()
    made = await client.transfer(alice, bob, "2.50", metadata={"longer": "1", "k": "2"})

    read = await client.get_transfer(alice, made.body["id"])

    assert (read.status, read.body) == (200, made.body)
    assert await client.balance(alice) == ("10.00", "2.50")
    assert await client.balance(bob) == ("0.00", "0.00")


async def test_a_payee_is_named_by_id_or_email_in_any_spelling(client: Client):
    alice = await client.member(EUR="10.00")
    bob = await client.member(email="jösé@example.com")

    for to in [
        bob.id,
        bob.id.upper(),
        bob.email,
        "JÖSÉ@Example.com",
        "jo\u0308se\u0301@example.com",
    ]:
        answer = await client.transfer(alice, to, "1")
        assert (answer.status, answer.body["payee_id"]) == (202, bob.id), to


async def test_the_expiry_is_what_was_asked_for(client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()

    for asked, seconds in [(None, 86_400), (1, 1), (60, 60), (604_800, 604_800)]:
        answer = await client.transfer(alice, bob, "1", expires_in_s=asked)
        assert (answer.status, lifetime(answer.body)) == (202, timedelta(seconds=seconds))


async def test_the_default_expiry_is_a_setting(system: System):
    system.change(transfers={"expires_in_s": 90})
    client = await system.start_gateway()
    alice, bob = await client.member(EUR="10.00"), await client.member()

    answer = await client.transfer(alice, bob, "1")

    assert lifetime(answer.body) == timedelta(seconds=90)


async def test_a_transfer_without_metadata_shows_an_empty_object(client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()

    nothing: list[dict[str, Any]] = [{}, {"metadata": None}, {"metadata": {}}]

    for more in nothing:
        answer = await client.transfer(alice, bob, "1", **more)
        read = await client.get_transfer(alice, answer.body["id"])
        assert (answer.body["metadata"], read.body["metadata"]) == ({}, {})


NO_STRINGS: list[object] = [None, 5, 1.5, True, [], {}]
NO_INTEGERS: list[object] = ["60", 1.0, 60.5, True, [], {}]
WRONG_FIELDS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"to": ...}, [("/to", "missing")]),
    *[({"to": to}, [("/to", "wrong_type")]) for to in NO_STRINGS],
    *[
        ({"to": to}, [("/to", "invalid_value")])
        for to in (
            *("", " ", "bob", "@", "bob@", "@b", "a@b@c", "a b@c", "\0", "a\0@b", "x" * 10_000),
            "l" * 250 + "@b.io",
            "{01a1f8ae-5f87-8004-a897-607e3565c6e7}",
            "urn:uuid:01a1f8ae-5f87-8004-a897-607e3565c6e7",
            "01a1f8ae5f878004a897607e3565c6e7",
            " 01a1f8ae-5f87-8004-a897-607e3565c6e7",
        )
    ],
    *[({"expires_in_s": value}, [("/expires_in_s", "wrong_type")]) for value in NO_INTEGERS],
    *[
        ({"expires_in_s": value}, [("/expires_in_s", "invalid_value")])
        for value in (0, -1, 604_801, 2**63, -(10**300))
    ],
    *[
        ({name: "x"}, [(f"/{name}", "unknown_field")])
        for name in ("payer_id", "payee_id", "from", "reason", "expires_at", "idempotency_key")
    ],
    (
        {
            "to": 5,
            "expires_in_s": 0,
            "amount": 1,
            "currency": "XXX",
            "metadata": {"a": 1},
            "fee": 1,
        },
        [
            ("/amount", "amount_not_string"),
            ("/currency", "unknown_currency"),
            ("/expires_in_s", "invalid_value"),
            ("/fee", "unknown_field"),
            ("/metadata/a", "wrong_type"),
            ("/to", "wrong_type"),
        ],
    ),
]


async def test_each_wrong_field_is_named(system: System, client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()
    good = {"to": bob.id, "currency": "EUR", "amount": "1.00"}

    async with unchanged(system):
        for change, wrong in WRONG_FIELDS:
            body = {name: value for name, value in {**good, **change}.items() if value is not ...}
            answer = await client.call(
                "POST", f"{alice.wallet}/transfers", body, by=alice, key=new_key()
            )
            assert sorted(fields(answer)) == wrong, change


def nobodies(alice: Member) -> Iterator[str]:
    """Well-formed names of payees that do not exist."""
    yield "nobody@example.com"
    yield from (str(RandomIds().new_id(bucket)) for bucket in (*range(BUCKETS), BUCKETS, 4095))
    yield str(uuid4())
    yield alice.id[:-1] + ("0" if alice.id[-1] != "0" else "1")


async def test_a_payee_that_does_not_exist_is_refused_and_recorded(system: System, client: Client):
    alice = await client.member(EUR="10.00")

    async with unchanged(system, but=RECORD):
        for to in nobodies(alice):
            answer = await client.transfer(alice, to, "1")
            assert refused(answer) == (422, "unknown_payee"), to
            assert "Location" not in answer.headers


async def test_a_transfer_to_oneself_is_refused(system: System, client: Client):
    alice = await client.member(EUR="10.00", email="älice@example.com")

    async with unchanged(system):
        for to in [alice.id, alice.id.upper(), alice.email, "ÄLICE@example.com"]:
            assert fields(await client.transfer(alice, to, "1")) == [("/to", "self_transfer")], to


REFUSALS = [
    ("payee_closed", "closed", "1.00", "EUR"),
    ("payer_frozen", "frozen", "1.00", "EUR"),
    ("payer_closed", "closed", "1.00", "EUR"),
    ("insufficient_funds", "open", "10.01", "EUR"),
    ("insufficient_funds", "open", "0.01", "USD"),
]


async def test_a_refusal_is_recorded_and_moves_nothing(system: System, client: Client):
    for code, status, amount, currency in REFUSALS:
        # A wallet is closed when it is empty.
        funds = {} if code == "payer_closed" else {"EUR": "10.00"}
        alice, bob = await client.member(**funds), await client.member()
        await set_status(system, bob.id if code.startswith("payee") else alice.id, status)

        async with unchanged(system, but=RECORD):
            by_id = await client.transfer(alice, bob, amount, currency=currency, wait=5)
            by_email = await client.transfer(alice, bob.email, amount, currency=currency)

        assert refused(by_id) == refused(by_email) == (422, code)
        listed = (await client.call("GET", f"{alice.wallet}/transfers", by=alice)).body["data"]
        recorded = [(one["status"], one["reason"], one["payee_id"]) for one in listed]
        assert recorded == [("rejected", code, bob.id)] * 2


async def test_a_rejected_transfer_can_be_read_and_not_cancelled(system: System, client: Client):
    alice = await client.member(EUR="10.00")
    await client.transfer(alice, "nobody@example.com", "1", metadata={"a": "b"})
    (listed,) = (await client.call("GET", f"{alice.wallet}/transfers", by=alice)).body["data"]

    read = await client.get_transfer(alice, listed["id"], wait=5)

    assert read.body == {name: value for name, value in listed.items() if name != "direction"}
    assert set(read.body) == SHAPE
    assert (read.body["payee_id"], read.body["reason"]) == (None, "unknown_payee")
    assert read.body["metadata"] == {"a": "b"}
    assert [step["status"] for step in read.body["timeline"]] == ["rejected"]
    async with unchanged(system):
        assert refused(await client.cancel(alice, listed["id"])) == (409, "already_final")


async def test_a_frozen_payee_receives(system: System, running: Client):
    alice, bob = await running.member(EUR="10.00"), await running.member()
    await set_status(system, bob.id, "frozen")

    answer = await running.transfer(alice, bob, "10.00", wait=10)

    assert (answer.status, answer.body["status"]) == (201, "completed")
    assert await running.balance(bob) == ("10.00", "0.00")


async def test_held_money_cannot_be_sent_again(client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()

    answers: list[Answer] = await at_once(*(client.transfer(alice, bob, "3") for _ in range(10)))

    assert sorted(answer.status for answer in answers) == [202] * 3 + [422] * 7
    assert {a.code for a in answers if a.status == 422} == {"insufficient_funds"}
    assert await client.balance(alice) == ("10.00", "9.00")
