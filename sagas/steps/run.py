"""What a shard has to do for transfers, of any step, as one transaction.

A transaction costs more than most of what is done in it, so what waits for a shard shares one,
whichever step it is: the locks, the read, the writes and the commit are the same for all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeGuard
from uuid import UUID

from sagas.locking import lock_step_users
from sagas.messages import Message, Step
from sagas.outcomes import SKIPPED, SetAside, Skipped
from sagas.payee_side import PayeeSide
from sagas.payer_side import PayerSide
from sagas.steps.cancel import AskedBy, CancelDone, CancelRequest, cancel
from sagas.steps.confirm import Confirmed, confirm
from sagas.steps.settle import Settled, settle
from sagas.steps.try_confirm import TryConfirmed, try_confirm
from shards.errors import ShardBusyError
from shards.ids import bucket_of
from shards.opening import open_sides
from shards.shard import Shard
from shards.verdicts import Verdict, VerdictRaceError
from shards.writes import write_together

# A message asks for its step, a verdict to be settled.
Work: TypeAlias = Message | CancelRequest | Verdict
StepOutcome: TypeAlias = TryConfirmed | Confirmed | Settled | CancelDone | SetAside


def user_of(work: Work) -> UUID:
    """Whose row it locks: the payee's for a confirm, the payer's for everything else."""
    return work.payee_id if _is_confirm(work) else work.payer_id


async def run_steps(
    shard: Shard, works: Sequence[Work], *, wait: bool
) -> list[StepOutcome | Skipped]:
    """Does all of it, one after another, written together; one outcome each, in order.

    May be run again with the same works at any time: rows tell what is done already, and what
    follows from them is said again.

    Args:
        shard: of the users of all works.
        works: messages are verified.
        wait: whether to wait for locked users or leave their works skipped.

    Raises:
        ShardTransientError: run it again; after `CommitUnknownError` it may have happened.
    """
    try:
        return await _run(shard, works, wait=wait)
    except VerdictRaceError as error:
        raise ShardBusyError(shard.name, f"another worker gave the verdict: {error}") from error


def _is_confirm(work: Work) -> TypeGuard[Message]:
    return isinstance(work, Message) and work.step is Step.CONFIRM


@dataclass(frozen=True, slots=True)
class _Sides:
    payer: PayerSide
    payee: PayeeSide


async def _run(shard: Shard, works: Sequence[Work], *, wait: bool) -> list[StepOutcome | Skipped]:
    users = {user_of(work) for work in works}
    async with shard.transaction({bucket_of(user) for user in users}) as conn:
        locked = await lock_step_users(conn, users, wait=wait)
        book, transfers, verdicts = await open_sides(
            conn,
            locked.users,
            transfers={
                (work.transfer_id, work.payer_id)
                for work in works
                if not _is_confirm(work) and work.payer_id in locked.users
            },
            verdicts=[
                (work.transfer_id, work.payee_id, work.currency)
                for work in works
                if _is_confirm(work) and work.payee_id not in locked.skipped
            ],
        )
        sides = _Sides(
            payer=PayerSide(locked=locked, book=book, transfers=transfers),
            payee=PayeeSide(locked=locked, book=book, verdicts=verdicts),
        )
        outcomes = [
            SKIPPED if user_of(work) in locked.skipped else _decide(sides, work) for work in works
        ]
        await write_together(conn, [*sides.payer.writes(), *sides.payee.writes(), *book.writes()])
    return outcomes


def _decide(sides: _Sides, work: Work) -> StepOutcome:
    match work:
        case Message(step=Step.TRY_CONFIRM):
            return try_confirm(sides.payer, work)
        case Message(step=Step.CONFIRM):
            return confirm(sides.payee, work)
        case Message():
            expired = CancelRequest(
                transfer_id=work.transfer_id, payer_id=work.payer_id, asked_by=AskedBy.EXPIRY
            )
            return cancel(sides.payer, expired)
        case CancelRequest():
            return cancel(sides.payer, work)
        case Verdict():
            return settle(sides.payer, work)
