"""Who is an operator, what that allows, and when it ends."""

import pytest

from e2e_tests.answers import RECORD, fields, refused, unchanged
from e2e_tests.client import Answer, Client, Member, new_key
from e2e_tests.operators import act, ask, make_operator, member_on, set_status
from e2e_tests.shop import acts_on
from e2e_tests.system import BUCKETS, System
from sagas.operators import UserAct
from shards.ids import RandomIds

VERBS = ("freeze", "unfreeze", "close")
WHO = ("--by", "Ada", "--reason", "a test")


async def test_the_command_makes_an_operator_who_acts_after_the_next_login(
    system: System, client: Client
):
    ada, bob = await client.member(), await client.member()
    code, _ = await system.holdfast("operator", "add", ada.email, *WHO)
    again = await client.login(ada)

    assert code == 0
    assert refused(await ask(client, ada, "freeze", bob)) == (403, "operator_only")
    assert (await ask(client, again, "freeze", bob)).status == 200


async def test_who_is_removed_acts_no_more_at_once_and_reads_until_the_token_ends(
    system: System, client: Client
):
    ada, bob = await make_operator(system, client), await client.member(EUR="5.00")
    code, _ = await system.holdfast("operator", "remove", ada.email, *WHO)

    async with unchanged(system):
        answers = [await ask(client, ada, verb, bob) for verb in VERBS]
        answers.append(await client.call("POST", "/v1/currencies", {}, by=ada))
    reads = [
        await client.call("GET", path, by=ada) for path in (bob.wallet, "/v1/audit-trail?limit=1")
    ]
    anew = await client.login(ada)

    assert code == 0
    assert {refused(answer) for answer in answers} == {(403, "operator_only")}
    assert [answer.status for answer in reads] == [200, 200]
    assert refused(await client.call("GET", bob.wallet, by=anew)) == (404, "not_found")
    assert refused(await client.call("GET", "/v1/audit-trail", by=anew)) == (403, "operator_only")


@pytest.mark.parametrize("status", ["frozen", "closed"])
async def test_an_operator_who_is_not_open_does_nothing(
    system: System, client: Client, status: str
):
    ada, bob = await make_operator(system, client), await client.member()
    await set_status(system, ada.id, status)

    async with unchanged(system):
        for verb in VERBS:
            assert refused(await ask(client, ada, verb, bob)) == (403, "operator_only")


async def test_a_user_is_told_nothing_of_any_id(system: System, client: Client):
    alice, bob = await client.member(), await client.member()
    ids = [alice.id, bob.id, *(str(RandomIds().new_id(bucket)) for bucket in (0, BUCKETS, 4095))]

    async with unchanged(system):
        for verb in VERBS:
            answers = [await ask(client, alice, verb, id_) for id_ in ids]
            assert {refused(answer) for answer in answers} == {(403, "operator_only")}
            assert len({answer.body["detail"] for answer in answers}) == 1
            assert refused(await ask(client, alice, verb, "no-id")) == (404, "not_found")


async def test_an_id_that_is_not_there_is_404_for_an_operator(system: System, client: Client):
    ada = await make_operator(system, client)

    async with unchanged(system):
        for verb in VERBS:
            for bucket in (0, 1, BUCKETS, 4095):
                nobody = str(RandomIds().new_id(bucket))
                assert refused(await ask(client, ada, verb, nobody)) == (404, "not_found")


async def test_an_act_is_checked_in_the_order_401_404_403_404_400_422(
    system: System, client: Client
):
    ada, alice = await make_operator(system, client), await client.member()
    nobody = str(RandomIds().new_id(0))

    async with unchanged(system):
        for verb in VERBS:
            path = f"/v1/users/{alice.id}/{verb}"
            answers = [
                await client.call("POST", path, data=b"{"),
                await client.call("POST", f"/v1/users/x/{verb}", data=b"{", by=alice),
                await client.call("POST", path, data=b"{", by=alice),
                await client.call("POST", f"/v1/users/{nobody}/{verb}", data=b"{", by=ada),
                await client.call("POST", path, data=b"{", by=ada),
                await client.call("POST", path, by=ada),
                await client.call("POST", f"{path}?x=1", {"reason": "a test"}, by=ada),
                await client.call("POST", path, {"reason": "two\nlines"}, by=ada),
                await client.call("POST", path, {"reason": "x" * 1_001}, by=ada),
                await client.call("POST", path, {}, by=ada),
            ]
            codes = [401, 404, 403, 404, 400, 415, 422, 422, 422, 422]
            assert [refused(answer)[0] for answer in answers] == codes


async def test_an_operator_reads_what_is_everybodys(system: System, client: Client):
    ada = await make_operator(system, client)
    alice, bob = await client.member(EUR="5.00"), await client.member()
    transfer = (await client.transfer(alice, bob, "1.00")).body["id"]

    for path in ["", "/balances/EUR", "/entries", "/transfers"]:
        mine = await client.call("GET", alice.wallet + path, by=alice)
        assert (await client.call("GET", alice.wallet + path, by=ada)).body == mine.body
    assert (await client.get_transfer(ada, transfer)).status == 200


