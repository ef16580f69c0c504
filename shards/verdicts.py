"""Verdicts, on the payee's shard: its final word on a transfer."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shards.connection import Connection, Row
from shards.ids import bucket_of
from shards.records import record
from shards.statements import load_statements
from shards.writes import Write

_SQL = load_statements("verdicts")


class VerdictKind(StrEnum):
    """The two answers; a transfer has one of them for ever."""

    CREDITED = "credited"
    REFUSED = "refused"


@record
class Verdict:
    """The verdict on one transfer, with what was asked; `amount` is minor units.

    `refund_of` is the transfer that it refunds, if it does.
    """

    transfer_id: UUID
    payer_id: UUID
    payee_id: UUID
    currency: str
    amount: int
    kind: VerdictKind
    reason: str | None
    created_at: datetime
    refund_of: UUID | None


class VerdictRaceError(Exception):
    """Another transaction gave the verdict first; run the step again to read it."""


async def read_verdicts(conn: Connection, ids: Collection[UUID]) -> dict[UUID, Verdict]:
    """The verdicts that stand, by transfer id."""
    rows = await conn.fetch(_SQL["read_verdicts"], list(ids))
    return {row["transfer_id"]: verdict_from_row(row) for row in rows}


def insert_verdicts(verdicts: Sequence[Verdict]) -> list[Write]:
    """Verdicts to write; the primary key decides who was first.

    One that is there already raises `VerdictRaceError`: a payee that does not exist has no row to
    lock, so two may try.
    """
    if not verdicts:
        return []
    columns = (
        [v.transfer_id for v in verdicts],
        [bucket_of(v.payee_id) for v in verdicts],
        [v.payer_id for v in verdicts],
        [v.payee_id for v in verdicts],
        [v.currency for v in verdicts],
        [v.amount for v in verdicts],
        [v.kind.value for v in verdicts],
        [v.reason for v in verdicts],
        [v.created_at for v in verdicts],
        [v.refund_of for v in verdicts],
    )
    return [
        Write(
            name="insert_verdicts",
            sql=_SQL["insert_verdicts"],
            parameters=columns,
            wrong=lambda written: VerdictRaceError(
                f"{len(verdicts) - written} of {len(verdicts)} were there"
            ),
        )
    ]


def verdict_from_row(row: Row) -> Verdict:
    """A verdict from its row."""
    return Verdict(
        transfer_id=row["transfer_id"],
        payer_id=row["payer_id"],
        payee_id=row["payee_id"],
        currency=row["currency"],
        amount=row["amount"],
        kind=VerdictKind(row["verdict"]),
        reason=row["reason"],
        created_at=row["created_at"],
        refund_of=row["refund_of"],
    )
