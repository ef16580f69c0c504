"""What of a transfer may still be refunded, and what has been.

Both are told by verdicts. How much of a transfer is refunded, or on its way, is on its own verdict,
on the shard of its payee, who pays refunds. What has come back is the verdicts on its refunds, on
the shard of its payer, who gets them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from shards.connection import Connection
from shards.statements import load_statements
from shards.writes import Write

_SQL = load_statements("refunds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refundable:
    """What is left of a credited transfer, as its payee's shard has it.

    Attributes:
        amount: minor units that may still be refunded.
        refunds: how many refunds of it are under way or completed.
    """

    payee_id: UUID
    amount: int
    refunds: int


@dataclass(slots=True)
class RefundedChange:
    """By how much what is refunded of a transfer, or on its way, changes.

    Attributes:
        amount: minor units; negative for what may be refunded again.
        refunds: how many there are more.
    """

    amount: int = 0
    refunds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A refund that has reached the payer of the transfer it refunds."""

    transfer_id: UUID
    amount: int


class RefundCapError(Exception):
    """A verdict whose refunds change is not there, under its payee's lock: a bug."""


async def read_refundable(conn: Connection, ids: Collection[UUID]) -> dict[UUID, Refundable]:
    """How much of each of these transfers may still be refunded; what is not credited is absent.

    Decide on it only under the payees' locks.
    """
    rows = await conn.fetch(_SQL["read_refundable"], list(ids))
    return {
        row["transfer_id"]: Refundable(
            payee_id=row["payee_id"], amount=row["refundable"], refunds=row["refund_count"]
        )
        for row in rows
    }


async def read_refunds(conn: Connection, ids: Collection[UUID]) -> dict[UUID, list[Refund]]:
    """What came back of each of these transfers, oldest first; where nothing did, it is absent."""
    refunds: dict[UUID, list[Refund]] = {}
    for row in await conn.fetch(_SQL["read_refunds"], list(ids)):
        refund = Refund(transfer_id=row["transfer_id"], amount=row["amount"])
        refunds.setdefault(row["refund_of"], []).append(refund)
    return refunds


def change_refunded(changes: Mapping[UUID, RefundedChange]) -> list[Write]:
    """Changes to write of how much of each transfer is refunded or on its way.

    A verdict that is not there raises `RefundCapError`; the schema refuses more than the amount.
    """
    if not changes:
        return []
    return [
        Write(
            name="change_refunded",
            sql=_SQL["change_refunded"],
            parameters=(
                list(changes),
                [change.amount for change in changes.values()],
                [change.refunds for change in changes.values()],
            ),
            wrong=lambda written: RefundCapError(f"{written} of {len(changes)} were there"),
        )
    ]
