"""What a shard has to do for transfers, of any step, as one transaction.

A transaction costs more than most of what is done in it, so what waits for a shard shares one,
whichever step it is: the locks, the read, the writes and the commit are the same for all.
"""

from collections.abc import Sequence
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
from shards.connection import Connection
from shards.errors import ShardBusyError
from shards.ids import bucket_of
from shards.opening import Sides, Users, open_sides
from shards.shard import Shard
from shards.verdicts import Verdict, VerdictRaceError
from shards.writes import Write, write_together, write_unless_changed

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
        if not wait and len(works) <= shard.unlocked_max:
            outcomes = await _run_unlocked(shard, works)
            if outcomes is not None:
                return [*outcomes]
        return await _run(shard, works, wait=wait)
    except VerdictRaceError as error:
        raise ShardBusyError(shard.name, f"another worker gave the verdict: {error}") from error


def _is_confirm(work: Work) -> TypeGuard[Message]:
    return isinstance(work, Message) and work.step is Step.CONFIRM


async def _run(shard: Shard, works: Sequence[Work], *, wait: bool) -> list[StepOutcome | Skipped]:
    """With locks: BEGIN, lock, read, write, COMMIT."""
    users = {user_of(work) for work in works}
    async with shard.transaction({bucket_of(user) for user in users}) as conn:
        locked = await lock_step_users(conn, users, wait=wait)
        mine = [work for work in works if user_of(work) not in locked.skipped]
        # An unknown payee has a verdict, too; an unknown payer has no transfer.
        sides = await _open(
            conn, locked.users, [w for w in mine if _is_confirm(w) or w.payer_id in locked.users]
        )
        steps = _Steps(sides)
        outcomes = [
            SKIPPED if user_of(work) in locked.skipped else steps.decide(work) for work in works
        ]
        await write_together(conn, steps.writes())
    return outcomes


async def _run_unlocked(shard: Shard, works: Sequence[Work]) -> list[StepOutcome] | None:
    """Without locks: read, and write unless somebody has changed what was read.

    None when it was not to be had so, and nothing was written.
    """
    async with shard.connection() as conn:
        sides = await _open(conn, None, works)
        steps = _Steps(sides)
        outcomes = [steps.decide(work) for work in works]
        writes = steps.writes()
        # What repeats without writing has not asked whether its buckets are here.
        if not writes or not sides.users:
            return None
        done = await write_unless_changed(
            shard,
            conn,
            writes,
            users=sides.users.values(),
            buckets={bucket_of(user_of(work)) for work in works},
        )
        if not done:
            return None
    return outcomes


async def _open(conn: Connection, locked: Users | None, works: Sequence[Work]) -> Sides:
    return await open_sides(
        conn,
        locked,
        transfers={(work.transfer_id, work.payer_id) for work in works if not _is_confirm(work)},
        verdicts=[
            (work.transfer_id, work.payee_id, work.currency) for work in works if _is_confirm(work)
        ],
    )


class _Steps:
    """What is decided in one transaction, and what it comes to."""

    def __init__(self, sides: Sides) -> None:
        self._book = sides.book
        self._payer = PayerSide(sides)
        self._payee = PayeeSide(sides)

    def decide(self, work: Work) -> StepOutcome:
        match work:
            case Message(step=Step.TRY_CONFIRM):
                return try_confirm(self._payer, work)
            case Message(step=Step.CONFIRM):
                return confirm(self._payee, work)
            case Message():
                expired = CancelRequest(
                    transfer_id=work.transfer_id, payer_id=work.payer_id, asked_by=AskedBy.EXPIRY
                )
                return cancel(self._payer, expired)
            case CancelRequest():
                return cancel(self._payer, work)
            case Verdict():
                return settle(self._payer, work)

    def writes(self) -> list[Write]:
        return [*self._payer.writes(), *self._payee.writes(), *self._book.writes()]
