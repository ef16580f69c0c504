"""The trail of operators' acts: who did what to which row, and why. Rows are only ever added.

The acts of a bucket are numbered 1, 2, 3 and so on. An act's hash is the SHA-256 of one string of
UTF-8 text, its fields in a line each:

    holdfast.act.v1, bucket, seq, act, target_id, done_by, reason, detail, at, prev_hash

Times and hashes are spelled as those of entries (see `shards.entry_hash`); no field can contain the
end of a line. The first act of a bucket has 64 zeros as `prev_hash`.
"""

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any, NamedTuple
from uuid import UUID

from shards.connection import Connection, Row
from shards.ids import bucket_of
from shards.statements import load_statements

_SQL = load_statements("operator_acts")
FIRST_PREV_HASH = bytes(32)
# The reason of an act whose request may leave it out.
NO_REASON = "none given"
# Control characters, those that are not seen or turn the order of others around, halves of
# characters that are no text, and what ends a line in Unicode.
_NO_TEXT = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
# Not seen either, and yet spelling: of Persian, of Hindi, of the emoji of a family.
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAct:
    """What an operator does to a row.

    Attributes:
        act: the kind of row and the verb, such as `dead_letter.discard`.
        target_id: the row; its bucket's trail gets the act.
        done_by: the person's name.
        detail: what was found and what follows.

    Raises:
        ValueError: `done_by` or `reason` says nothing, or a text is not one line.
    """

    act: str
    target_id: UUID
    done_by: str
    reason: str
    detail: str

    def __post_init__(self) -> None:
        for name, text in (("done_by", self.done_by), ("reason", self.reason)):
            if not text.strip():
                raise ValueError(f"{name} is empty")
        for text in (self.done_by, self.reason, self.detail):
            if not is_one_line(text):
                raise ValueError(f"not one line of text: {text!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAct:
    """An act of the trail."""

    bucket: int
    seq: int
    act: str
    target_id: UUID
    done_by: str
    reason: str
    detail: str
    at: datetime


class ActPosition(NamedTuple):
    """A place in the trail, from which a list goes on to what is older."""

    at: datetime
    bucket: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAct:
    """An act with what proves it."""

    act: StoredAct
    prev_hash: bytes
    hash: bytes

    @property
    def position(self) -> ActPosition:
        """Where it stands among the acts of all shards."""
        return ActPosition(self.act.at, self.act.bucket, self.act.seq)


def is_one_line(text: str) -> bool:
    """Whether a text can stand in the trail."""
    return not any(
        unicodedata.category(character) in _NO_TEXT and character not in _JOINERS
        for character in text
    )


async def add_act(conn: Connection, new: NewAct) -> StoredAct:
    """Adds an act to the trail of its target's bucket, in the transaction that makes it true.

    Acts of one bucket wait for each other here until the end of the transaction.
    """
    bucket = bucket_of(new.target_id)
    await conn.execute(_SQL["lock_trail"], bucket)
    # A statement of its own: its snapshot must be younger than the lock.
    end = await conn.fetchrow(_SQL["read_trail_end"], bucket)
    assert end is not None, "the clock is a row"
    act = StoredAct(
        bucket=bucket,
        seq=end["seq"] + 1,
        act=new.act,
        target_id=new.target_id,
        done_by=new.done_by,
        reason=new.reason,
        detail=new.detail,
        at=end["now"],
    )
    prev_hash = end["hash"] or FIRST_PREV_HASH
    await conn.execute(
        _SQL["insert_act"],
        act.bucket,
        act.seq,
        act.act,
        act.target_id,
        act.done_by,
        act.reason,
        act.detail,
        act.at,
        prev_hash,
        act_hash(act, prev_hash=prev_hash),
    )
    return act


async def add_acts(conn: Connection, acts: Iterable[NewAct]) -> None:
    """Adds acts as `add_act` does; those of one bucket in the order given.

    Trails are locked in the order of their buckets, so transactions that do this never wait for
    each other in a circle.
    """
    for act in sorted(acts, key=lambda act: bucket_of(act.target_id)):
        await add_act(conn, act)


async def read_act(conn: Connection, *, bucket: int, seq: int) -> StoredAct | None:
    """One act; None when the trail has no such number."""
    row = await conn.fetchrow(_SQL["read_act"], bucket, seq)
    return _act_from_row(row) if row is not None else None


async def list_acts(
    conn: Connection, *, limit: int, target_id: UUID | None, after: ActPosition | None
) -> list[ListedAct]:
    """The newest acts of this shard, by (at, bucket, seq), descending.

    Args:
        conn: of the shard.
        limit: so many at the most.
        target_id: only those on this row; None for all.
        after: only those that are older than this place.
    """
    place = (None, None, None) if after is None else after
    if target_id is None:
        rows = await conn.fetch(_SQL["list_acts"], limit, *place)
    else:
        rows = await conn.fetch(_SQL["list_acts_on"], limit, *place, target_id)
    return [_listed_from_row(dict(row)) for row in rows]


def newest_acts(listed: Iterable[Iterable[ListedAct]], *, limit: int) -> list[ListedAct]:
    """The newest of what `list_acts` returned for several shards."""
    newest = sorted(chain(*listed), key=lambda act: act.position, reverse=True)
    return list(islice(newest, limit))


def act_hash(act: StoredAct, *, prev_hash: bytes) -> bytes:
    """SHA-256 of the canonical string: 32 bytes."""
    canonical = "\n".join(
        (
            "holdfast.act.v1",
            str(act.bucket),
            str(act.seq),
            act.act,
            str(act.target_id),
            act.done_by,
            act.reason,
            act.detail,
            act.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            prev_hash.hex(),
        )
    )
    return hashlib.sha256(canonical.encode()).digest()


def _listed_from_row(fields: dict[str, Any]) -> ListedAct:
    prev_hash, hash_ = fields.pop("prev_hash"), fields.pop("hash")
    return ListedAct(act=StoredAct(**fields), prev_hash=prev_hash, hash=hash_)


def _act_from_row(row: Row) -> StoredAct:
    return StoredAct(**dict(row))
