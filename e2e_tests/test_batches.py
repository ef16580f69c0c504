"""POST transfers/batch: many transfers of one payer, each its own, in one request."""

import asyncio
import json
from io import BytesIO
from typing import Any

from e2e_tests.answers import NO_OBJECTS, SHAPE, at_once, fields, refused, unchanged
from e2e_tests.client import Answer, Client, Member
from e2e_tests.operators import set_enabled
from e2e_tests.system import System
from gateway.batch_request import BATCH_BYTES_MAX
from gateway.schemas import BATCH_ITEMS_MAX


def item(key: object, to: Member | str, amount: str = "1.00", **more: object) -> dict[str, Any]:
    """One item; `more` goes over what it has by default."""
    name = to if isinstance(to, str) else to.id
    return {"key": key, "to": name, "currency": "EUR", "amount": amount, **more}


async def batch(client: Client, payer: Member, *items: object, **more: object) -> Answer:
    """A batch of these items."""
    body = {"transfers": list(items), **more}
    return await client.call("POST", f"{payer.wallet}/transfers/batch", body, by=payer)


def results(answer: Answer) -> list[dict[str, Any]]:
    """The results of a batch, each of the form that results have."""
    assert answer.status == 207, answer
    assert answer.headers["Content-Type"].startswith("application/json")
    assert set(answer.body) == {"results"}
    for result in answer.body["results"]:
        if result["status"] == 202:
            assert set(result) == {"key", "status", "transfer"}
            assert set(result["transfer"]) == SHAPE
        else:
            assert set(result) == {"key", "status", "problem"}
            headers = {**answer.headers, "Content-Type": "application/problem+json"}
            status, _ = refused(Answer(result["status"], result["problem"], headers))
            assert status == result["status"]
    return list(answer.body["results"])


def codes(answer: Answer) -> list[tuple[int, str | None]]:
    """Status of each item, and the code of its problem or the status of its transfer."""
    return [
        (r["status"], r["problem"]["code"] if "problem" in r else r["transfer"]["status"])
        for r in results(answer)
    ]


def wrong(answer: Answer, index: int) -> list[tuple[str, str]]:
    """Pointer and code of each wrong field of an item."""
    problem = results(answer)[index]["problem"]
    return [(error["pointer"], error["code"]) for error in problem["errors"]]


def ids(answer: Answer) -> list[str]:
    """The transfers of a batch whose items were all accepted."""
    return [result["transfer"]["id"] for result in results(answer)]


async def people(client: Client, **funds: str) -> tuple[Member, Member]:
    """Alice with funds, and bob@example.com."""
    return await client.member(**funds), await client.member(email="bob@example.com")


# --- what becomes of items


async def test_each_item_is_answered_in_order_as_the_single_post_would(
    system: System, client: Client
):
    alice, bob = await people(client, EUR="10.00")
    stranger = alice.id[:-1] + ("0" if alice.id[-1] != "0" else "1")

    answer = await batch(
        client,
        alice,
        item("good", bob, "2.50", currency="eur", metadata={"a": "ü"}, expires_in_s=60),
        item("poor", bob, "100.00"),
        item("unknown", stranger),
        item("nobody", "nobody@example.com"),
        item("self", alice),
        item("by-email", "BOB@example.com", "1"),
        item("wrong", bob, "1.001"),
    )

    assert codes(answer) == [
        (202, "held"),
        (422, "insufficient_funds"),
        (422, "unknown_payee"),
        (422, "unknown_payee"),
        (422, "self_transfer"),
        (202, "held"),
        (422, "too_precise"),
    ]
    assert [result["key"] for result in results(answer)] == [
        *("good", "poor", "unknown", "nobody", "self", "by-email", "wrong")
    ]
    assert wrong(answer, 4) == [("/transfers/4/to", "self_transfer")]
    assert wrong(answer, 6) == [("/transfers/6/amount", "too_precise")]
    made = results(answer)[0]["transfer"]
    read = await client.get_transfer(alice, made["id"])
    assert (read.status, read.body) == (200, made)
    assert (made["amount"], made["metadata"], made["payee_id"]) == ("2.50", {"a": "ü"}, bob.id)
    assert await client.balance(alice) == ("10.00", "3.50")


