"""What holds for every request: the form of refusals, traces, methods, media types, JSON, keys."""

import json
import re

from e2e_tests.answers import fields, raw, refused, unchanged
from e2e_tests.client import Client, Member, new_key
from e2e_tests.system import System

_BODY_BYTES_MAX = 65_536
_TRACE = "0af7651916cd43dd8448eb211c80319c"
_SPAN = "b7ad6b7169203331"


def posts(member: Member) -> dict[str, dict[str, object]]:
    """Every path that takes a JSON body, with a good one."""
    credentials = {"email": "new@example.com", "password": "correct horse battery"}
    money: dict[str, object] = {"currency": "EUR", "amount": "1.00", "metadata": {"a": "b"}}
    return {
        "/v1/users": {**credentials, "name": "Nobody"},
        "/v1/auth/login": dict(credentials),
        f"{member.wallet}/deposits": money,
        f"{member.wallet}/withdrawals": money,
        f"{member.wallet}/transfers": {**money, "to": "bob@example.com", "expires_in_s": 60},
    }


MALFORMED = [
    b"",
    b" ",
    b"{",
    b"{} {}",
    b"{'a': 1}",
    b'{"a": 1,}',
    b'{"a": 01}',
    b'{"a": "\n"}',
    b'{"a": "\\x"}',
    b'{"currency": "EUR", "currency": "EUR"}',
    b'{"metadata": {"a": "1", "a": "2"}}',
    b'{"metadata": [{"a": 1, "a": 1}]}',
    b"NaN",
    b'{"amount": NaN}',
    b'{"amount": Infinity}',
    b'{"amount": -Infinity}',
    b'{"email": "\\ud800"}',
    b'{"metadata": {"\\udfff": "1"}}',
    b'{"a": "\xff"}',
    b'{"a": "\xed\xa0\x80"}',
    b"\xef\xbb\xbf{}",
    '{"a": 1}'.encode("utf-16"),
    b'{"a": ' + b"9" * 5000 + b"}",
    b"[" * 5000,
    b"[" * 5000 + b"]" * 5000,
]


async def test_what_is_not_strict_json_is_400_everywhere(system: System, client: Client):
    alice = await client.member(EUR="5.00")

    async with unchanged(system):
        for path in posts(alice):
            for body in MALFORMED:
                answer = await client.call("POST", path, data=body, by=alice, key=new_key())
                assert refused(answer) == (400, "malformed_json"), (path, body)


OTHER_MEDIA_TYPES = [
    {"Content-Type": "text/plain"},
    {"Content-Type": "application/octet-stream"},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Type": "application/merge-patch+json"},
    {"Content-Type": "application/json; charset=latin-1"},
    {"Content-Type": "nonsense"},
    {"Content-Encoding": "gzip"},
    {"Content-Encoding": "br"},
]


async def test_other_media_types_are_415(system: System, client: Client):
    alice = await client.member(EUR="5.00")

    async with unchanged(system):
        for path, body in posts(alice).items():
            data = json.dumps(body).encode()
            for headers in OTHER_MEDIA_TYPES:
                answer = await client.call(
                    "POST", path, data=data, by=alice, key=new_key(), headers=headers
                )
                assert refused(answer) == (415, "unsupported_media_type"), (path, headers)


async def test_utf_8_may_be_said_of_json(client: Client):
    alice = await client.member()

    answer = await client.call(
        "POST",
        f"{alice.wallet}/deposits",
        data=b'{"currency": "EUR", "amount": "1"}',
        by=alice,
        key=new_key(),
        headers={"Content-Type": "Application/JSON; charset=UTF-8"},
    )

    assert answer.status == 201


async def test_bodies_have_at_most_64_kib(system: System, client: Client):
    alice = await client.member()
    fits = b'{"x":"' + b"x" * (_BODY_BYTES_MAX - 8) + b'"}'

    async with unchanged(system):
        for path in posts(alice):
            full = await client.call("POST", path, data=fits, by=alice, key=new_key())
            over = await client.call("POST", path, data=fits + b" ", by=alice, key=new_key())
            assert ("/x", "unknown_field") in fields(full), path
            assert refused(over) == (413, "body_too_large"), path


async def test_a_chunked_body_is_bounded_too(client: Client):
    chunk = b"%x\r\n%b\r\n" % (_BODY_BYTES_MAX, b" " * _BODY_BYTES_MAX)
    head = (
        b"POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )

    status, headers, body = await raw(client, head + chunk + chunk + b"0\r\n\r\n")

    assert (status, json.loads(body)["code"]) == (413, "body_too_large")
    assert headers["x-trace-id"] == json.loads(body)["trace_id"]


async def test_methods_that_a_resource_lacks_are_405_with_those_it_has(
    system: System, client: Client
):
    alice = await client.member()
    transfer = f"/v1/transfers/{alice.id}"
    allowed = {
        **dict.fromkeys(["/health", "/ready", "/v1/me"], "GET,HEAD"),
        "/v1/currencies": "GET,HEAD,POST",
        **dict.fromkeys(["/v1/currencies/EUR", alice.wallet, transfer], "GET,HEAD"),
        "/v1/users": "GET,HEAD,POST",
        **dict.fromkeys(["/v1/auth/login", f"{transfer}/cancel"], "POST"),
        f"{alice.wallet}/balances/EUR": "GET,HEAD",
        f"{alice.wallet}/entries": "GET,HEAD",
        f"{alice.wallet}/transfers": "GET,HEAD,POST",
        f"{alice.wallet}/deposits": "POST",
        f"{alice.wallet}/withdrawals": "POST",
    }

    async with unchanged(system):
        for path, methods in allowed.items():
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - {
                *methods.split(",")
            }:
                answer = await client.call(method, path, by=alice)
                assert refused(answer) == (405, "method_not_allowed"), (method, path)
                assert sorted(answer.headers["Allow"].split(",")) == methods.split(",")


async def test_paths_that_are_not_there_are_404(client: Client):
    alice = await client.member()

    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/me",
        "/V1/me",
        "/v1/me/",
        "//v1/me",
        "/v1/users/",
        "/v1/users/%00",
        "/v1/wallets",
        "/v1/wallets/",
        f"{alice.wallet}/",
        f"{alice.wallet}/balances",
        f"{alice.wallet}/nothing",
        "/v1/transfers",
        "/health/x",
        "/metrics",
        "/.env",
    ]:
        assert refused(await client.call("GET", path, by=alice)) == (404, "not_found"), path


