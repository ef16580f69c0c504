"""Texts that are code to somebody are texts here: kept and shown as they were, or refused."""

from typing import Any
from urllib.parse import quote

from e2e_tests.answers import refused
from e2e_tests.client import Client, new_key
from e2e_tests.operators import make_operator
from e2e_tests.security.hostile_texts import OF_SEVERAL_LINES, TEXTS
from e2e_tests.security.kit import nothing_changed, scene
from e2e_tests.system import System

_WRONG = (422, "invalid_value")


async def test_a_text_is_kept_and_shown_as_it_was(system: System, client: Client):
    there = await scene(client)
    operator = await make_operator(system, client)

    for number, text in enumerate((*TEXTS, *OF_SEVERAL_LINES)):
        user = {
            "email": f"h{number}@example.com",
            "password": f"{text[:180]}12345678",
            "name": text,
        }
        metadata = {text[:40]: text}
        registered = await client.call("POST", "/v1/users", user)
        assert (registered.status, registered.body["name"]) == (201, text)
        login = {"email": user["email"], "password": user["password"]}
        assert (await client.call("POST", "/v1/auth/login", login)).status == 200
        paid = await client.transfer(there.alice, there.carol, "0.01", metadata=metadata)
        assert (paid.status, paid.body["metadata"]) == (202, metadata)
        again = await client.get_transfer(there.alice, paid.body["id"])
        assert again.body["metadata"] == metadata
        held = await client.hold(there.alice, there.carol, "0.01", metadata=metadata)
        assert (held.status, held.body["metadata"]) == (201, metadata)
        body = {"currency": "EUR", "amount": "1.00", "metadata": metadata}
        path = f"{there.alice.wallet}/deposits"
        moved = await client.call("POST", path, body, by=there.alice, key=new_key())
        assert moved.status == 201
    for text in TEXTS:
        frozen = await client.call(
            "POST", f"/v1/users/{there.bob.id}/freeze", {"reason": text}, by=operator
        )
        assert frozen.status == 200
        await client.call(
            "POST", f"/v1/users/{there.bob.id}/unfreeze", {"reason": "x"}, by=operator
        )
        trail = await client.call(
            "GET", f"/v1/audit-trail?target={there.bob.id}&limit=2", by=operator
        )
        assert trail.body["data"][1]["reason"] == text
        named = {"code": "XYZ", "name": text[:100], "decimals": 2, "reason": text}
        assert (await client.call("POST", "/v1/currencies", named, by=operator)).status in (
            200,
            201,
        )
        shown = await client.call("GET", "/v1/currencies/XYZ")
        assert shown.body["name"] == text[:100]


async def test_what_is_of_several_lines_or_not_seen_is_in_no_reason_name_or_email(
    system: System, client: Client
):
    there = await scene(client)
    operator = await make_operator(system, client)
    password = {"password": "0123456789"}
    alice, currency = there.alice, {"code": "XYZ", "decimals": 2}
    limit = f"{alice.wallet}/limits/EUR"

    async with nothing_changed(system):
        for text in OF_SEVERAL_LINES:
            reason = {"reason": text}
            asked: list[tuple[str, str, dict[str, Any]]] = [
                ("POST", "/v1/users", {**password, "email": f"{text}@example.com"}),
                ("POST", "/v1/users", {**password, "email": f"a@{text}"}),
                *(("POST", f"/v1/users/{alice.id}/{verb}", reason) for verb in ("freeze", "close")),
                ("POST", "/v1/currencies", {**currency, "name": text}),
                ("POST", "/v1/currencies", {**currency, "name": "x", **reason}),
                ("POST", f"/v1/holds/{there.ids['hold_id']}/void", reason),
                ("PUT", limit, {"daily": "1.00", **reason}),
            ]
            for method, path, body in asked:
                answer = await client.call(method, path, body, by=operator)
                assert refused(answer) == _WRONG, (path, body)
            paid = await client.transfer(alice, f"{text}@example.com", "1.00")
            assert refused(paid) == _WRONG, text
            body = {"email": f"{text}@example.com", "password": "0123456789"}
            login = await client.call("POST", "/v1/auth/login", body)
            assert refused(login) == (401, "invalid_credentials"), text


async def test_a_text_in_a_path_a_query_or_a_header_does_nothing(system: System, client: Client):
    there = await scene(client)
    operator = await make_operator(system, client)
    queries = [
        *(f"{there.alice.wallet}/entries?{n}=" for n in ("currency", "kind", "since", "cursor")),
        *(f"{there.alice.wallet}/transfers?{n}=" for n in ("direction", "status", "cursor")),
        "/v1/audit-trail?target=",
        "/v1/audit-trail?cursor=",
        f"{there.alice.wallet}/balances/EUR?at=",
    ]
    paths = ["/v1/currencies/", "/v1/wallets/", "/v1/transfers/", "/v1/holds/", "/v1/entries/"]

    async with nothing_changed(system):
        for text in (*TEXTS, *OF_SEVERAL_LINES):
            spelled = quote(text, safe="")
            for query in queries:
                answer = await client.call("GET", query + spelled, by=operator)
                assert answer.status == 422, (query, text)
                refused(answer)
            for path in paths:
                answer = await client.call("GET", path + spelled, by=operator)
                assert refused(answer) == (404, "not_found"), (path, text)
            named = await client.call("GET", f"/v1/me?{spelled}=1", by=operator)
            # Its name is told as it is, so it may be SQL; but it is told as JSON.
            assert (named.status, named.code) == (422, "unknown_field"), text
            if text.isascii() and text.isprintable():
                await _in_headers(client, text)


async def _in_headers(client: Client, text: str) -> None:
    names = (
        "traceparent",
        "tracestate",
        "X-Forwarded-For",
        "Prefer",
        "User-Agent",
        "Last-Event-ID",
    )
    for name in (*names, "X-Trace-Id", "X-Request-Id", "Accept", "Accept-Language", "Referer"):
        answer = await client.call("GET", "/v1/currencies", headers={name: text})
        assert answer.status == 200, (name, text)
        assert not any(text in value for value in answer.headers.values()), (name, text)
