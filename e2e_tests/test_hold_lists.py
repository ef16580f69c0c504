"""Lists of a payer's holds: newest first, by status, page by page, and to nobody else."""

from e2e_tests.client import Client
from e2e_tests.operators import make_operator
from e2e_tests.system import System


async def test_a_payer_sees_its_holds_newest_first_and_page_by_page(
    system: System, running: Client
):
    client = running
    alice, bob = await client.member(EUR="100.00"), await client.member()
    opened = [(await client.hold(alice, bob, f"{n}.00")).body["id"] for n in (1, 2, 3)]
    await client.void(bob, opened[1])
    refused = await client.hold(alice, bob, "1000.00")

    first = await client.call("GET", f"{alice.wallet}/holds?limit=2", by=alice)
    cursor = first.body["next_cursor"]
    second = await client.call("GET", f"{alice.wallet}/holds?limit=2&cursor={cursor}", by=alice)
    voided = await client.call("GET", f"{alice.wallet}/holds?status=voided", by=alice)

    assert refused.code == "insufficient_funds"
    pages = [*first.body["data"], *second.body["data"]]
    assert [hold["id"] for hold in pages] == opened[::-1]
    assert second.body["next_cursor"] is None
    assert f"cursor={cursor}" in first.headers["Link"]
    assert [hold["id"] for hold in voided.body["data"]] == [opened[1]]
    assert pages[0] == (await client.get_hold(alice, opened[2])).body


async def test_a_list_of_holds_is_its_payers_and_operators_see_it(system: System, client: Client):
    alice, bob = await client.member(EUR="10.00"), await client.member()
    await client.hold(alice, bob, "1.00")
    boss = await make_operator(system, client)

    by_payee = await client.call("GET", f"{alice.wallet}/holds", by=bob)
    of_payee = await client.call("GET", f"{bob.wallet}/holds", by=bob)
    by_operator = await client.call("GET", f"{alice.wallet}/holds", by=boss)
    of_nobody = await client.call("GET", f"/v1/wallets/{nobody(alice.id)}/holds", by=boss)

    assert (by_payee.status, of_nobody.status) == (404, 404)
    assert of_payee.body == {"data": [], "next_cursor": None}
    assert len(by_operator.body["data"]) == 1


async def test_wrong_parameters_of_a_list_of_holds_are_named(client: Client):
    alice = await client.member()

    wrong = await client.call(
        "GET", f"{alice.wallet}/holds?status=rejected&limit=0&cursor=x&color=red", by=alice
    )

    assert wrong.status == 422
    assert {error["pointer"]: error["code"] for error in wrong.body["errors"]} == {
        "/color": "unknown_field",
        "/status": "invalid_value",
        "/limit": "invalid_value",
        "/cursor": "invalid_value",
    }


def nobody(id_: str) -> str:
    """An id of the same bucket that nobody has."""
    return id_[:-4] + ("0000" if id_[-4:] != "0000" else "ffff")
