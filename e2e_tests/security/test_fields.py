"""Fields: none that is not in the contract is taken, and none that is not in it is shown."""

import json
from collections.abc import Collection, Iterator
from typing import Any

from e2e_tests.answers import HOLD_SHAPE, SHAPE, fields, refused
from e2e_tests.client import Client, Member, new_key
from e2e_tests.operators import make_operator
from e2e_tests.security.kit import Scene, nothing_changed, scene
from e2e_tests.system import System

_TOLD = 10
# What attackers try, beside the columns of the database.
_TRIED = (
    *("sender", "payer", "fee", "fees", "is_operator", "isAdmin", "admin", "is_admin", "roles"),
    *("owner", "user", "userId", "from", "balance_after", "scope", "permissions", "verified"),
    *("__proto__", "constructor", "prototype", "$ne", "$where", "_id", "ID", "Amount", "AMOUNT"),
    *(
        "amount_minor",
        "daily_minor",
        "amount ",
        " amount",
        "amount\u200b",
        "to\u0000",
        "",
        "email.",
    ),
)


def bodies(there: Scene, operator: Member) -> list[tuple[str, str, dict[str, Any], Member | None]]:
    """Every route that takes a body, with a good one and who may send it."""
    alice, carol = there.alice, there.carol
    money = {"currency": "EUR", "amount": "1.00"}
    payment = {**money, "to": carol.id}
    new = {"email": "new@example.com", "password": "0123456789"}
    transfer, hold = there.ids["transfer_id"], there.ids["hold_id"]
    reason = {"reason": "a test"}
    return [
        ("POST", "/v1/users", new, None),
        ("POST", "/v1/auth/login", {**new, "email": alice.email}, None),
        ("POST", f"{alice.wallet}/deposits", money, alice),
        ("POST", f"{alice.wallet}/withdrawals", money, alice),
        ("POST", f"{alice.wallet}/transfers", payment, alice),
        (
            "POST",
            f"{alice.wallet}/transfers/batch",
            {"transfers": [{**payment, "key": "k"}]},
            alice,
        ),
        ("POST", f"{alice.wallet}/holds", payment, alice),
        ("POST", f"/v1/transfers/{transfer}/cancel", {}, alice),
        ("POST", f"/v1/transfers/{transfer}/refunds", {}, carol),
        ("POST", f"/v1/holds/{hold}/capture", {}, carol),
        ("POST", f"/v1/holds/{hold}/void", {}, carol),
        ("POST", f"/v1/users/{alice.id}/freeze", reason, operator),
        ("POST", f"/v1/users/{alice.id}/unfreeze", reason, operator),
        ("POST", f"/v1/users/{alice.id}/close", reason, operator),
        ("POST", "/v1/currencies", {"code": "XYZ", "name": "A test", "decimals": 2}, operator),
        ("PUT", f"{alice.wallet}/limits/EUR", {"daily": "1.00"}, operator),
    ]


# Fields that some body has; each is extra in the others.
_KNOWN = {
    "/v1/users": {"email", "password", "name"},
    "/v1/auth/login": {"email", "password"},
    "deposits": {"currency", "amount", "rounding", "metadata", "reason"},
    "withdrawals": {"currency", "amount", "rounding", "metadata", "reason"},
    "transfers": {"currency", "amount", "rounding", "metadata", "to", "expires_in_s"},
    "batch": {"transfers"},
    "holds": {"currency", "amount", "rounding", "metadata", "to", "expires_in_s"},
    "cancel": set(),
    "refunds": {"amount", "rounding", "reason"},
    "capture": {"amount", "rounding", "final"},
    "void": {"reason"},
    "freeze": {"reason"},
    "unfreeze": {"reason"},
    "close": {"reason"},
    "/v1/currencies": {"code", "name", "decimals", "enabled", "reason"},
    "EUR": {"daily", "reason"},
}


def known(path: str) -> set[str]:
    """The fields that the contract has for this body."""
    found = _KNOWN.get(path)
    return _KNOWN[path.rpartition("/")[2]] if found is None else found


