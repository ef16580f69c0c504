"""What the gateway's lanes run: each step, or read, bound to its shard."""

from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from sagas.lane_options import RunStep
from sagas.outcomes import SKIPPED, Failed, SetAside, Skipped
from sagas.steps.cancel import CancelDone, CancelRequest
from sagas.steps.capture import CaptureRequest, capture
from sagas.steps.end_hold import EndHold, HoldSeen, end_holds
from sagas.steps.move import Moved, MoveRequest, move
from sagas.steps.open_hold import HoldRequest, HoldTried, open_holds
from sagas.steps.run import StepOutcome, run_steps
from sagas.steps.try_transfer import Timing, Tried, TryRequest, try_transfers
from shards.connection import Connection
from shards.holds import Hold, read_holds
from shards.refunds import Refund, read_refunds
from shards.shard import Shard
from shards.transfers import Transfer, read_transfers
from shards.users import UserStatus, find_users, find_users_by_email

_ItemT = TypeVar("_ItemT", bound=Hashable)
_FoundT = TypeVar("_FoundT")
_MissingT = TypeVar("_MissingT")


def try_on(shard: Shard, *, timing: Timing, open_max: int) -> RunStep[TryRequest, Tried | Failed]:
    """Tries of this shard."""

    async def run(
        items: Sequence[TryRequest], /, *, wait: bool
    ) -> Sequence[Tried | Failed | Skipped]:
        return await try_transfers(shard, items, wait=wait, timing=timing, open_max=open_max)

    return run


def move_on(shard: Shard) -> RunStep[MoveRequest, Moved | Failed]:
    """Deposits and withdrawals of this shard."""

    async def run(
        items: Sequence[MoveRequest], /, *, wait: bool
    ) -> Sequence[Moved | Failed | Skipped]:
        return await move(shard, items, wait=wait)

    return run


def cancel_on(shard: Shard) -> RunStep[CancelRequest, CancelDone | Failed]:
    """Cancels of this shard."""

    async def run(
        items: Sequence[CancelRequest], /, *, wait: bool
    ) -> Sequence[CancelDone | Failed | Skipped]:
        outcomes = await run_steps(shard, items, wait=wait)
        return [_cancelled(outcome) for outcome in outcomes]

    return run


def _cancelled(outcome: StepOutcome | Skipped) -> CancelDone | Failed | Skipped:
    if outcome is SKIPPED or isinstance(outcome, CancelDone):
        return outcome
    # The handler has read the row: that it is gone since is a bug, and answered as one.
    return Failed(LookupError(str(outcome)))


def hold_on(shard: Shard, *, open_max: int) -> RunStep[HoldRequest, HoldTried | Failed]:
    """Holds of this shard."""

    async def run(
        items: Sequence[HoldRequest], /, *, wait: bool
    ) -> Sequence[HoldTried | Failed | Skipped]:
        return await open_holds(shard, items, wait=wait, open_max=open_max)

    return run


def capture_on(shard: Shard, *, timing: Timing) -> RunStep[CaptureRequest, Tried | Failed]:
    """Captures of this shard."""

    async def run(
        items: Sequence[CaptureRequest], /, *, wait: bool
    ) -> Sequence[Tried | Failed | Skipped]:
        return await capture(shard, items, wait=wait, timing=timing)

    return run


def end_hold_on(shard: Shard) -> RunStep[EndHold, HoldSeen | Failed]:
    """Voids of this shard."""

    async def run(
        items: Sequence[EndHold], /, *, wait: bool
    ) -> Sequence[HoldSeen | Failed | Skipped]:
        outcomes = await end_holds(shard, items, wait=wait)
        return [_hold_seen(outcome) for outcome in outcomes]

    return run


def _hold_seen(outcome: HoldSeen | SetAside | Skipped) -> HoldSeen | Failed | Skipped:
    # The handler has read the row, as of a cancel.
    return Failed(LookupError(str(outcome))) if isinstance(outcome, SetAside) else outcome


def read_transfers_on(shard: Shard) -> RunStep[UUID, Transfer | Failed | None]:
    """Reads of transfers; None for one that is not there."""
    return _look_up(shard, read_transfers, missing=None)


def read_holds_on(shard: Shard) -> RunStep[UUID, Hold | Failed | None]:
    """Reads of holds; None for one that is not there."""
    return _look_up(shard, read_holds, missing=None)


def read_refunds_on(shard: Shard) -> RunStep[UUID, Sequence[Refund] | Failed]:
    """Reads of what has come back of transfers."""
    return _look_up(shard, read_refunds, missing=())


def find_users_on(shard: Shard) -> RunStep[UUID, UserStatus | Failed | None]:
    """Looks for users by id."""
    return _look_up(shard, find_users, missing=None)


def find_emails_on(shard: Shard) -> RunStep[str, tuple[UUID, UserStatus] | Failed | None]:
    """Looks for users by e-mail."""
    return _look_up(shard, find_users_by_email, missing=None)


def _look_up(
    shard: Shard,
    find: Callable[[Connection, Collection[_ItemT]], Awaitable[Mapping[_ItemT, _FoundT]]],
    *,
    missing: _FoundT | _MissingT,
) -> RunStep[_ItemT, _FoundT | _MissingT | Failed]:
    async def run(
        items: Sequence[_ItemT],
        /,
        *,
        wait: bool,  # noqa: ARG001 - a read waits for nobody
    ) -> Sequence[_FoundT | _MissingT]:
        async with shard.connection() as conn:
            found = await find(conn, set(items))
        return [found.get(item, missing) for item in items]

    return run
