"""Transfer rows, on the payer's shard: the frozen-balance record and the memory of the saga.

What a status means and which change is allowed is decided in `sagas`; here a change is only ever
made from the status it was decided on.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from shards.connection import Connection, Row
from shards.ids import bucket_of
from shards.notices import Ended
from shards.records import record
from shards.statements import load_statements
from shards.writes import Write

_SQL = load_statements("transfers")


@record
class Transfer:
    """One TCC saga: one payer, one payee, one amount of minor units.

    Attributes:
        hold_id: the hold that it is a capture of.
        refund_of: the transfer that it gives back, or a part of.
        spent_on: the UTC day on which a capture counts as spent; others count when created.
    """

    id: UUID
    payer_id: UUID
    payee_id: UUID | None
    currency: str
    amount: int
    status: str
    reason: str | None
    caller: str
    idempotency_key: str
    fingerprint: bytes
    metadata: str | None
    traceparent: str
    attempts: int
    next_attempt_at: datetime | None
    created_at: datetime
    expires_at: datetime
    debited_at: datetime | None
    ended_at: datetime | None
    hold_id: UUID | None
    refund_of: UUID | None
    spent_on: date | None

    def changed(
        self,
        *,
        status: str,
        reason: str | None,
        next_attempt_at: datetime | None,
        debited_at: datetime | None,
        ended_at: datetime | None,
    ) -> "Transfer":
        """This transfer after a status change; what does not change with the status is the same."""
        return Transfer(
            id=self.id,
            payer_id=self.payer_id,
            payee_id=self.payee_id,
            currency=self.currency,
            amount=self.amount,
            status=status,
            reason=reason,
            caller=self.caller,
            idempotency_key=self.idempotency_key,
            fingerprint=self.fingerprint,
            metadata=self.metadata,
            traceparent=self.traceparent,
            attempts=0,
            next_attempt_at=next_attempt_at,
            created_at=self.created_at,
            expires_at=self.expires_at,
            debited_at=debited_at,
            ended_at=ended_at,
            hold_id=self.hold_id,
            refund_of=self.refund_of,
            spent_on=self.spent_on,
        )

    def ended_as(self, ended: Ended) -> "Transfer":
        """This transfer, which was open, as it is since it has ended."""
        return self.changed(
            status=ended.status,
            reason=ended.reason,
            next_attempt_at=None,
            debited_at=ended.debited_at,
            ended_at=ended.ended_at,
        )


@record
class StatusChange:
    """A status change: `id` goes from `before` to `after` at `at`.

    `next_attempt_at` is when redrive looks first; None exactly when `after` is terminal.
    """

    id: UUID
    before: str
    after: str
    reason: str | None
    at: datetime
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """What is under way on a shard.

    Attributes:
        oldest_held: age of the transfer that is held longest, of those that were counted; zero when
            none is.
        open: transfers that are not over, counted up to a bound.
    """

    oldest_held: timedelta
    open: int


class StaleStatusError(Exception):
    """A row was not in the status it was decided on, under its payer's lock: a bug."""


async def read_transfers(conn: Connection, ids: Collection[UUID]) -> dict[UUID, Transfer]:
    """The transfers among `ids` that exist. Decide on them only under the payers' locks."""
    return {
        row["id"]: transfer_from_row(row)
        for row in await conn.fetch(_SQL["read_transfers"], list(ids))
    }


