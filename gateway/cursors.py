"""Cursors of lists: opaque to clients, and good only for the list they were given out for.

A cursor holds the position of the last item of a page. It is no secret and proves nothing: whoever
makes one up only chooses where in their own list to go on. So what it holds is checked like input.
"""

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from gateway.path_ids import parse_currency_code
from shards.operator_acts import ActPosition

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CHECK_BYTES = 8
_ACT = struct.Struct(">qiq")
_TRANSFER = struct.Struct(">q16s")
_ENTRY = struct.Struct(">qq")


@dataclass(frozen=True, slots=True)
class TransferPosition:
    """A place in a list of transfers: after (created_at, id)."""

    created_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class EntryPosition:
    """A place in a list of entries: after (at, currency, seq)."""

    at: datetime
    currency: str
    seq: int


@dataclass(frozen=True, slots=True)
class ListScope:
    """What a cursor is bound to: the kind of list, whose it is, and its filters in a fixed order.

    The page size is not part of it: it may change from page to page. A list that is of nobody in
    particular has no owner.
    """

    kind: str
    owner_id: UUID | None
    filters: tuple[str | None, ...]

    def check(self, position: bytes) -> bytes:
        """What tells this list's cursor at `position` from another list's, or a damaged one."""
        text = repr((self.kind, str(self.owner_id), self.filters)).encode()
        return hashlib.blake2b(
            position, key=hashlib.sha256(text).digest(), digest_size=_CHECK_BYTES
        ).digest()


def encode_transfer_cursor(scope: ListScope, position: TransferPosition) -> str:
    """The cursor that goes on after this transfer."""
    return _seal(scope, _TRANSFER.pack(_micros(position.created_at), position.id.bytes))


def decode_transfer_cursor(scope: ListScope, cursor: str) -> TransferPosition | None:
    """The position that `encode_transfer_cursor` was given; None for any other text."""
    packed = _unseal(scope, cursor)
    if packed is None or len(packed) != _TRANSFER.size:
        return None
    micros, id_ = _TRANSFER.unpack(packed)
    created_at = _time(micros)
    return TransferPosition(created_at, UUID(bytes=id_)) if created_at is not None else None


def encode_entry_cursor(scope: ListScope, position: EntryPosition) -> str:
    """The cursor that goes on after this entry."""
    packed = _ENTRY.pack(_micros(position.at), position.seq)
    return _seal(scope, packed + position.currency.encode())


def decode_entry_cursor(scope: ListScope, cursor: str) -> EntryPosition | None:
    """The position that `encode_entry_cursor` was given; None for any other text."""
    packed = _unseal(scope, cursor)
    if packed is None or len(packed) <= _ENTRY.size:
        return None
    micros, seq = _ENTRY.unpack_from(packed)
    at = _time(micros)
    currency = parse_currency_code(packed[_ENTRY.size :].decode(errors="replace"))
    if at is None or currency is None:
        return None
    return EntryPosition(at, currency, seq)


def encode_act_cursor(scope: ListScope, position: ActPosition) -> str:
    """The cursor that goes on after this act."""
    return _seal(scope, _ACT.pack(_micros(position.at), position.bucket, position.seq))


def decode_act_cursor(scope: ListScope, cursor: str) -> ActPosition | None:
    """The position that `encode_act_cursor` was given; None for any other text."""
    packed = _unseal(scope, cursor)
    if packed is None or len(packed) != _ACT.size:
        return None
    micros, bucket, seq = _ACT.unpack(packed)
    at = _time(micros)
    return ActPosition(at, bucket, seq) if at is not None else None


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _time(micros: int) -> datetime | None:
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return None


def _seal(scope: ListScope, packed: bytes) -> str:
    return base64.urlsafe_b64encode(scope.check(packed) + packed).rstrip(b"=").decode()


def _unseal(scope: ListScope, cursor: str) -> bytes | None:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    check, packed = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
    # One spelling only: base64 has spare bits at the end.
    return packed if check == scope.check(packed) and _seal(scope, packed) == cursor else None
