"""Signed messages: what is believed, and what is poison."""

import hashlib
import hmac
import random
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagas.messages import KeyRing, Message, PoisonError, Step
from shards.ids import bucket_of

SECRET = b"0123456789abcdef0123456789abcdef"
OTHER = b"fedcba9876543210fedcba9876543210"
RING = KeyRing({"a": SECRET})
GOLDEN = Message(
    step=Step.CONFIRM,
    transfer_id=UUID("01981234-5678-8007-8000-000000000001"),
    payer_id=UUID("01981234-5678-8007-8000-000000000002"),
    payee_id=UUID("01981234-5678-8003-8000-000000000003"),
    currency="EUR",
    amount=1250,
    refund_of=None,
    traceparent="",
)
GOLDEN_BYTES = (
    b'{"v":1,"step":"confirm","transfer_id":"01981234-5678-8007-8000-000000000001",'
    b'"payer_id":"01981234-5678-8007-8000-000000000002",'
    b'"payee_id":"01981234-5678-8003-8000-000000000003","currency":"EUR","amount":"1250",'
    b'"key":"a","mac":"49b494eb30b786ec46fbda665b646e288fcd42ce809eddb2a823614e3e18e989"}'
)
GOLDEN_FIELDS: dict[str, Any] = orjson.loads(GOLDEN_BYTES)

MESSAGE = st.builds(
    Message,
    step=st.sampled_from(Step),
    transfer_id=st.uuids(),
    payer_id=st.uuids(),
    payee_id=st.uuids(),
    currency=st.from_regex(r"\A[A-Z0-9]{3,10}\Z"),
    amount=st.integers(1, 10**38 - 1),
    traceparent=st.just("00-1-2-01"),
)
# Anything JSON can say, numbers that no integer type holds too.
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abv"), inner, max_size=3),
    max_leaves=5,
)
MUTATED: dict[str, tuple[object, ...]] = {
    "v": ("2", 2, 0, -1, 1.0, True, None, [1], 10**19),
    "step": ("try-confirm", "cancel", "CONFIRM", "", 1, None, ["confirm"], "\x00"),
    "transfer_id": (
        "01981234-5678-8007-8000-00000000000f",
        "019812345678800780000000000000001",
        "01981234567880078000000000000001",
        "{01981234-5678-8007-8000-000000000001}",
        "01981234-5678-8007-8000-000000000001 ",
        "",
        1,
        None,
        [],
    ),
    "payer_id": ("01981234-5678-8007-8000-00000000000f", "x", 7, None, {}),
    "payee_id": ("01981234-5678-8003-8000-00000000000f", "x", 7, None, {}),
    "currency": ("USD", "eur", "EU", "EUR\n", "ＥＵＲ", "E" * 11, 978, None, ["EUR"]),
    "amount": (
        "1251",
        "01250",
        "+1250",
        "-1250",
        "1250.0",
        "1_250",
        "１２５０",
        "1e3",
        "0",
        "",
        "1" * 39,
        1250,
        1250.0,
        True,
        None,
        ["1250"],
    ),
    "key": ("b", "", "\u00e9", 1, None, ["a"]),
    "mac": ("0" * 64, "", "\u00e9", GOLDEN_FIELDS["mac"].upper(), 1, None, [], "x" * 1_000_000),
}


def decode(value: bytes | None, *, ring: KeyRing = RING, step: Step = Step.CONFIRM) -> Message:
    return ring.decode(value, step=step, traceparent="")


def poison(value: bytes | None, *, ring: KeyRing = RING, step: Step = Step.CONFIRM) -> str:
    with pytest.raises(PoisonError) as raised:
        decode(value, ring=ring, step=step)
    return raised.value.reason


@given(MESSAGE)
def test_what_was_signed_is_read_as_it_was(message: Message):
    read = RING.decode(RING.encode(message), step=message.step, traceparent=message.traceparent)

    assert read == message


def test_a_signed_message_is_these_bytes_for_ever():
    assert RING.encode(GOLDEN) == GOLDEN_BYTES
    assert decode(GOLDEN_BYTES) == GOLDEN


def test_the_signature_is_the_one_that_anyone_with_the_key_computes():
    text = "|".join(
        ["holdfast.message.v1", *(str(GOLDEN_FIELDS[name]) for name in list(GOLDEN_FIELDS)[1:7])]
    )

    assert GOLDEN_FIELDS["mac"] == hmac.new(SECRET, text.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field in MUTATED for value in MUTATED[field]]
)
def test_a_changed_field_is_poison(field: str, value: object):
    assert poison(orjson.dumps({**GOLDEN_FIELDS, field: value}))


@given(st.sampled_from(sorted(GOLDEN_FIELDS)), JSON)
def test_any_other_value_of_a_field_is_poison(field: str, value: object):
    changed = orjson.dumps({**GOLDEN_FIELDS, field: value})

    if changed != GOLDEN_BYTES:
        poison(changed)


@pytest.mark.parametrize("field", GOLDEN_FIELDS)
def test_a_missing_field_is_poison(field: str):
    rest = {name: value for name, value in GOLDEN_FIELDS.items() if name != field}

    assert poison(orjson.dumps(rest)) == "undecodable"


