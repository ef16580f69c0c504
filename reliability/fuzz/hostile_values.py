"""Values that have hurt others: as amounts, as names, as JSON, as keys."""

from typing import Any, Final

ODD_TEXTS: Final = (
    *("", " ", "\t", "0", "-1", "1e9", "0x10", "NaN", "null", "true", "[]", "{}"),
    *("12,50", "1.", ".5", "00.10", "+1.00", "-12.50", "1_000", "1 000", "12.50 ", " 12.50"),
    *("\uff11\uff12.\uff15\uff10", "\u0661\u0662", "\u00bd", "\u221e"),
    *("9" * 28, "9" * 400, "0." + "1" * 19, "1" * 5_000),
    *("'; DROP TABLE users; --", "' OR '1'='1", "${jndi:ldap://x}", "{{7*7}}", "%s%n%p"),
    *("../../etc/passwd", "..%2f..%2f", "<script>alert(1)</script>", "a\r\nX-Evil: 1", "\x1b[31m"),
    *("\0", "a\0b", "\u202eevil", "\ufeff", "\u200b", "\U0001f600" * 200, "e\u0301" * 300),
    *("a@b@c", "@", "a@", "@b", "x" * 255 + "@example.com"),
    "00000000-0000-0000-0000-000000000000",
)
ODD_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63, 10**30, 0.1, -0.0, 1e308),
    *([], [None], [[]], {}, {"": ""}, {"a": {"b": {}}}, [1] * 50),
)
ODD_BYTES: Final = (
    *(b"", b" ", b"null", b"[]", b'""', b"0", b"true", b"{", b"}", b"{]", b'{"a":}', b"{'a': 1}"),
    *(b'{"a":1}{"b":2}', b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1e999}', b'{"a":1,"a":2}'),
    *(b"\xff\xfe", b"\xef\xbb\xbf{}", b'{"a":"\xff"}', b'{"a":"\\ud800"}', b"\x00"),
    *(b"[" * 2_000, b'{"a":' * 500, b"a=1&b=2", b"<a/>", b"\x1f\x8b\x08\x00"),
)
# None of them is 1 to 255 visible ASCII characters, in quotes or bare.
BAD_KEYS: Final = ("", "a b", "x" * 256, '"', '"a', "\x7f", "k\xe9y", "a\tb", '"\\x"')