async def test_an_act_needs_the_shards_of_both_and_no_other(system: System, client: Client):
    ada = await member_on(system, client, 0)
    await act(system, ada.id, UserAct.MAKE_OPERATOR)
    ada = await client.login(ada)
    here, there = await member_on(system, client, 0), await member_on(system, client, 1)
    alone = await system.start_gateway(without_shard=1)
    blind = await system.start_gateway(without_shard=0)

    assert (await ask(alone, ada, "freeze", here)).status == 200
    async with unchanged(system):
        assert refused(await ask(alone, ada, "freeze", there)) == (503, "shard_unavailable")
        assert refused(await ask(blind, ada, "freeze", there)) == (503, "shard_unavailable")


# --- deposits and withdrawals that are left to operators


POSTS = ("deposits", "withdrawals")
ACTS = {"deposits": "movement.deposit", "withdrawals": "movement.withdraw"}


async def move(
    client: Client, by: Member, what: str, wallet: str, *, key: str | None = None, **more: object
) -> Answer:
    """A deposit or withdrawal of 1 EUR."""
    body = {"currency": "EUR", "amount": "1.00", **more}
    return await client.call("POST", f"{wallet}/{what}", body, by=by, key=key or new_key())


async def test_by_default_only_the_owner_moves_money(system: System, client: Client):
    ada, alice = await make_operator(system, client), await client.member(EUR="5.00")

    async with unchanged(system):
        for what in POSTS:
            assert refused(await move(client, ada, what, alice.wallet)) == (404, "not_found")
    for what in POSTS:
        assert (await move(client, alice, what, alice.wallet)).status == 201


@pytest.mark.parametrize("what", POSTS)
async def test_what_is_left_to_operators_is_theirs_for_any_wallet(system: System, what: str):
    client = await system.start_gateway()
    alice, bob = await client.member(EUR="5.00"), await client.member()
    ada = await make_operator(system, client, EUR="5.00")
    system.change(movements={f"{what}_by": "operator"})
    client = await system.start_gateway()

    async with unchanged(system):
        assert refused(await move(client, alice, what, alice.wallet)) == (403, "operator_only")
        assert refused(await move(client, alice, what, bob.wallet)) == (404, "not_found")
        assert refused(await move(client, alice, what, "/v1/wallets/x")) == (404, "not_found")
        for bucket in (0, BUCKETS):
            nobody = f"/v1/wallets/{RandomIds().new_id(bucket)}"
            assert refused(await move(client, ada, what, nobody)) == (404, "not_found")
            answer = await client.call("POST", f"{nobody}/{what}", data=b"{", by=ada)
            assert refused(answer) == (404, "not_found"), "before what the request says"
    mine = await move(client, ada, what, ada.wallet)
    theirs = await move(client, ada, what, alice.wallet)

    assert (mine.status, theirs.status) == (201, 201)
    after = "6.00" if what == "deposits" else "4.00"
    assert await client.balance(alice) == (after, "0.00")
    (other,) = set(POSTS) - {what}
    assert (await move(client, alice, other, alice.wallet)).status == 201


async def test_a_key_belongs_to_the_wallet_and_the_operator(system: System, client: Client):
    alice, ada = await client.member(), await make_operator(system, client)
    eve = await make_operator(system, client)
    system.change(movements={"deposits_by": "operator"})
    client = await system.start_gateway()

    first = await move(client, ada, "deposits", alice.wallet, key="key")
    again = await move(client, ada, "deposits", alice.wallet, key="key")
    other = await move(client, eve, "deposits", alice.wallet, key="key")

    assert (again.body, again.headers["Idempotency-Replayed"]) == (first.body, "true")
    assert other.body["id"] != first.body["id"]
    assert await client.balance(alice) == ("2.00", "0.00")


async def test_an_operator_who_was_removed_moves_no_money(system: System, client: Client):
    alice, ada = await client.member(EUR="5.00"), await make_operator(system, client)
    system.change(movements={"deposits_by": "operator", "withdrawals_by": "operator"})
    client = await system.start_gateway()
    await act(system, ada.id, UserAct.REMOVE_OPERATOR)

    async with unchanged(system):
        for what in POSTS:
            assert refused(await move(client, ada, what, alice.wallet)) == (403, "operator_only")


async def test_a_frozen_wallet_gives_operators_nothing_either(system: System, client: Client):
    alice, ada = await client.member(EUR="5.00"), await make_operator(system, client)
    system.change(movements={"deposits_by": "operator", "withdrawals_by": "operator"})
    client = await system.start_gateway()
    await set_status(system, alice.id, "frozen")

    async with unchanged(system, but=(*RECORD, "operator_acts")):
        withdrawal = await move(client, ada, "withdrawals", alice.wallet)
    deposit = await move(client, ada, "deposits", alice.wallet)

    assert refused(withdrawal) == (422, "payer_frozen")
    assert deposit.status == 201