async def test_every_answer_has_a_trace_id_of_its_own(client: Client):
    answers = [
        await client.call("GET", "/health"),
        await client.call("GET", "/ready"),
        await client.call("GET", "/v1/currencies"),
        await client.call("HEAD", "/health"),
        await client.call("GET", "/v1/me"),
        await client.call("GET", "/nothing"),
        await client.call("DELETE", "/v1/me"),
        await client.call("POST", "/v1/users", data=b"{"),
        await client.call("POST", "/v1/users", {}),
    ]

    assert all(re.fullmatch("[0-9a-f]{32}", one.headers["X-Trace-Id"]) for one in answers)
    assert len({one.headers["X-Trace-Id"] for one in answers}) == len(answers)


async def test_a_traceparent_is_continued_into_the_rows(system: System, client: Client):
    alice, bob = await client.member(EUR="5.00"), await client.member()
    sent = {"traceparent": f"00-{_TRACE}-{_SPAN}-01"}

    health = await client.call("GET", "/health", headers=sent)
    refusal = await client.call("GET", "/v1/me", headers=sent)
    transfer = await client.call(
        "POST",
        f"{alice.wallet}/transfers",
        {"to": bob.id, "currency": "EUR", "amount": "1"},
        by=alice,
        key=new_key(),
        headers=sent,
    )

    assert {one.headers["X-Trace-Id"] for one in (health, refusal, transfer)} == {_TRACE}
    assert refused(refusal) == (401, "unauthenticated")
    for table in ("transfers", "outbox"):
        rows = await system.sql(alice.id, f"SELECT traceparent FROM {table} ORDER BY created_at")
        assert re.fullmatch(f"00-{_TRACE}-(?!{_SPAN})[0-9a-f]{{16}}-01", rows[-1]["traceparent"])


MALFORMED_TRACEPARENTS = [
    "",
    "nonsense",
    _TRACE,
    f"00-{_TRACE}-{_SPAN}",
    f"00-{_TRACE.upper()}-{_SPAN}-01",
    f"00-{'0' * 32}-{_SPAN}-01",
    f"00-{_TRACE}-{'0' * 16}-01",
    f"ff-{_TRACE}-{_SPAN}-01",
    f"00-{_TRACE}-{_SPAN}-01-more",
    f"00-{_TRACE}-{_SPAN}-01" + "x" * 4000,
]


async def test_malformed_traceparents_are_ignored(client: Client):
    for sent in MALFORMED_TRACEPARENTS:
        answer = await client.call("GET", "/health", headers={"traceparent": sent})

        assert answer.status == 200, sent
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Trace-Id"])
        assert answer.headers["X-Trace-Id"] != _TRACE, sent


async def test_parameters_that_no_post_has_are_named(system: System, client: Client):
    alice = await client.member(EUR="5.00")
    bob = await client.member(email="bob@example.com")
    held = (await client.transfer(alice, bob, "1")).body["id"]
    paths = {**posts(alice), f"/v1/transfers/{held}/cancel": {}}

    async with unchanged(system):
        for path, body in paths.items():
            answer = await client.call("POST", path + "?wait=5", body, by=alice, key=new_key())
            assert fields(answer) == [("/wait", "unknown_field")], path


ODD: list[object] = [
    None,
    True,
    0,
    -1,
    2**63,
    10**400,
    1.5,
    -0.0,
    [],
    {},
    [[[]]],
    {"a": {"b": [None]}},
    "",
    " ",
    "\0",
    "a\0b",
    "\r\nX-Injected: 1",
    "'; DROP TABLE users; --",
    "%00%s%n{}$1",
    "../../etc/passwd",
    "\u202e\ufeff\u0301",
    "😀" * 100,
    "x" * 10_000,
    "1e400",
]


async def test_no_value_in_any_field_is_a_server_error(client: Client):
    alice = await client.member(EUR="5.00")

    for path, good in posts(alice).items():
        for field in good:
            for value in ODD:
                answer = await client.call(
                    "POST", path, {**good, field: value}, by=alice, key=new_key()
                )
                assert answer.status < 500, (path, field, value, answer)
        for value in ODD:
            assert (await client.call("POST", path, value, by=alice, key=new_key())).status < 500


async def test_answers_are_not_stored_and_do_not_name_the_server(client: Client):
    for path in ["/health", "/v1/currencies", "/v1/me", "/nothing"]:
        headers = (await client.call("GET", path)).headers

        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Server" not in headers


NOT_HTTP = [
    b"G\0T / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"BREW /v1/me HTTP/1.1\r\nHost: x\r\n\r\n",
    b"nonsense\r\n\r\n",
]


async def test_what_is_not_http_is_400(client: Client):
    for request in NOT_HTTP:
        status, headers, body = await raw(client, request)

        assert status == 400, request[:60]
        assert json.loads(body)["trace_id"] == headers["x-trace-id"]
        assert b"Traceback" not in body