async def test_money_is_reserved_item_by_item_until_there_is_none(client: Client):
    alice, bob = await people(client, EUR="10.00")

    answer = await batch(
        client, alice, *(item(f"k{n}", bob, amount) for n, amount in enumerate(["6", "5", "4"]))
    )

    assert codes(answer) == [(202, "held"), (422, "insufficient_funds"), (202, "held")]
    assert await client.balance(alice) == ("10.00", "10.00")


async def test_every_item_completes(system: System, running: Client):
    alice, bob = await people(running, EUR="100.00")
    carol = await running.member()

    answer = await batch(
        running, alice, *(item(f"k{n}", (bob, carol)[n % 2], "1.00") for n in range(50))
    )
    assert set(codes(answer)) == {(202, "held")}
    await system.drained()

    assert await running.balance(alice) == ("50.00", "0.00")
    assert [await running.balance(of) for of in (bob, carol)] == [("25.00", "0.00")] * 2
    read = [await running.get_transfer(alice, id_) for id_ in ids(answer)]
    assert {transfer.body["status"] for transfer in read} == {"completed"}


async def test_a_thousand_items_are_one_batch(system: System, client: Client):
    alice, bob = await people(client, EUR=f"{BATCH_ITEMS_MAX}.00")

    answer = await batch(
        client, alice, *(item(f"k{n}", bob, "1.00") for n in range(BATCH_ITEMS_MAX))
    )

    assert codes(answer) == [(202, "held")] * BATCH_ITEMS_MAX
    assert len(set(ids(answer))) == BATCH_ITEMS_MAX
    assert [r["key"] for r in results(answer)] == [f"k{n}" for n in range(BATCH_ITEMS_MAX)]
    assert await client.balance(alice) == (f"{BATCH_ITEMS_MAX}.00", f"{BATCH_ITEMS_MAX}.00")


# --- the same key


async def test_a_batch_sent_again_is_answered_again_and_moves_nothing(
    system: System, client: Client
):
    alice, bob = await people(client, EUR="10.00")
    items = [item("good", bob), item("poor", bob, "100.00"), item("self", alice)]
    first = await batch(client, alice, *items[:2])
    mixed = await batch(client, alice, *items)

    async with unchanged(system):
        again = await batch(client, alice, *items[:2])

    assert ids_and_codes(again) == ids_and_codes(first) == ids_and_codes(mixed)[:2]
    assert first.headers.get("Idempotency-Replayed") is None
    assert again.headers["Idempotency-Replayed"] == "true"
    assert mixed.headers.get("Idempotency-Replayed") is None


async def test_a_batch_sent_again_shows_what_has_come_back_since(system: System, running: Client):
    alice, bob = await people(running, EUR="10.00")
    items = [item("a", bob, "5.00"), item("b", bob, "1.00"), item("poor", bob, "100.00")]
    first, second = ids(await batch(running, alice, *items[:2]))
    await system.drained()
    refund = await running.refund(bob, first, "1.50", wait=10)

    again = await batch(running, alice, *items)

    shown = [result["transfer"] for result in results(again)[:2]]
    assert shown == [(await running.get_transfer(alice, id_)).body for id_ in (first, second)]
    assert (shown[0]["amount_refunded"], shown[0]["refunds"]) == ("1.50", [refund.body["id"]])
    assert codes(again)[2] == (422, "insufficient_funds")


def ids_and_codes(answer: Answer) -> list[str]:
    """The id of each transfer, or the code of each problem."""
    return [
        r["transfer"]["id"] if "transfer" in r else r["problem"]["code"] for r in results(answer)
    ]


async def test_a_single_post_and_an_item_with_its_key_are_one_request(
    system: System, client: Client
):
    alice, bob = await people(client, EUR="10.00")
    single = await client.transfer(alice, bob, "1.00", key="s", metadata={"a": "b"})
    poor = await client.transfer(alice, bob, "50.00", key="sp")
    answer = await batch(client, alice, item("b", bob, "1.00"), item("bp", bob, "50.00"))

    async with unchanged(system):
        in_batch = await batch(
            client,
            alice,
            # Quoted or bare is one key, as in the header.
            item('"s"', bob, "1.00", metadata={"a": "b"}),
            item("sp", bob, "50.00"),
            item("s", bob, "1.0", metadata={"a": "b"}),
        )
        alone = await client.transfer(alice, bob, "1.00", key="b")
        alone_poor = await client.transfer(alice, bob, "50.00", key="bp")
        other = await client.transfer(alice, bob, "1.0", key="b")

    assert results(in_batch)[0]["transfer"] == single.body
    assert codes(in_batch)[1:] == [(422, poor.body["code"]), (422, "idempotency_key_reused")]
    assert (alone.status, alone.body) == (202, results(answer)[0]["transfer"])
    assert refused(alone_poor) == codes(answer)[1] == (422, "insufficient_funds")
    assert [a.headers.get("Idempotency-Replayed") for a in (alone, alone_poor)] == ["true"] * 2
    assert refused(other) == (422, "idempotency_key_reused")