def insert_transfers(transfers: Sequence[Transfer]) -> list[Write]:
    """New transfers to write; a key that is taken fails the statement and so the transaction."""
    if not transfers:
        return []
    columns = (
        [t.id for t in transfers],
        [bucket_of(t.id) for t in transfers],
        [t.payer_id for t in transfers],
        [t.payee_id for t in transfers],
        [t.currency for t in transfers],
        [t.amount for t in transfers],
        [t.status for t in transfers],
        [t.reason for t in transfers],
        [t.caller for t in transfers],
        [t.idempotency_key for t in transfers],
        [t.fingerprint for t in transfers],
        [t.metadata for t in transfers],
        [t.traceparent for t in transfers],
        [t.next_attempt_at for t in transfers],
        [t.created_at for t in transfers],
        [t.expires_at for t in transfers],
        [t.debited_at for t in transfers],
        [t.ended_at for t in transfers],
        [t.hold_id for t in transfers],
        [t.refund_of for t in transfers],
        [t.spent_on for t in transfers],
    )
    return [
        Write(
            name="insert_transfers",
            sql=_SQL["insert_transfers"],
            parameters=columns,
            wrong=lambda written: RuntimeError(f"{written} of {len(transfers)} transfers"),
        )
    ]


def change_statuses(changes: Sequence[StatusChange]) -> list[Write]:
    """Status changes to write, each a compare-and-set.

    A row that is not in its `before` raises `StaleStatusError`.
    """
    if not changes:
        return []
    columns = (
        [c.id for c in changes],
        [c.before for c in changes],
        [c.after for c in changes],
        [c.reason for c in changes],
        [c.at for c in changes],
        [c.next_attempt_at for c in changes],
    )
    return [
        Write(
            name="change_statuses",
            sql=_SQL["change_statuses"],
            parameters=columns,
            wrong=lambda written: StaleStatusError(
                f"{written} of {len(changes)} were as decided on: {[str(c.id) for c in changes]}"
            ),
        )
    ]


async def make_due(conn: Connection, transfer_id: UUID) -> bool:
    """Lets redrive look at a transfer now; False when it is over, or not there.

    As `claim_due`, it moves no money and needs no lock of a user.
    """
    return await conn.fetchval(_SQL["make_due"], transfer_id) is not None


async def read_in_flight(conn: Connection, *, count_max: int) -> InFlight:
    """What is under way on this shard; transfers with an open dead letter have no age here.

    Args:
        conn: outside a transaction.
        count_max: open transfers are counted so far and no further.
    """
    (row,) = await conn.fetch(_SQL["read_in_flight"], count_max)
    return InFlight(oldest_held=row["oldest_held"] or timedelta(0), open=row["open"])


async def claim_due(
    conn: Connection,
    *,
    buckets: Collection[int],
    limit: int,
    backoff_base: timedelta,
    backoff_cap: timedelta,
    jitter: float,
) -> list[tuple[Transfer, bool]]:
    """Takes transfers whose next attempt is due, and plans the attempt after this one.

    Rows that a step or another redrive has locked are left to it. Claiming twice is harmless: what
    is done with a claim is the same message again.

    Args:
        conn: outside a transaction; the claim is one statement.
        buckets: the payers' buckets to look in.
        limit: rows at the most.
        backoff_base: wait after the first attempt; doubled for each one after, less jitter.
        backoff_cap: the longest wait.
        jitter: 0 to 1; half of it is the share by which all these waits are shortened.

    Returns:
        Each claimed transfer, and whether its expiry has passed by this shard's clock.
    """
    rows = await conn.fetch(
        _SQL["claim_due"], sorted(buckets), limit, backoff_base, backoff_cap, jitter
    )
    return [(transfer_from_row(row), row["expired"]) for row in rows]


def transfer_from_row(row: Row) -> Transfer:
    """A transfer from all columns of its row."""
    return Transfer(
        id=row["id"],
        payer_id=row["payer_id"],
        payee_id=row["payee_id"],
        currency=row["currency"],
        amount=row["amount"],
        status=row["status"],
        reason=row["reason"],
        caller=row["caller"],
        idempotency_key=row["idempotency_key"],
        fingerprint=row["fingerprint"],
        metadata=row["metadata"],
        traceparent=row["traceparent"],
        attempts=row["attempts"],
        next_attempt_at=row["next_attempt_at"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        debited_at=row["debited_at"],
        ended_at=row["ended_at"],
        hold_id=row["hold_id"],
        refund_of=row["refund_of"],
        spent_on=row["spent_on"],
    )
