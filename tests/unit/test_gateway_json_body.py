import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.json_body import (
    BODY_BYTES_MAX,
    BODY_SECONDS,
    JsonValue,
    RawNumber,
    fingerprint,
    parse_json,
    read_json,
    read_optional_json,
)
from gateway.middleware import install
from gateway.problems import Problem

Client = TestClient[web.Request, web.Application]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"{}", {}),
        (b' {"a": [1, true, null, "x"]} \r\n', {"a": [1, True, None, "x"]}),
        (b"[]", []),
        (b'"x"', "x"),
        (b"1.50", RawNumber("1.50")),
        (b"1e400", RawNumber("1e400")),
        (b"1" + b"0" * 400, 10**400),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'{"a": {"b": 1}, "b": 2}', {"a": {"b": 1}, "b": 2}),
        (b"[" * 32 + b"]" * 32, None),
    ],
)
def test_strict_json_is_read(text: bytes, value: JsonValue) -> None:
    parsed = parse_json(text)

    if value is not None:
        assert parsed == value
    else:
        assert isinstance(parsed, list)


def test_an_object_has_as_many_fields_as_any_may_have() -> None:
    most = {str(number): number for number in range(100)}

    assert parse_json(json.dumps([most]).encode()) == [most]
    with pytest.raises(Problem, match="at most 100 fields") as caught:
        parse_json(json.dumps([{**most, "more": 1}]).encode())
    assert caught.value.code == "malformed_json"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"  ",
        b"{",
        b"{'a': 1}",
        b'{"a": 1,}',
        b"{} {}",
        b"{}x",
        b"\xef\xbb\xbf{}",
        b'{"a": "\xff"}',
        '{"a": "é"}'.encode("utf-16"),
        b'{"a": 1, "a": 1}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"x": {"a": 1, "a": 2}}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b"-Infinity",
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'["\\ude00\\ud83d"]',
        b"1" * 5000,
        b"[" * 33 + b"]" * 33,
        b"[" * 30_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"a": "line\nbreak"}',
        b"01",
        b"+1",
        b".5",
        "１".encode(),
        b"1_000",
        b"True",
    ],
    ids=lambda text: repr(text[:24]),
)
def test_what_is_not_strict_json_is_a_400(text: bytes) -> None:
    with pytest.raises(Problem) as caught:
        parse_json(text)

    assert (caught.value.status, caught.value.code) == (400, "malformed_json")


JSON_VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False).map(lambda d: RawNumber(str(d))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def _shape(value: JsonValue) -> object:
    """Python holds True and 1 for equal; JSON does not."""
    if isinstance(value, list):
        return [_shape(item) for item in value]
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    return (type(value).__name__, value)


# The first strings that it makes in a process take as long as the machine is busy.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(JSON_VALUES, JSON_VALUES)
def test_fingerprints_are_equal_exactly_when_bodies_are(one: JsonValue, other: JsonValue) -> None:
    prints_equal = fingerprint("deposit", "w", one) == fingerprint("deposit", "w", other)

    assert prints_equal == (_shape(one) == _shape(other))


def _print(text: str) -> bytes:
    return fingerprint("transfer", "wallet", parse_json(text.encode()))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"a":"12.50","b":1}', ' { "b" : 1, "a" : "12.50" } ', True),
        ('{"a":"é"}', '{"a":"\\u00e9"}', True),
        ('{"a":"12.50"}', '{"a":"12.5"}', False),
        ('{"a":1.50}', '{"a":1.5}', False),
        ('{"a":1}', '{"a":1.0}', False),
        ('{"a":1}', '{"a":"1"}', False),
        ('{"a":1}', '{"a":true}', False),
        ('{"a":null}', "{}", False),
        ('{"a":"EUR"}', '{"a":"eur"}', False),
        ('["ab","c"]', '["a","bc"]', False),
        ("[[1],2]", "[[1,2]]", False),
        ('{"a":"\u00e9"}', '{"a":"e\u0301"}', False),
    ],
)
def test_a_fingerprint_is_of_values_and_not_of_spelling(one: str, other: str, same: bool) -> None:
    assert (_print(one) == _print(other)) is same


