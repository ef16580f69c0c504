"""Notices, pushed by NOTIFY so that nobody polls rows: transfers that ended, users who changed.

A notice is a hint, and nothing that moves money believes it: a lost one costs a waiter its deadline
and nothing else.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shards.connection import Connection
from shards.ids import parse_id
from shards.records import record
from shards.statements import load_statements

_SQL = load_statements("notices")

ENDED_CHANNEL = "holdfast_ended"
# Told by a trigger, whoever changes the status; see migration 0006.
USER_CHANNEL = "holdfast_user"
# A payload must be shorter than 8,000 bytes; an end takes 125 at the most.
_PER_NOTICE = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ITEM, _FIELD, _NONE = ",", " ", "-"


@record
class Ended:
    """How a transfer ended: all that distinguishes its row from what it was while it was open."""

    transfer_id: UUID
    status: str
    reason: str | None
    debited_at: datetime | None
    ended_at: datetime


async def send_notices(conn: Connection, ended: Sequence[Ended]) -> None:
    """Tells all listeners of this shard that these transfers ended.

    After the commit and in a transaction of its own: inside one, NOTIFY takes a lock of the whole
    server through the commit.
    """
    for start in range(0, len(ended), _PER_NOTICE):
        payload = _ITEM.join(_spelled(one) for one in ended[start : start + _PER_NOTICE])
        await conn.execute(_SQL["send_notice"], ENDED_CHANNEL, payload)


def parse_notice(payload: str) -> Iterator[Ended]:
    """The ends in a notice; what is not spelled as ours is left out: anybody may notify."""
    for item in payload.split(_ITEM):
        fields = item.split(_FIELD)
        try:
            id_, status, reason, debited_at, ended_at = fields
            yield Ended(
                transfer_id=parse_id(id_),
                status=status,
                reason=None if reason == _NONE else reason,
                debited_at=None if debited_at == _NONE else _time(debited_at),
                ended_at=_time(ended_at),
            )
        except (ValueError, OverflowError):
            continue


def ids_of_notice(payload: str) -> Iterable[str]:
    """Only which transfers a notice is about, as text."""
    return (item.partition(_FIELD)[0] for item in payload.split(_ITEM))


def _spelled(ended: Ended) -> str:
    debited = _NONE if ended.debited_at is None else _microseconds(ended.debited_at)
    fields = (
        str(ended.transfer_id),
        ended.status,
        ended.reason or _NONE,
        debited,
        _microseconds(ended.ended_at),
    )
    return _FIELD.join(fields)


def _microseconds(at: datetime) -> str:
    return str((at - _EPOCH) // _MICROSECOND)


def _time(text: str) -> datetime:
    return _EPOCH + timedelta(microseconds=int(text))
