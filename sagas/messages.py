"""Messages of the saga: what goes over Kafka, signed, and the checks before one is believed.

A message proves nothing by having arrived: whoever can write to a topic must not be able to mint
money. Each carries an HMAC-SHA256 over its version, its step and every field; a step accepts only
its own step, so a try-confirm replayed onto the confirm topic is refused.
"""

import hmac
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from sagas.states import Status
from shards.ids import bucket_of, parse_id
from shards.records import record
from shards.transfers import Transfer

# Of a message that names no transfer it refunds, and of one that does: a worker of the release
# before takes the first, and sets the second aside until redrive sends it again.
VERSION = 1
REFUND_VERSION = 2
KEY_BYTES_MIN = 32
_AMOUNT = re.compile(r"[1-9][0-9]{0,37}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z0-9]{3,10}", re.ASCII)
# What a signature is over, after the version, in this order.
_SIGNED = ("step", "transfer_id", "payer_id", "payee_id", "currency", "amount")
_SIGNED_BY_VERSION = {VERSION: _SIGNED, REFUND_VERSION: (*_SIGNED, "refund_of")}
_SIGNED_FIRST = {version: f"holdfast.message.v{version}" for version in _SIGNED_BY_VERSION}
_FIELDS = {
    version: frozenset(("v", *signed, "key", "mac"))
    for version, signed in _SIGNED_BY_VERSION.items()
}


class Step(StrEnum):
    """Steps that a message asks for."""

    TRY_CONFIRM = "try-confirm"
    CONFIRM = "confirm"
    CANCEL = "cancel"


# What redrive sends for a transfer that is not over.
IMPLIED_STEP = {Status.HELD: Step.TRY_CONFIRM, Status.DEBITED: Step.CONFIRM}


@record
class Message:
    """One step asked for; `amount` is minor units. `traceparent` is told, not signed.

    `refund_of` is the transfer that it refunds, if it does.
    """

    step: Step
    transfer_id: UUID
    payer_id: UUID
    payee_id: UUID
    currency: str
    amount: int
    refund_of: UUID | None
    traceparent: str

    @property
    def bucket(self) -> int:
        """The bucket, and so the partition, the message goes to: its step's shard's user."""
        return bucket_of(self.payee_id if self.step is Step.CONFIRM else self.payer_id)


def message_of(transfer: Transfer, step: Step) -> Message:
    """The message that asks for a step of a transfer; build it from a committed row only."""
    assert transfer.payee_id is not None, "only a rejected transfer has no payee, and it is over"
    return Message(
        step=step,
        transfer_id=transfer.id,
        payer_id=transfer.payer_id,
        payee_id=transfer.payee_id,
        currency=transfer.currency,
        amount=transfer.amount,
        refund_of=transfer.refund_of,
        traceparent=transfer.traceparent,
    )


def implied_message_of(transfer: Transfer) -> Message | None:
    """What the status of a committed row asks for next; None when it is over."""
    step = IMPLIED_STEP.get(Status(transfer.status))
    return message_of(transfer, step) if step is not None else None