async def test_the_same_key_twice_in_a_batch_has_one_effect(client: Client):
    alice, bob = await people(client, EUR="10.00")

    answer = await batch(
        client,
        alice,
        item("k", bob),
        item("k", bob),
        item("k", bob, "2.00"),
        item("p", bob, "99"),
    )

    first, second, other, _ = results(answer)
    assert first == second
    assert (other["status"], other["problem"]["code"]) == (422, "idempotency_key_reused")
    assert await client.balance(alice) == ("10.00", "1.00")


async def test_batches_and_single_posts_of_the_same_keys_at_once_have_one_effect(
    system: System, running: Client
):
    alice, bob = await people(running, EUR="100.00")
    items = [item(f"k{n}", bob) for n in range(20)]

    answers = await at_once(
        *(batch(running, alice, *items) for _ in range(3)),
        batch(running, alice, *reversed(items)),
        *(running.transfer(alice, bob, "1.00", key=f"k{n}") for n in range(20)),
    )
    await system.drained()

    forward, backward = answers[:3], answers[3]
    expected = ids(forward[0])
    assert [ids(answer) for answer in forward] == [expected] * 3
    assert ids(backward) == expected[::-1]
    assert [single.body["id"] for single in answers[4:]] == expected
    assert await running.balance(alice) == ("80.00", "0.00")
    assert await running.balance(bob) == ("20.00", "0.00")


# --- what is wrong with an item is its own


async def test_a_wrong_item_is_a_problem_of_that_item_alone(system: System, client: Client):
    alice, bob = await people(client, EUR="10.00")
    good = item("k", bob)
    no_strings: list[object] = [None, 5, True, ["k"], {}]
    wrong_items: list[tuple[object, list[tuple[str, str]]]] = [
        ({n: v for n, v in good.items() if n != "key"}, [("/key", "missing")]),
        *(({**good, "key": bad}, [("/key", "wrong_type")]) for bad in no_strings),
        *(
            ({**good, "key": bad}, [("/key", "invalid_value")])
            for bad in ("", "two words", "k" * 256, "ключ", "a\0b", '"unfinished')
        ),
        *((bad, [("", "wrong_type")]) for bad in NO_OBJECTS),
        ({**good, "amount": 1}, [("/amount", "amount_not_string")]),
        ({**good, "currency": "XXX"}, [("/currency", "unknown_currency")]),
        ({**good, "surplus": 1}, [("/surplus", "unknown_field")]),
        ({**good, "metadata": {"a": 1}}, [("/metadata/a", "wrong_type")]),
        ({**good, "expires_in_s": 0}, [("/expires_in_s", "invalid_value")]),
        ({"key": 1, "to": 5}, [("/key", "wrong_type"), ("/currency", "missing")]),
    ]

    answer = await batch(client, alice, *(one for one, _ in wrong_items), item("last", bob))

    found = results(answer)
    for index, (sent, expected) in enumerate(wrong_items):
        pointers = [(f"/transfers/{index}{pointer}", code) for pointer, code in expected]
        assert wrong(answer, index)[: len(pointers)] == pointers, sent
        assert found[index]["status"] == 422
        spelled = sent.get("key") if isinstance(sent, dict) else None
        assert found[index]["key"] == (spelled if isinstance(spelled, str) else None)
    assert (found[-1]["key"], found[-1]["status"]) == ("last", 202)
    assert await client.balance(alice) == ("10.00", "1.00")


