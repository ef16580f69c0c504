"""`rounding`: digits that the currency does not have are rounded where the body says so."""

from collections.abc import Mapping

from e2e_tests.answers import fields, unchanged
from e2e_tests.client import Answer, Client, Member, new_key
from e2e_tests.system import System

POSTS = ("deposits", "withdrawals", "transfers")
HALF_EVEN = {"rounding": "half_even"}


async def post(
    client: Client,
    by: Member,
    what: str,
    to: Member,
    *,
    body: Mapping[str, object],
    key: str | None = None,
) -> Answer:
    """A deposit, withdrawal or transfer in euros, unless the body says otherwise."""
    addressee = {"to": to.id} if what == "transfers" else {}
    sent = {"currency": "EUR", **addressee, **body}
    return await client.call("POST", f"{by.wallet}/{what}", sent, by=by, key=key or new_key())


async def test_an_answer_shows_the_amount_that_was_used(system: System, client: Client):
    alice, bob = await client.member(EUR="100.00", JPY="100", ETH="1"), await client.member()

    for what in POSTS:
        for currency, sent, used in [
            ("EUR", "1.005", "1.00"),
            ("EUR", "1.0150", "1.02"),
            ("eur", "1.00500000000000001", "1.01"),
            ("EUR", "0.995", "1.00"),
            ("EUR", "2.5", "2.50"),
            ("JPY", "2.5", "2"),
            ("JPY", "3.5", "4"),
            ("ETH", "0.000000000000000001", "0.000000000000000001"),
        ]:
            body = {"currency": currency, "amount": sent, **HALF_EVEN}
            answer = await post(client, alice, what, bob, body=body)
            assert answer.status in (201, 202), answer
            assert answer.body["amount"] == used, (what, sent)

    held = "SELECT held FROM accounts WHERE user_id = $1 AND currency = 'JPY'"
    assert (await system.sql(alice.id, held, alice.id))[0]["held"] == 6


# Amount, rounding (`...`: left out), and what is refused.
REFUSED: list[tuple[str, object, tuple[str, str]]] = [
    ("1.005", ..., ("/amount", "too_precise")),
    ("1.005", None, ("/amount", "too_precise")),
    ("0.005", "half_even", ("/amount", "amount_not_positive")),
    ("0.0000", "half_even", ("/amount", "amount_not_positive")),
    ("9" * 25 + ".995", "half_even", ("/amount", "amount_too_large")),
    ("1." + "0" * 19, "half_even", ("/amount", "amount_malformed")),
    *(
        ("1.005", value, ("/rounding", "invalid_value"))
        for value in ("", "half_up", "HALF_EVEN", "half_even ", "half_even\0")
    ),
    ("1.005", True, ("/rounding", "wrong_type")),
    ("1.005", 5, ("/rounding", "wrong_type")),
    ("1.005", 1.5, ("/rounding", "wrong_type")),
    ("1.005", ["half_even"], ("/rounding", "wrong_type")),
    ("1.005", {}, ("/rounding", "wrong_type")),
]


async def test_what_is_refused_is_told_why(system: System, client: Client):
    alice, bob = await client.member(EUR="9.00"), await client.member()

    async with unchanged(system):
        for what in POSTS:
            for amount, rounding, wrong in REFUSED:
                said = {} if rounding is ... else {"rounding": rounding}
                answer = await post(client, alice, what, bob, body={"amount": amount, **said})
                assert fields(answer) == [wrong], (what, amount, rounding)


async def test_the_largest_amount_is_judged_after_rounding(client: Client):
    alice = await client.member()

    body = {"amount": "9" * 25 + ".994", **HALF_EVEN}
    answer = await post(client, alice, "deposits", alice, body=body)

    assert (answer.status, answer.body["amount"]) == (201, "9" * 25 + ".99")


async def test_rounding_is_a_part_of_the_request(system: System, client: Client):
    alice, bob = await client.member(EUR="9.00"), await client.member()

    sent = {"amount": "1.50", **HALF_EVEN}
    others = [{"amount": "1.50"}, {**sent, "amount": "1.501"}]

    for what in POSTS:
        key = new_key()
        first = await post(client, alice, what, bob, body=sent, key=key)
        async with unchanged(system):
            again = await post(client, alice, what, bob, body=sent, key=key)
            reused = [await post(client, alice, what, bob, body=other, key=key) for other in others]
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.body == first.body
        assert {answer.code for answer in reused} == {"idempotency_key_reused"}


async def test_each_item_of_a_batch_is_rounded_as_it_says(client: Client):
    alice, bob = await client.member(EUR="9.00"), await client.member()
    good = {"to": bob.id, "currency": "EUR", "amount": "1.005"}
    items = [
        {"key": "a", **good, **HALF_EVEN},
        {"key": "b", **good},
        {"key": "c", **good, "rounding": "up"},
    ]

    answer = await client.call(
        "POST", f"{alice.wallet}/transfers/batch", {"transfers": items}, by=alice
    )
    single = await post(client, alice, "transfers", bob, body={**good, **HALF_EVEN}, key="a")

    rounded, precise, wrong = answer.body["results"]
    assert rounded["transfer"]["amount"] == "1.00"
    assert precise["problem"]["errors"][0]["pointer"] == "/transfers/1/amount"
    assert precise["problem"]["code"] == "too_precise"
    assert [error["pointer"] for error in wrong["problem"]["errors"]] == ["/transfers/2/rounding"]
    assert (single.headers["Idempotency-Replayed"], single.body) == ("true", rounded["transfer"])
