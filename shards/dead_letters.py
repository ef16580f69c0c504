"""Dead letters: messages set aside for a person, with the reason, and what was decided on them."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

import orjson

from shards.connection import Connection
from shards.statements import load_statements

_SQL = load_statements("dead_letters")


class ReasonClass(StrEnum):
    """What kind of reason a letter has, by what a person can do about it.

    Poison does not verify, so nothing it says is known to be true. Impossible verifies and asks for
    what the rows forbid. A bug is an error of ours: once mended, doing it again helps.
    """

    POISON = "poison"
    IMPOSSIBLE = "impossible"
    BUG = "bug"


class LetterStatus(StrEnum):
    """What was decided on a letter; decisions are final."""

    OPEN = "open"
    REDRIVEN = "redriven"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One message as it came, and why it was set aside.

    Attributes:
        bucket: the partition it came from; that bucket's shard keeps it.
        position: its offset in the partition.
        reason: a short constant, such as `forged`; `detail` is for the person who reads it.
        step: the step that set it aside.
        transfer_id: only of a message that verified.
        attempts: how often it came.
    """

    id: UUID
    bucket: int
    topic: str
    partition: int
    position: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, str]]
    reason_class: ReasonClass
    reason: str
    detail: str
    step: str
    trace_id: str | None
    transfer_id: UUID | None
    attempts: int

    @property
    def value_sha256(self) -> bytes:
        """What tells its bytes from others at the same place, in a topic that was made anew."""
        return sha256(self.value or b"").digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDeadLetter:
    """A dead letter as the list shows it.

    `reason_class` and `step` are None where a process of an earlier release wrote it.
    """

    id: UUID
    bucket: int
    topic: str
    partition: int
    position: int
    value_bytes: int | None
    reason_class: str | None
    reason: str
    detail: str
    step: str | None
    trace_id: str | None
    transfer_id: UUID | None
    attempts: int
    status: LetterStatus
    created_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDeadLetter(ListedDeadLetter):
    """All of a dead letter; `act_seq` is the number of the act that decided it."""

    key: bytes | None
    value: bytes | None
    value_sha256: bytes
    headers: tuple[tuple[str, str], ...]
    act_seq: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """Which letters to list; None takes all. `reason` is a reason or a class of reasons."""

    status: LetterStatus | None
    reason: str | None
    step: str | None


async def insert_dead_letters(conn: Connection, letters: Sequence[DeadLetter]) -> None:
    """Keeps dead letters; what was kept before is counted there, and its decision stands."""
    kept = _one_of_each_place(letters)
    await conn.execute(
        _SQL["insert_dead_letters"],
        [d.id for d in kept],
        [d.bucket for d in kept],
        [d.topic for d in kept],
        [d.partition for d in kept],
        [d.position for d in kept],
        [d.key for d in kept],
        [d.value for d in kept],
        [d.value_sha256 for d in kept],
        [orjson.dumps(list(d.headers)).decode() for d in kept],
        [d.reason_class.value for d in kept],
        [d.reason for d in kept],
        [d.detail for d in kept],
        [d.step for d in kept],
        [d.trace_id for d in kept],
        [d.transfer_id for d in kept],
        [d.attempts for d in kept],
    )


async def list_dead_letters(
    conn: Connection, *, limit: int, wanted: LetterFilter
) -> list[ListedDeadLetter]:
    """The newest dead letters of this shard, without their bytes."""
    rows = await conn.fetch(
        _SQL["list_dead_letters"], limit, wanted.status, wanted.reason, wanted.step
    )
    return [
        ListedDeadLetter(**{**dict(row), "status": LetterStatus(row["status"])}) for row in rows
    ]


async def read_dead_letter(conn: Connection, id_: UUID) -> StoredDeadLetter | None:
    """All of a dead letter; None when there is none with this id."""
    row = await conn.fetchrow(_SQL["read_dead_letter"], id_)
    if row is None:
        return None
    headers = tuple((name, value) for name, value in orjson.loads(row["headers"]))
    return StoredDeadLetter(
        **{**dict(row), "status": LetterStatus(row["status"]), "headers": headers}
    )


async def lock_dead_letter(conn: Connection, id_: UUID) -> tuple[LetterStatus, int | None]:
    """The status of a letter that is there and the number of its act; locked from now on."""
    row = await conn.fetchrow(_SQL["lock_dead_letter"], id_)
    assert row is not None, "letters are never deleted"
    return LetterStatus(row["status"]), row["act_seq"]


async def decide_dead_letter(
    conn: Connection, id_: UUID, *, status: LetterStatus, act_seq: int
) -> None:
    """Decides a letter that is locked and open, for good."""
    decided = await conn.fetchval(_SQL["decide_dead_letter"], id_, status, act_seq)
    assert decided is not None, "it was open, under its lock"


def _one_of_each_place(letters: Sequence[DeadLetter]) -> list[DeadLetter]:
    """The first letter of each place and bytes, with the attempts of all."""
    first: dict[Hashable, DeadLetter] = {}
    attempts: Counter[Hashable] = Counter()
    for letter in letters:
        place = (letter.topic, letter.partition, letter.position, letter.value_sha256)
        first.setdefault(place, letter)
        attempts[place] += letter.attempts
    return [replace(letter, attempts=attempts[place]) for place, letter in first.items()]