def several(names: Collection[str]) -> Iterator[list[str]]:
    """All of these, as many at a time as are all told of when they are wrong."""
    ordered = sorted(names)
    return (ordered[start : start + _TOLD] for start in range(0, len(ordered), _TOLD))


async def columns(system: System) -> set[str]:
    """The name of every column of every table, and of every table."""
    rows = await system.sql_everywhere(
        "SELECT column_name AS name FROM information_schema.columns WHERE table_schema = 'public'"
        " UNION SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    names = {row["name"] for row in rows}
    assert {"password_hash", "role", "balance", "fingerprint", "head_hash"} < names
    return names


async def test_no_field_is_taken_that_the_contract_does_not_have(system: System, client: Client):
    there = await scene(client)
    operator = await make_operator(system, client)
    all_known = {name for names in _KNOWN.values() for name in names}
    names = {*(await columns(system)), *all_known, *_TRIED}
    values: tuple[object, ...] = ("x", 1, True, None, {}, [])

    async with nothing_changed(system):
        for method, path, body, by in bodies(there, operator):
            for number, some in enumerate(several(names - known(path))):
                extra = dict.fromkeys(some, values[number % len(values)])
                answer = await client.call(method, path, {**body, **extra}, by=by, key=new_key())
                assert refused(answer) == (422, "unknown_field"), (path, some)
                wrong = [(f"/{name}", "unknown_field") for name in some]
                assert sorted(fields(answer)) == wrong, (path, some)


async def test_no_field_is_taken_in_an_item_of_a_batch_either(system: System, client: Client):
    there = await scene(client)
    item = {"key": "k", "to": there.carol.id, "currency": "EUR", "amount": "1.00"}
    extra = sorted({*(await columns(system)), *_TRIED, "password"} - {"key"} - known("transfers"))
    items = [{**item, name: "x"} for name in extra]

    async with nothing_changed(system):
        path = f"{there.alice.wallet}/transfers/batch"
        answer = await client.call("POST", path, {"transfers": items}, by=there.alice)

    assert answer.status == 207
    for name, result in zip(extra, answer.body["results"], strict=True):
        assert (result["status"], result["problem"]["code"]) == (422, "unknown_field"), name


async def test_no_parameter_is_taken_that_the_contract_does_not_have(
    system: System, client: Client
):
    there = await scene(client)
    operator = await make_operator(system, client)
    lists = {
        f"{there.alice.wallet}/entries": {"currency", "kind", "since", "until", "limit", "cursor"},
        f"{there.alice.wallet}/transfers": {"direction", "status", "limit", "cursor"},
        f"{there.alice.wallet}/holds": {"status", "limit", "cursor"},
        "/v1/audit-trail": {"target", "limit", "cursor"},
        f"{there.alice.wallet}/balances/EUR": {"at"},
        f"{there.alice.wallet}/limits/EUR": set(),
        there.alice.wallet: set(),
        "/v1/me": set(),
        f"/v1/transfers/{there.ids['transfer_id']}": set(),
        f"/v1/holds/{there.ids['hold_id']}": set(),
        f"/v1/entries/{there.ids['hash']}": set(),
        "/v1/currencies": set(),
    }
    names = {*(await columns(system)), "role", "fields", "include", "expand", "all", "debug"}

    async with nothing_changed(system):
        for path, has in lists.items():
            by = operator if path == "/v1/audit-trail" else there.alice
            for some in several(names - has):
                query = "&".join(f"{name}=1" for name in some)
                answer = await client.call("GET", f"{path}?{query}", by=by)
                wrong = [(f"/{name}", "unknown_field") for name in some]
                assert sorted(fields(answer)) == wrong, (path, some)


_USER = {"id", "email", "name", "status", "created_at"}
_ACCOUNT = {"currency", "balance", "held", "available", "version"}
_MOVEMENT = {
    *("id", "currency", "amount", "balance_before", "balance_after", "hash", "created_at"),
}
_ENTRY = {
    *("seq", "currency", "amount", "balance_before", "balance_after", "kind", "transfer_id"),
    *("counterparty", "at", "hash", "prev_hash"),
}
_LIMIT = {"user_id", "currency", "daily", "spent", "remaining"}
_ACT = {
    *("act", "target_id", "done_by", "reason", "detail", "at", "bucket", "seq", "hash"),
    "prev_hash",
}
# What only the payer may know of a transfer that comes in.
_PAYERS = {"expires_at", "reason", "timeline", "updated_at"}


def keys_of(value: object) -> set[str]:
    """Every key at any depth."""
    if isinstance(value, dict):
        return {*value, *(key for inner in value.values() for key in keys_of(inner))}
    if isinstance(value, list):
        return {key for inner in value for key in keys_of(inner)}
    return set()


async def test_answers_show_what_the_contract_has_and_nothing_else(system: System, running: Client):
    client = running
    alice, carol = await client.member(EUR="100.00"), await client.member()
    operator = await make_operator(system, client)
    paid = await client.transfer(alice, carol, "1.00", wait=10, metadata={"note": "a secret note"})
    hold = await client.hold(alice, carol, "1.00")
    deposit = await client.deposit(alice, "1.00")
    set_limit = await client.call(
        "PUT", f"{alice.wallet}/limits/EUR", {"daily": "50.00"}, by=operator
    )
    frozen = await client.call(
        "POST", f"/v1/users/{carol.id}/freeze", {"reason": "a test"}, by=operator
    )
    entries = await client.call("GET", f"{alice.wallet}/entries", by=alice)
    transfer, held = f"/v1/transfers/{paid.body['id']}", f"/v1/holds/{hold.body['id']}"

    async def got(path: str, by: Member) -> Any:
        answer = await client.call("GET", path, by=by)
        assert answer.status == 200, answer
        return answer.body

    shown: list[tuple[Any, set[str]]] = [
        (await got("/v1/me", alice), _USER),
        (frozen.body, _USER),
        (deposit.body, _MOVEMENT),
        (set_limit.body, _LIMIT),
        (await got(f"{alice.wallet}/limits/EUR", alice), _LIMIT),
        (await got(alice.wallet, alice), {"user_id", "accounts"}),
        *((one, _ACCOUNT) for one in (await got(alice.wallet, alice))["accounts"]),
        (await got(f"{alice.wallet}/balances/EUR", alice), _ACCOUNT),
        (paid.body, SHAPE),
        *[(await got(transfer, by), SHAPE) for by in (alice, carol, operator)],
        (hold.body, HOLD_SHAPE),
        *[(await got(held, by), HOLD_SHAPE) for by in (alice, carol)],
        *((entry, _ENTRY) for entry in entries.body["data"]),
        *(
            (one, SHAPE | {"direction"})
            for one in (await got(f"{alice.wallet}/transfers", alice))["data"]
        ),
        *((one, _ACT) for one in (await got("/v1/audit-trail", operator))["data"]),
        (await _login(client, alice), {"access_token", "token_type", "expires_in"}),
    ]
    incoming = (await got(f"{carol.wallet}/transfers", carol))["data"]

    assert paid.body["status"] == "completed"
    for body, allowed in shown:
        assert {*body} == allowed, {*body} ^ allowed
    assert len(incoming) == 1
    assert not {*incoming[0]} & _PAYERS
    assert {*incoming[0]} <= SHAPE | {"direction"}
    # Whatever it is that was shown, nothing in it is for nobody.
    everything = json.dumps([body for body, _ in shown] + incoming)
    assert "argon2" not in everything
    hidden = {"password", "password_hash", "role", "idempotency_key", "fingerprint", "traceparent"}
    hidden |= {"caller", "attempts", "next_attempt_at", "verdict", "head_hash", "email_hash"}
    assert not keys_of([body for body, _ in shown] + incoming) & hidden
    # What the other one has, and who the other one is beside the id, is for no party.
    for one in (*incoming, await got(transfer, carol), await got(held, carol)):
        assert alice.email not in json.dumps(one)
        assert not keys_of(one) & {"balance", "available", "balance_after", "email", "spent"}


async def _login(client: Client, member: Member) -> Any:
    body = {"email": member.email, "password": "correct horse battery"}
    return (await client.call("POST", "/v1/auth/login", body)).body