def test_an_extra_field_is_poison():
    assert poison(orjson.dumps({**GOLDEN_FIELDS, "fee": "1"})) == "undecodable"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"v": 3}, "unknown_version"),
        ({"v": 2}, "undecodable"),
        ({"v": True}, "unknown_version"),
        ({"amount": "1251"}, "forged"),
        ({"step": "try-confirm"}, "forged"),
        ({"key": "b"}, "unknown_key"),
        ({"amount": 1250}, "undecodable"),
    ],
)
def test_the_reason_says_what_is_wrong(change: dict[str, object], reason: str):
    assert poison(orjson.dumps(GOLDEN_FIELDS | change)) == reason


def test_a_refund_says_what_it_refunds_and_nobody_can_take_it_out_or_put_it_in():
    refund = replace(GOLDEN, refund_of=UUID("01981234-5678-8007-8000-000000000009"))
    fields = orjson.loads(RING.encode(refund))
    without = {name: value for name, value in fields.items() if name != "refund_of"}
    other = fields | {"refund_of": str(GOLDEN.transfer_id)}

    assert fields["v"] == 2
    assert decode(orjson.dumps(fields)) == refund
    assert poison(orjson.dumps(other)) == "forged"
    assert poison(orjson.dumps(without | {"v": 1})) == "forged"
    assert poison(orjson.dumps(fields | {"v": 1})) == "undecodable"
    assert poison(orjson.dumps(GOLDEN_FIELDS | {"v": 2, "refund_of": fields["refund_of"]})) == (
        "forged"
    )


@pytest.mark.parametrize("signed", Step)
@pytest.mark.parametrize("topic", Step)
def test_a_step_takes_only_its_own_messages(signed: Step, topic: Step):
    value = RING.encode(replace(GOLDEN, step=signed))

    if signed is topic:
        assert decode(value, step=topic).step is signed
    else:
        assert poison(value, step=topic) == "wrong_step"


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"null",
        b"[]",
        b"7",
        b'"v"',
        b"{}",
        b"{" * 100_000,
        b'{"v":' + b"9" * 5_000 + b"}",
        b'{"v":1e999}',
        b'{"v":NaN}',
        b'{"v":"\\ud800"}',
        b"\xff\xfe",
        GOLDEN_BYTES[:-1],
        GOLDEN_BYTES + b"x",
        bytes(1_000_000),
        b'{"v":1,"' + b"x" * 1_000_000 + b'":1}',
    ],
    ids=lambda value: repr(value[:16]) if value else repr(value),
)
def test_garbage_is_poison(value: bytes | None):
    assert poison(value) in {"undecodable", "unknown_version"}


@given(st.binary(max_size=300))
def test_bytes_that_we_did_not_sign_are_poison(value: bytes):
    poison(value)


@given(st.integers(0, len(GOLDEN_BYTES) - 1), st.integers(1, 255))
def test_a_byte_that_changed_on_the_way_is_poison(position: int, flip: int):
    broken = bytearray(GOLDEN_BYTES)
    broken[position] ^= flip

    poison(bytes(broken))


def test_a_megabyte_of_random_bytes_is_poison():
    assert poison(random.Random(3).randbytes(1_000_000)) == "undecodable"


def test_keys_change_under_load():
    old = KeyRing({"a": SECRET})
    both = KeyRing({"a": SECRET, "b": OTHER}, signing="b")
    new = KeyRing({"b": OTHER})

    assert decode(old.encode(GOLDEN), ring=both) == GOLDEN
    assert decode(both.encode(GOLDEN), ring=new) == GOLDEN
    assert poison(both.encode(GOLDEN), ring=old) == "unknown_key"


def test_a_key_id_with_another_secret_signs_nothing_of_ours():
    assert poison(KeyRing({"a": OTHER}).encode(GOLDEN)) == "forged"


def test_the_first_key_signs_unless_one_is_named():
    keys = {"a": SECRET, "b": OTHER}

    assert orjson.loads(KeyRing(keys).encode(GOLDEN))["key"] == "a"
    assert orjson.loads(KeyRing(keys, signing="b").encode(GOLDEN))["key"] == "b"


@pytest.mark.parametrize(
    ("keys", "signing", "said"),
    [
        ({}, "", "MESSAGES__KEYS"),
        ({"a": SECRET[:-1]}, "", "'a' is shorter"),
        ({"a": SECRET}, "b", "'b'"),
    ],
)
def test_a_ring_that_could_not_sign_is_refused(keys: dict[str, bytes], signing: str, said: str):
    with pytest.raises(ValueError, match=said) as raised:
        KeyRing(keys, signing=signing)

    assert SECRET[:-1].decode() not in str(raised.value)


@pytest.mark.parametrize(
    ("step", "user"),
    [(Step.TRY_CONFIRM, "payer"), (Step.CANCEL, "payer"), (Step.CONFIRM, "payee")],
)
def test_a_message_goes_to_the_bucket_of_its_steps_user(step: Step, user: str):
    message = replace(GOLDEN, step=step)

    assert message.bucket == bucket_of(getattr(message, f"{user}_id"))


def test_an_id_of_the_database_driver_can_be_signed():
    class DriverUUID(UUID):
        pass

    ours = replace(GOLDEN, transfer_id=DriverUUID(str(GOLDEN.transfer_id)))

    assert RING.encode(ours) == GOLDEN_BYTES