async def test_a_disabled_currency_stands_in_the_way_of_new_items_only(
    system: System, client: Client
):
    alice, bob = await people(client, EUR="10.00")
    await set_enabled(system, "KWD", enabled=False)

    answer = await batch(client, alice, item("k", bob, currency="KWD"), item("g", bob))

    assert codes(answer) == [(422, "currency_disabled"), (202, "held")]
    assert wrong(answer, 0) == [("/transfers/0/currency", "currency_disabled")]


async def test_too_many_open_transfers_are_told_item_by_item(system: System):
    system.change(transfers={"open_per_payer": 3})
    client = await system.start_gateway()
    alice, bob = await people(client, EUR="10.00")

    answer = await batch(client, alice, *(item(f"k{n}", bob) for n in range(5)))

    assert codes(answer) == [(202, "held")] * 3 + [(429, "too_many_open")] * 2
    assert answer.headers["Retry-After"] == "2"


# --- what is wrong with the whole


async def test_a_batch_that_is_none_is_refused_as_a_whole(system: System, client: Client):
    alice, bob = await people(client, EUR="10.00")
    good = item("k", bob)
    path = f"{alice.wallet}/transfers/batch"

    async with unchanged(system):
        for body in NO_OBJECTS:
            sent = json.dumps(body).encode()
            answer = await client.call("POST", path, data=sent, by=alice)
            assert fields(answer) == [("", "wrong_type")], body
        for body, expected in [
            ({}, [("/transfers", "missing")]),
            ({"transfers": None}, [("/transfers", "wrong_type")]),
            ({"transfers": {}}, [("/transfers", "wrong_type")]),
            ({"transfers": "k"}, [("/transfers", "wrong_type")]),
            ({"transfers": []}, [("/transfers", "invalid_value")]),
            ({"transfers": [good] * (BATCH_ITEMS_MAX + 1)}, [("/transfers", "invalid_value")]),
            ({"transfers": [good], "key": "k"}, [("/key", "unknown_field")]),
        ]:
            answer = await client.call("POST", path, body, by=alice)
            assert fields(answer) == expected, str(body)[:80]
        twice = b'{"transfers": [{"key": "a", "key": "b"}]}'
        answer = await client.call("POST", path, data=twice, by=alice)
        assert refused(answer) == (400, "malformed_json")
        answer = await client.call("POST", f"{path}?wait=1", {"transfers": [good]}, by=alice)
        assert fields(answer) == [("/wait", "unknown_field")]


async def test_who_and_where_come_before_what(system: System, client: Client):
    alice, bob = await people(client, EUR="10.00")
    path = f"{alice.wallet}/transfers/batch"
    body = {"transfers": [item("k", bob)]}

    async with unchanged(system):
        assert refused(await client.call("POST", path, data=b"{")) == (401, "unauthenticated")
        assert refused(await client.call("POST", path, body, by=bob)) == (404, "not_found")
        assert refused(await client.call("GET", path, by=alice)) == (405, "method_not_allowed")


async def test_a_batch_waits_for_nothing_and_needs_no_header(system: System, client: Client):
    alice, bob = await people(client, EUR="10.00")
    path = f"{alice.wallet}/transfers/batch"

    async with asyncio.timeout(5):
        answer = await client.call(
            "POST",
            path,
            {"transfers": [item("k", bob)]},
            by=alice,
            headers={"Prefer": "wait=30", "Idempotency-Key": "two words"},
        )

    assert codes(answer) == [(202, "held")]


async def test_a_batch_may_have_a_mebibyte_and_nothing_else_may(system: System, client: Client):
    alice, bob = await people(client, EUR="10.00")
    path = f"{alice.wallet}/transfers/batch"
    body = json.dumps({"transfers": [item("k", bob)]}).encode()

    full = await client.call("POST", path, data=BytesIO(body.ljust(BATCH_BYTES_MAX)), by=alice)
    async with unchanged(system):
        over = await client.call(
            "POST", path, data=BytesIO(body.ljust(BATCH_BYTES_MAX + 1)), by=alice
        )
        single = json.dumps({"to": bob.id, "currency": "EUR", "amount": "1"}).encode()
        other = await client.call(
            "POST", f"{alice.wallet}/transfers", data=single.ljust(65_537), by=alice, key="s"
        )

    assert codes(full) == [(202, "held")]
    assert refused(over) == (413, "body_too_large")
    assert refused(other) == (413, "body_too_large")