class PoisonError(Exception):
    """A message that no repeat will make right; it goes to the dead letters.

    Attributes:
        reason: `undecodable`, `unknown_version`, `wrong_step`, `unknown_key`, `forged` or
            `unknown_bucket`.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class KeyRing:
    """Signs with one key and verifies with all of them, so that keys can be changed under load.

    Args:
        keys: key id to secret of 32 bytes or more.
        signing: the key id that signs; empty takes the first.

    Raises:
        ValueError: no key, a short key, or `signing` is none of them.
    """

    def __init__(self, keys: Mapping[str, bytes], *, signing: str = "") -> None:
        if not keys:
            raise ValueError("no key to sign messages with: set HOLDFAST_MESSAGES__KEYS")
        for key_id, secret in keys.items():
            if len(secret) < KEY_BYTES_MIN:
                raise ValueError(f"message key {key_id!r} is shorter than {KEY_BYTES_MIN} bytes")
        self._signing = signing or next(iter(keys))
        if self._signing not in keys:
            raise ValueError(f"HOLDFAST_MESSAGES__SIGNING_KEY names no key: {self._signing!r}")
        self._keys = dict(keys)

    def encode(self, message: Message) -> bytes:
        """The message as it goes over Kafka."""
        # As text: orjson takes no subclass of UUID, and asyncpg's is one.
        fields = {
            "step": message.step.value,
            "transfer_id": str(message.transfer_id),
            "payer_id": str(message.payer_id),
            "payee_id": str(message.payee_id),
            "currency": message.currency,
            "amount": str(message.amount),
        }
        version = VERSION
        if message.refund_of is not None:
            version = REFUND_VERSION
            fields["refund_of"] = str(message.refund_of)
        mac = _mac(self._keys[self._signing], version, fields.values())
        return orjson.dumps({"v": version, **fields, "key": self._signing, "mac": mac})

    def decode(self, value: bytes | None, *, step: Step, traceparent: str) -> Message:
        """The message in `value`, if it is one that we signed for `step`.

        Raises:
            PoisonError: it is not.
        """
        fields = _fields(value)
        try:
            message = _message(fields, traceparent)
        except (ValueError, TypeError, KeyError) as error:
            raise PoisonError("undecodable", str(error)) from error
        secret = self._keys.get(fields["key"])
        if secret is None:
            raise PoisonError("unknown_key", f"key is {fields['key']!r}")
        version = fields["v"]
        signed = (fields[name] for name in _SIGNED_BY_VERSION[version])
        if not hmac.compare_digest(_mac(secret, version, signed), fields["mac"]):
            raise PoisonError("forged", "the signature does not fit")
        if message.step is not step:
            raise PoisonError("wrong_step", f"{message.step} came to {step}")
        return message


def _fields(value: bytes | None) -> dict[str, Any]:
    try:
        fields = orjson.loads(value or b"")
    except orjson.JSONDecodeError as error:
        raise PoisonError("undecodable", str(error)) from error
    if not isinstance(fields, dict) or "v" not in fields:
        raise PoisonError("undecodable", "not an object with a version")
    # By type too: to Python, true and 1.0 are 1.
    if type(fields["v"]) is not int or fields["v"] not in _FIELDS:
        raise PoisonError("unknown_version", f"v is {fields['v']!r}")
    if fields.keys() != _FIELDS[fields["v"]]:
        raise PoisonError("undecodable", f"fields are {sorted(fields)}")
    return fields


def _message(fields: dict[str, Any], traceparent: str) -> Message:
    key, mac = fields["key"], fields["mac"]
    if not (isinstance(key, str) and isinstance(mac, str) and mac.isascii()):
        raise TypeError("key and mac must be ASCII strings")
    if not _AMOUNT.fullmatch(fields["amount"]):
        raise ValueError("amount is not a positive integer")
    if not _CURRENCY.fullmatch(fields["currency"]):
        raise ValueError("currency is not a code")
    return Message(
        step=Step(fields["step"]),
        transfer_id=_uuid(fields["transfer_id"]),
        payer_id=_uuid(fields["payer_id"]),
        payee_id=_uuid(fields["payee_id"]),
        currency=fields["currency"],
        amount=int(fields["amount"]),
        refund_of=_uuid(fields["refund_of"]) if "refund_of" in fields else None,
        traceparent=traceparent,
    )


def _uuid(text: object) -> UUID:
    if not isinstance(text, str):
        raise TypeError("an id is not a string")
    return parse_id(text)


def _mac(secret: bytes, version: int, signed: Iterable[str]) -> str:
    # No field can hold the separator: the text has one reading.
    text = "|".join((_SIGNED_FIRST[version], *signed))
    return hmac.digest(secret, text.encode(), "sha256").hex()
