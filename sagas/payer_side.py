"""The payer's side of a transfer that exists: its row and its money, changed together.

Try-confirm, settle and cancel differ in what they decide; what a decision does to the money is
here, once.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sagas.events import TRANSFER_STATUS, transfer_data
from sagas.locking import Locked, lock_step_users
from sagas.states import TERMINAL, Event, Reason, Status, transition
from shards.book import Book, EntryKind
from shards.connection import Connection
from shards.ids import bucket_of
from shards.opening import open_transfers
from shards.shard import Shard
from shards.transfers import StatusChange, Transfer, change_statuses
from shards.users import UserStatus
from shards.writes import write_together


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Times that steps plan with.

    Attributes:
        redrive_after: how long a transfer may stay in a status before redrive looks at it.
    """

    redrive_after: timedelta


class PayerSide:
    """Transfers of locked payers, and what a step does to them, for one transaction."""

    def __init__(
        self, *, locked: Locked, book: Book, transfers: Mapping[UUID, Transfer], timing: Timing
    ) -> None:
        self._locked = locked
        self._book = book
        self._transfers = dict(transfers)
        self._timing = timing
        self._changes: list[StatusChange] = []

    @property
    def now(self) -> datetime:
        """The database's clock, read after the locks."""
        return self._book.now

    def is_skipped(self, payer_id: UUID) -> bool:
        """Whether somebody else has the payer's row."""
        return payer_id in self._locked.skipped

    def payer_status(self, transfer: Transfer) -> UserStatus:
        """The payer's status, under its lock."""
        return self._locked.users[transfer.payer_id].status

    def find(self, transfer_id: UUID, *, payer_id: UUID) -> Transfer | None:
        """The transfer as this transaction has it so far, if it is this payer's."""
        transfer = self._transfers.get(transfer_id)
        return transfer if transfer is not None and transfer.payer_id == payer_id else None

    def apply(self, transfer: Transfer, event: Event, *, reason: Reason | None = None) -> Transfer:
        """Moves a transfer on, with its money, and tells it.

        Returns:
            The transfer as it is after the event.

        Raises:
            IllegalTransitionError: its status does not allow the event.
        """
        before = Status(transfer.status)
        after = transition(before, event)
        # The clock may have been set back since; the times of a transfer stay in order.
        at = max(self.now, transfer.debited_at or transfer.created_at)
        self._move_money(transfer, event, at=at)
        due = None if after in TERMINAL else self.now + self._timing.redrive_after
        change = StatusChange(
            id=transfer.id,
            before=before,
            after=after,
            reason=reason,
            at=at,
            next_attempt_at=due,
        )
        self._changes.append(change)
        changed = replace(
            transfer,
            status=after.value,
            reason=reason.value if reason else None,
            attempts=0,
            next_attempt_at=due,
            debited_at=at if after is Status.DEBITED else transfer.debited_at,
            ended_at=at if after in TERMINAL else None,
        )
        self._transfers[transfer.id] = changed
        self._book.tell(
            TRANSFER_STATUS[after],
            user_id=transfer.payer_id,
            data=transfer_data(changed),
            traceparent=transfer.traceparent,
        )
        return changed

    async def write(self, conn: Connection) -> None:
        """Writes statuses, money and events; any row count that is off raises."""
        await write_together(conn, [*change_statuses(self._changes), *self._book.writes()])

    def _move_money(self, transfer: Transfer, event: Event, *, at: datetime) -> None:
        user_id, currency, amount = transfer.payer_id, transfer.currency, transfer.amount
        if event in (Event.DEBIT, Event.CANCEL):
            self._book.release(user_id, currency, amount)
        if event in (Event.DEBIT, Event.REFUND):
            self._book.not_before(user_id, currency, at)
            self._book.post(
                EntryKind.TRANSFER_OUT if event is Event.DEBIT else EntryKind.TRANSFER_RETURN,
                user_id=user_id,
                currency=currency,
                amount=-amount if event is Event.DEBIT else amount,
                source_id=transfer.id,
                counterparty_id=transfer.payee_id,
            )


@asynccontextmanager
async def payer_side(
    shard: Shard, asked: Collection[tuple[UUID, UUID]], *, wait: bool, timing: Timing
) -> AsyncIterator[PayerSide]:
    """One transaction over transfers of this shard: lock, read, decide in the block, write.

    Args:
        shard: the payers' shard.
        asked: (transfer id, payer id) pairs; the payer's row protects the transfer. A transfer that
            turns out to have another payer is absent for whoever asked.
        wait: whether to wait for locked payers or leave them skipped.
        timing: when redrive is to look.

    Raises:
        ShardTransientError: run the step again; after `CommitUnknownError` it may have happened.
    """
    payers = {payer_id for _, payer_id in asked}
    async with shard.transaction({bucket_of(payer_id) for payer_id in payers}) as conn:
        locked = await lock_step_users(conn, payers, wait=wait)
        mine = {(id_, payer_id) for id_, payer_id in asked if payer_id in locked.users}
        book, transfers = await open_transfers(conn, locked.users, mine)
        side = PayerSide(locked=locked, book=book, transfers=transfers, timing=timing)
        yield side
        await side.write(conn)