def test_operation_and_resource_count_in_a_fingerprint() -> None:
    prints = {
        fingerprint(operation, resource, {})
        for operation, resource in [("a", "b"), ("b", "a"), ("ab", ""), ("", "ab"), ("a", "c")]
    }

    assert len(prints) == 5


def test_a_fingerprint_never_changes() -> None:
    # Stored with every key: another value would make every repeat look like another request.
    body: JsonValue = {"currency": "EUR", "amount": "12.50", "n": [1, True, None, RawNumber("1.0")]}

    assert fingerprint("transfer", "wallet", body).hex() == (
        "601fe983d19ca20b7ac1ddaaa27e412f7eeeedd304930053fc6c5cba7486babd"
    )


async def _echo(request: web.Request) -> web.Response:
    return web.json_response(await read_json(request))


async def _echo_optional(request: web.Request) -> web.Response:
    return web.json_response(await read_optional_json(request))


@asynccontextmanager
async def _serving(*, body_s: float) -> AsyncIterator[Client]:
    app = web.Application()
    app[BODY_SECONDS] = body_s
    install(app)
    app.router.add_post("/body", _echo)
    app.router.add_post("/optional", _echo_optional)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with _serving(body_s=10.0) as client:
        yield client


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("Application/JSON; Charset=UTF-8", 200),
        ('application/json; charset="utf-8"', 200),
        ("application/json; charset=latin-1", 415),
        ("application/problem+json", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
        ("json", 415),
    ],
)
async def test_only_utf8_json_is_taken(client: Client, content_type: str, status: int) -> None:
    response = await client.post("/body", data=b"{}", headers={"Content-Type": content_type})

    assert response.status == status


async def test_a_missing_content_type_is_a_415(client: Client) -> None:
    response = await client.post("/body", data=b"{}", skip_auto_headers=["Content-Type"])

    assert response.status == 415


async def test_a_compressed_body_is_a_415(client: Client) -> None:
    response = await client.post(
        "/body",
        data=gzip.compress(b"{}"),
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )

    assert response.status == 415


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("spaces", "status"), [(-2, 200), (-1, 413), (1024, 413)])
async def test_64_kib_is_the_longest_body(
    client: Client, chunked: bool, spaces: int, status: int
) -> None:
    text = b" " * (BODY_BYTES_MAX + spaces) + b"{}"

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(text), 5000):
            yield text[start : start + 5000]

    response = await client.post(
        "/body",
        data=chunks() if chunked else text,
        headers={"Content-Type": "application/json"},
    )

    assert response.status == status


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/octet-stream", 200),
        (b"{}", "application/json", 200),
        (b"{}", "text/plain", 415),
        (b"{", "application/json", 400),
    ],
)
async def test_a_body_may_be_optional(
    client: Client, body: bytes, content_type: str, status: int
) -> None:
    response = await client.post("/optional", data=body, headers={"Content-Type": content_type})

    assert response.status == status
    if status == 200:
        assert await response.json() == {}


async def _raw_post(client: Client, headers: str, body: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    head = f"POST /body HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{headers}\r\n\r\n"
    writer.write(head.encode() + body)
    try:
        async with asyncio.timeout(5):
            return await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_body_that_never_ends_is_given_up() -> None:
    async with _serving(body_s=0.05) as client:
        status_line = await _raw_post(client, "Content-Length: 10", b"{")

    assert b" 408 " in status_line


async def test_broken_chunks_are_a_400(client: Client) -> None:
    status_line = await _raw_post(client, "Transfer-Encoding: chunked", b"2\r\n{}\r\nzz\r\n")

    assert b" 400 " in status_line


async def test_problems_name_no_part_of_the_body(client: Client) -> None:
    response = await client.post(
        "/body", data=b'{"a": hunter2}', headers={"Content-Type": "application/json"}
    )

    text = await response.text()
    assert json.loads(text)["code"] == "malformed_json"
    assert "hunter2" not in text
