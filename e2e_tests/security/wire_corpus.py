"""Requests that no client sends: each as its bytes, and what may be made of it.

`SMUGGLED` stands in bodies where one parser sees a body and another a request: it is never
answered.
"""

from collections.abc import Iterator
from dataclasses import dataclass

SMUGGLED = b"GET /v1/currencies/EUR HTTP/1.1\r\nHost: x\r\nX-Smuggled: 1\r\n\r\n"
_HOST = b"Host: x\r\n"
_JSON = b"Content-Type: application/json\r\n"
_CODED_IN_CHUNKS = (b"identity, chunked", b"gzip, chunked", b",chunked")


@dataclass(frozen=True, slots=True)
class Wire:
    """One case.

    Attributes:
        what: its name.
        data: all that is sent.
        statuses: one of these is the answer; 0 says that the connection may be closed unheard.
    """

    what: str
    data: bytes
    statuses: tuple[int, ...] = (400,)


def _post(*fields: bytes, body: bytes = b"{}", path: bytes = b"/v1/users") -> bytes:
    return b"POST %b HTTP/1.1\r\n%b%b%b\r\n\r\n%b" % (
        path,
        _HOST,
        _JSON,
        b"\r\n".join(fields),
        body,
    )


def _get(target: bytes = b"/v1/me", *fields: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    head = b"".join(field + b"\r\n" for field in fields)
    return b"GET %b %b\r\n%b%b\r\n" % (target, version, _HOST, head)


def lengths() -> Iterator[Wire]:
    """Two opinions on where a body ends: what is behind it would be another request."""
    chunked = b"Transfer-Encoding: chunked"
    hidden = b"0\r\n\r\n" + SMUGGLED
    length = b"Content-Length: %d" % len(hidden)
    yield Wire("length and chunks", _post(length, chunked, body=hidden))
    yield Wire("chunks and length", _post(chunked, length, body=hidden))
    yield Wire("chunks and a length of 0", _post(chunked, b"Content-Length: 0", body=hidden))
    for value in (
        *(b"+2", b"-2", b"-0", b"2 2", b"2,2", b"2, 3", b"0x2", b"2.0", b"2e0", b"2;", b'"2"', b""),
        *(b"1_0", b"\xef\xbc\x92", b"\xd9\xa2", b"two", b"9" * 30, b"9" * 5_000, b"2\t2", b"NaN"),
        *(b"18446744073709551618", b"4294967298" + b"0" * 20),
    ):
        data = _post(b"Content-Length: " + value, body=b"{}" + SMUGGLED)
        yield Wire(f"length {value[:20]!r}", data)
    for pair in ((b"2", b"3"), (b"2", b"2"), (b"0", b"2")):
        said = (b"Content-Length: " + value for value in pair)
        yield Wire(f"lengths {pair}", _post(*said, body=b"{}" + SMUGGLED))
    for spelled in (
        *(
            b"Content-Length : 2",
            b" Content-Length: 2",
            b"Content-Length\t: 2",
            b"Content-Length 2",
        ),
        *(
            b"Content-Length\x0b: 2",
            b"Content\x00-Length: 2",
            b"Content-Length:\n 2",
            b"Content_Length: 2",
        ),
    ):
        statuses = (400, 415, 422) if b"_" in spelled else (400,)
        yield Wire(f"{spelled!r}", _post(spelled, b"Connection: close", body=b""), statuses)
    for value in (
        *(
            b"xchunked",
            b"chunked, identity",
            b"identity, chunked",
            b"chunked, chunked",
            b"\x0bchunked",
        ),
        *(b"chunked;q=1", b"gzip, chunked", b"gzip", b"identity", b"", b'"chunked"', b"chunked,"),
        *(b"chun ked", b"chunked\x00", b"c\xc4\xa7unked", b"chunked x", b",chunked", b"deflate"),
    ):
        data = _post(b"Transfer-Encoding: " + value, body=hidden)
        if value in _CODED_IN_CHUNKS:
            # One opinion on its end, that of the chunks; what else was done to it is not undone.
            data = _post(b"Transfer-Encoding: " + value, body=b"2\r\n{}\r\n0\r\n\r\n")
        yield Wire(f"coding {value!r}", data, (400, 415))
        both = _post(b"Transfer-Encoding: " + value, length, body=hidden)
        # No coding at all leaves the length.
        yield Wire(f"coding {value!r} and a length", both, (400,) if value else (415,))
    for spelled in (
        *(
            b"Transfer-Encoding : chunked",
            b" Transfer-Encoding: chunked",
            b"Transfer-Encoding\t:chunked",
        ),
        *(b"X: y\nTransfer-Encoding: chunked", b"X: y\rTransfer-Encoding: chunked"),
        *(b"Transfer-Encoding:\r\n chunked", b"Transfer\x00-Encoding: chunked", b": chunked"),
    ):
        yield Wire(f"{spelled!r}", _post(spelled, length, body=hidden))
    twice = (b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity")
    yield Wire("two codings", _post(*twice, body=hidden))


def chunks() -> Iterator[Wire]:
    """Chunks that are none; what follows them is never another request."""
    head = b"Transfer-Encoding: chunked"
    for body in (
        *(
            b"2\r\n{}\r\nzz\r\n",
            b"-2\r\n{}\r\n0\r\n\r\n",
            b"+2\r\n{}\r\n0\r\n\r\n",
            b"0x2\r\n{}\r\n0\r\n\r\n",
        ),
        *(
            b"2 \r\n{}\r\n0\r\n\r\n",
            b" 2\r\n{}\r\n0\r\n\r\n",
            b"2_0\r\n{}\r\n0\r\n\r\n",
            b"\r\n\r\n",
        ),
        *(b"2\r\n{}0\r\n\r\n", b"2\r\n{}xx0\r\n\r\n", b"1\r\n{}\r\n0\r\n\r\n", b"2\n{}\n0\n\n"),
        *(
            b"f" * 20 + b"\r\n{}",
            b"8000000000000000\r\n{}\r\n0\r\n\r\n",
            b"10000000000000002\r\n{}\r\n0\r\n\r\n",
        ),
        *(
            b"2\r{}\r0\r\r",
            b"\x002\r\n{}\r\n0\r\n\r\n",
            b"2;a\nb\r\n{}\r\n0\r\n\r\n",
            b"2;\x00\r\n{}\r\n0\r\n\r\n",
        ),
        b"\xef\xbc\x92\r\n{}\r\n0\r\n\r\n",
    ):
        yield Wire(f"chunks {body[:24]!r}", _post(head, body=body + SMUGGLED), (400, 408))
    for body in (
        *(
            b"2;name=value\r\n{}\r\n0\r\n\r\n",
            b'2;n="a b"\r\n{}\r\n0\r\n\r\n',
            b"02\r\n{}\r\n00\r\n\r\n",
        ),
        b"2\r\n{}\r\n0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    ):
        yield Wire(
            f"chunks {body[:40]!r}", _post(head, b"Connection: close", body=body), (400, 422)
        )
    long = b"2;" + b"a" * 20_000 + b"\r\n{}\r\n0\r\n\r\n"
    yield Wire("a long extension", _post(head, b"Connection: close", body=long), (400, 422, 431))


def lines() -> Iterator[Wire]:
    """Request lines and versions."""
    for data in (
        *(
            b"GET /v1/me\r\n\r\n",
            b"GET  /v1/me HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET\t/v1/me\tHTTP/1.1\r\n\r\n",
        ),
        *(
            b"GET /v1/me HTTP/1.1 \r\nHost: x\r\n\r\n",
            b"GET /v1/me HTTP/0.9\r\n\r\n",
            b"GET / HTTP/3.0\r\n\r\n",
        ),
        *(
            b"GET /v1/me HTTP/1.10\r\nHost: x\r\n\r\n",
            b"GET /v1/me http/1.1\r\nHost: x\r\n\r\n",
            b" GET / HTTP/1.1\r\n\r\n",
        ),
        *(
            b"GET /v1/me HTTP/1\r\nHost: x\r\n\r\n",
            b"GET /v1/me HTTP/1.1\x00\r\nHost: x\r\n\r\n",
            b"\x00\r\n\r\n",
        ),
        *(
            b"GET /v1/me FTP/1.1\r\nHost: x\r\n\r\n",
            b"GET/v1/meHTTP/1.1\r\n\r\n",
            b"GET /v1/me HTTP/1.1\rHost: x\r\r",
        ),
        *(
            b"G\xc3\x8bT / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GE\x00T / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"{}\r\n\r\n",
        ),
        *(
            b"GET /v1/\x00me HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /v1/me\x7f HTTP/1.1\r\nHost: x\r\n\r\n",
        ),
        *(
            b"GET /v1/m\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /v1/\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        ),
        *(b"GET \\v1\\me HTTP/1.1\r\nHost: x\r\n\r\n", b"GET v1/me HTTP/1.1\r\nHost: x\r\n\r\n"),
        *(b"GET * HTTP/1.1\r\nHost: x\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"),
        *(
            b"GET ?x HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET #x HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET  HTTP/1.1\r\n\r\n",
        ),
        *(
            b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"CONNECT /v1/me HTTP/1.1\r\nHost: x\r\n\r\n",
        ),
        *(
            b"TRACE /v1/me HTTP/1.1\r\nHost: x\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"BREW / HTTP/1.1\r\n\r\n",
        ),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x12\x04\x00\x00\x00\x00\x00",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40 + b"\r\n\r\n",
        b"A" * 5_000 + b" / HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        yield Wire(f"{data[:40]!r}", data, (400, 401, 404, 405, 408, 431))
    for target in (
        *(
            b"http://x/v1/me",
            b"http://127.0.0.1:1/v1/me",
            b"https://x/v1/me",
            b"HTTP://X/V1/ME",
            b"x:443",
        ),
        *(
            b"http://",
            b"http://[::1",
            b"http://a:b@x/v1/me",
            b"http://x:99999/v1/me",
            b"//x/v1/me",
            b"ftp://x/",
        ),
        *(
            b"file:///etc/passwd",
            b"javascript:alert(1)",
            b"http:///v1/me",
            b"http://x:/v1/me",
            b"http://\xff/",
        ),
        *(b"/v1/me#x", b"/v1/me?#", b"/" * 4_000, b"/v1/../v1/me", b"/..", b"/./", b"/%", b"/%zz"),
    ):
        yield Wire(f"target {target[:30]!r}", _get(target), (400, 401, 404))
    for long in (b"/" + b"a" * 9_000, b"/v1/me?" + b"a" * 9_000, b"/" + b"%41" * 3_000):
        yield Wire(f"{len(long)} bytes of target", _get(long), (431,))


def paths() -> Iterator[Wire]:
    """Ways to spell a path: none of them is another way to what is there."""
    for path in (
        *(
            b"/v1/%6de",
            b"/v1/me%00",
            b"/v1/%00",
            b"/v1/me%20",
            b"/v1/me%0d%0aX: y",
            b"/v1/me%2f",
            b"/v1%2fme",
        ),
        *(
            b"/v1/%2e/me",
            b"/v1/%2e%2e/v1/me",
            b"/%2e%2e/%2e%2e/etc/passwd",
            b"/v1/..%2fv1/me",
            b"/v1//me",
        ),
        *(
            b"/v1/%252e%252e/me",
            b"/v1/me%2500",
            b"/v1/%c0%ae%c0%ae/me",
            b"/v1/%c0%af",
            b"/v1/%e0%80%ae",
        ),
        *(
            b"/v1/%ff",
            b"/v1/%ed%a0%80",
            b"/v1/me;x=1",
            b"/v1/me%3fx=1",
            b"/v1/%u006de",
            b"/v1/me%",
            b"/v1/me.json",
        ),
        *(
            b"/V1/me",
            b"/v1/ME",
            b"/v1/me/",
            b"/v1/me//",
            b"/.git/config",
            b"/v1/%5c..%5cme",
            b"/v1/\xe2\x80\xaeem",
        ),
        *(
            b"/metrics",
            b"/debug",
            b"/v1/wallets/%2e%2e/me",
            b"/v1/wallets/..;/me",
            b"/v1/transfers/%00/events",
            b"/docs/..%2f..%2fetc%2fpasswd",
            b"/docs/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
            b"/docs/META-INF%2fMANIFEST.MF",
            b"/docs/%5c..%5cx",
            b"/docs/%00",
        ),
    ):
        # `%6d` is an `m`: one and the same path, and 401 like it.
        yield Wire(
            f"path {path!r}", _get(path), (400, 401) if path == b"/v1/%6de" else (400, 401, 404)
        )


def fields() -> Iterator[Wire]:
    """Headers that are none, are too many, or say what they must not."""
    for field in (
        *(
            b"X: a\x00b",
            b"X: a\rb",
            b"X\x00: y",
            b"X y: z",
            b"X\r: y",
            b": y",
            b"X",
            b"\x00: y",
            b"X(: y",
        ),
        *(
            b"X\xc3\xa9: y",
            b"X: a\x01b",
            b"X: a\x7fb",
            b" X: y",
            b"\tX: y",
            b"X: y\r\n folded",
            b"X: y\r\n\tfolded",
        ),
        *(b"Host: y", b"Host: x", b"X : y", b"X{}: y", b'"X": y', b"X@: y", b"X: \x1b[31mred"),
    ):
        yield Wire(f"field {field!r}", _get(b"/v1/me", field), (400,))
    yield Wire("bare line feeds", b"GET /v1/me HTTP/1.1\nHost: x\n\n", (400, 401))
    yield Wire("a line feed in a head", b"GET /v1/me HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", (400, 401))
    yield Wire("no host", b"GET /v1/me HTTP/1.1\r\n\r\n", (400, 401))
    yield Wire("an empty host", b"GET /v1/me HTTP/1.1\r\nHost:\r\n\r\n", (400, 401))
    for host in (
        b"x y",
        b"x/../y",
        b"x\x00",
        b"a@b",
        b"x:99999",
        b"[::1",
        b"'\"><script>",
        b"\xff",
    ):
        yield Wire(f"host {host!r}", b"GET /v1/me HTTP/1.1\r\nHost: %b\r\n\r\n" % host, (400, 401))
    yield Wire("101 fields", _get(b"/v1/me", *[b"X: y"] * 101), (431,))
    yield Wire("a long field", _get(b"/v1/me", b"X: " + b"a" * 9_000), (431,))
    yield Wire("a long name", _get(b"/v1/me", b"a" * 9_000 + b": x"), (431,))
    for expect in (b"x", b"100-continue, x", b"", b"100-Continue", b"200-ok", b"\xff"):
        data = _post(b"Expect: " + expect, b"Content-Length: 2")
        yield Wire(f"expect {expect!r}", data, (400, 417, 422))
        yield Wire(
            f"expect {expect!r}, not there", _get(b"/nothing", b"Expect: " + expect), (404, 417)
        )
    for field in (
        *(b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk",),
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13",
        b"Connection: close, Authorization, Host",
        b"X-HTTP-Method-Override: DELETE\r\nX-Method-Override: DELETE",
        b"X-Forwarded-Host: y\r\nX-Original-URL: /v1/currencies\r\nX-Rewrite-URL: /health",
        b"Range: bytes=0-1,0-2,0-3",
        b"Origin: https://evil.example\r\nAccess-Control-Request-Method: POST",
        b"Accept: " + b"*/*," * 1_000,
        b"Accept-Encoding: gzip, br, *;q=0",
        b"Cookie: " + b"a=b; " * 1_000,
        b"Prefer: wait=" + b"9" * 5_000,
        b"traceparent: 00-\xff-\x00",
    ):
        yield Wire(f"fields {field[:40]!r}", _get(b"/v1/me", field), (400, 401))


def bodies() -> Iterator[Wire]:
    """Bodies that are no JSON in UTF-8, or too much of it."""
    import gzip  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    good = b'{"email": "a@example.com", "password": "0123456789"}'
    for what, body in (
        ("deep arrays", b"[" * 30_000),
        ("deep arrays that end", b"[" * 30_000 + b"]" * 30_000),
        ("deep objects", b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
        ("a wide array", b"[" + b"0," * 30_000 + b"0]"),
        ("many fields", b"{" + b",".join(b'"%d":0' % n for n in range(6_000)) + b"}"),
        ("a byte order mark", b"\xef\xbb\xbf" + good),
        ("UTF-16", good.decode().encode("utf-16")),
        ("UTF-16 without a mark", good.decode().encode("utf-16-le")),
        ("UTF-32", good.decode().encode("utf-32")),
        ("UTF-7", b'+AHs-"email": 1}'),
        ("overlong UTF-8", b'{"email": "\xc0\xa0@x"}'),
        ("surrogates in UTF-8", b'{"email": "\xed\xa0\x80@x"}'),
        ("a lone surrogate", b'{"email": "\\ud800@x"}'),
        ("gzip", gzip.compress(good)),
        ("two documents", good + good),
        ("a comment", b"/**/" + good),
        ("a NUL behind it", good + b"\0"),
        ("a form", b"email=a%40example.com&password=0123456789"),
        (
            "XML",
            b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>',
        ),
        ("proto", b'{"__proto__": {"role": "operator"}, "constructor": {}}'),
        ("a long number", b'{"email": ' + b"9" * 60_000 + b"}"),
        ("a long key", b'{"' + b"a" * 60_000 + b'": 1}'),
        ("a long string", b'{"email": "' + b"a" * 60_000 + b'"}'),
    ):
        data = _post(b"Content-Length: %d" % len(body), body=body)
        yield Wire(what, data, (400, 422))
    too_long = b'{"email": "' + b"a" * 70_000 + b'"}'
    yield Wire("too long", _post(b"Content-Length: %d" % len(too_long), body=too_long), (413,))
    bomb = gzip.compress(b'{"email": "' + b"a" * 10_000_000 + b'"}')
    for coding, body in (
        *((b"gzip", bomb), (b"deflate", zlib.compress(good)), (b"br", good), (b"zstd", good)),
        *((b"x-gzip", bomb), (b"gzip, gzip", bomb), (b"compress", good), (b"unknown", good)),
    ):
        sent = (b"Content-Encoding: " + coding, b"Content-Length: %d" % len(body))
        yield Wire(f"content coding {coding!r}", _post(*sent, body=body), (415,))
    for kind in (
        *(
            b"",
            b"text/plain",
            b"application/xml",
            b"application/json, text/plain",
            b"multipart/form-data",
        ),
        *(
            b"application/json; charset=utf-16",
            b"application/json; charset=utf-7",
            b"application/jsonx",
        ),
        *(
            b"application/x-www-form-urlencoded",
            b"application/problem+json",
            b"*/*",
            b"\xff",
            b"json",
        ),
        *(
            b"application/json\x00",
            b"multipart/form-data; boundary=",
            b"text/json",
            b"application/ json",
        ),
    ):
        data = b"POST /v1/users HTTP/1.1\r\n%bContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b"
        yield Wire(f"type {kind!r}", data % (_HOST, kind, len(good), good), (400, 415))
    none = b"POST /v1/users HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (_HOST, len(good), good)
    yield Wire("no type", none, (415,))
    twice = _post(b"Content-Type: text/plain", b"Content-Length: %d" % len(good), body=good)
    yield Wire("two types", twice, (400, 415))


def all_cases() -> Iterator[Wire]:
    """Every case."""
    for kind in (lengths, chunks, lines, paths, fields, bodies):
        yield from kind()