@pytest.mark.parametrize("what", POSTS)
async def test_what_an_operator_moves_is_in_the_trail_once_and_why(system: System, what: str):
    client = await system.start_gateway()
    alice, ada = await client.member(EUR="5.00"), await make_operator(system, client)
    system.change(movements={f"{what}_by": "operator"})
    client = await system.start_gateway()
    why = {"key": "key", "reason": "a wire of 27 November"}

    first = await move(client, ada, what, alice.wallet, **why)
    again = await move(client, ada, what, alice.wallet, **why)
    other = await move(client, ada, what, alice.wallet, key="key", reason="another")
    quiet = await move(client, ada, what, alice.wallet)

    assert (first.status, again.status, quiet.status) == (201, 201, 201)
    assert (again.body, again.headers["Idempotency-Replayed"]) == (first.body, "true")
    assert refused(other) == (422, "idempotency_key_reused")
    assert await acts_on(system, first.body["id"]) == [(ACTS[what], ada.id, why["reason"])]
    assert await acts_on(system, quiet.body["id"]) == [(ACTS[what], ada.id, "none given")]


async def test_the_list_and_the_command_show_what_operators_move(system: System, client: Client):
    alice, ada = await client.member(), await make_operator(system, client)
    system.change(movements={"deposits_by": "operator"})
    client = await system.start_gateway()
    movement = (await move(client, ada, "deposits", alice.wallet, reason="a wire")).body["id"]

    listed = await client.call("GET", f"/v1/audit-trail?target={movement}", by=ada)
    code, text = await system.holdfast("trail", "--target", movement)

    (shown,) = listed.body["data"]
    assert (shown["act"], shown["done_by"], shown["reason"]) == (
        *("movement.deposit", ada.id, "a wire"),
    )
    assert shown["detail"] == f"EUR: 100 minor units into wallet {alice.id}"
    assert code == 0
    assert f"movement.deposit  {movement}  by {ada.id}" in text
    assert "reason: a wire" in text


async def test_an_operator_puts_money_into_its_own_wallet_with_an_act(
    system: System, client: Client
):
    ada = await make_operator(system, client)
    system.change(movements={"deposits_by": "operator"})
    client = await system.start_gateway()

    movement = await move(client, ada, "deposits", ada.wallet)

    assert await acts_on(system, movement.body["id"]) == [
        ("movement.deposit", ada.id, "none given")
    ]


async def test_a_refusal_is_in_the_trail_if_it_belongs_to_its_key(system: System, client: Client):
    alice, ada = await client.member(), await make_operator(system, client)
    system.change(movements={"deposits_by": "operator", "withdrawals_by": "operator"})
    client = await system.start_gateway()

    async with unchanged(system, but=(*RECORD, "operator_acts")):
        answer = await move(client, ada, "withdrawals", alice.wallet)
    await set_status(system, alice.id, "closed")
    async with unchanged(system):
        assert refused(await move(client, ada, "deposits", alice.wallet)) == (422, "wallet_closed")
        wrong = await move(client, ada, "deposits", alice.wallet, reason="two\nlines")

    assert refused(answer) == (422, "insufficient_funds")
    assert fields(wrong) == [("/reason", "invalid_value")]
    (attempt,) = await system.sql(alice.id, "SELECT id FROM movements WHERE caller = $1", ada.id)
    assert await acts_on(system, str(attempt["id"])) == [
        ("movement.withdraw", ada.id, "none given")
    ]


async def test_a_reason_of_the_owner_is_for_no_trail(system: System, client: Client):
    alice = await client.member(EUR="5.00")

    for what in POSTS:
        movement = await move(client, alice, what, alice.wallet, reason="my own")
        assert movement.status == 201
        assert await acts_on(system, movement.body["id"]) == []


async def test_an_operator_finds_a_user_by_e_mail_and_nobody_else_does(
    system: System, client: Client
):
    alice, ada = await client.member(), await make_operator(system, client)
    me = await client.call("GET", "/v1/me", by=alice)

    found = await client.call("GET", f"/v1/users?email={alice.email.upper()}", by=ada)
    nobody = await client.call("GET", "/v1/users?email=nobody@example.com", by=ada)
    missing = await client.call("GET", "/v1/users", by=ada)
    malformed = await client.call("GET", "/v1/users?email=nobody", by=ada)
    by_user = await client.call("GET", f"/v1/users?email={ada.email}", by=alice)

    assert found.body == {"data": [me.body], "next_cursor": None}
    assert nobody.body == {"data": [], "next_cursor": None}
    assert fields(missing) == [("/email", "missing")]
    assert fields(malformed) == [("/email", "invalid_value")]
    assert refused(by_user) == (403, "operator_only")
