"""The gateway's lanes: requests of one moment for one shard share a transaction, or a read."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sagas.asking import AskingLane, Patience
from sagas.keyed_batch import UnknownWalletError
from sagas.lane import close_lanes
from sagas.lane_options import LaneOptions, RunStep
from sagas.outcomes import SKIPPED, Failed, SetAside, Skipped
from sagas.steps.cancel import CancelDone, CancelRequest
from sagas.steps.capture import CaptureRequest, capture
from sagas.steps.end_hold import EndHold, HoldSeen, end_holds
from sagas.steps.move import Moved, MoveRequest, move
from sagas.steps.open_hold import HoldRequest, HoldTried, open_holds
from sagas.steps.run import StepOutcome, run_steps
from sagas.steps.try_transfer import Timing, Tried, TryRequest, try_transfers
from shards.holds import Hold, read_holds
from shards.refunds import Refund, read_refunds
from shards.router import ShardMap
from shards.shard import Shard
from shards.transfers import Transfer, read_transfers
from shards.users import UserStatus, find_users, find_users_by_email

_ItemT = TypeVar("_ItemT", bound=Hashable)
_OutcomeT = TypeVar("_OutcomeT")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskingOptions:
    """How a lane gathers, and how long its askers wait."""

    lane: LaneOptions
    patience: Patience


class GatewayLanes:
    """One lane of each kind per shard.

    Every method raises `LaneFullError` when there is no room, and `ShardTransientError` when the
    shard was away for all attempts: then it may have happened, and the same key tells.
    """

    def __init__(
        self,
        shards: ShardMap,
        *,
        steps: AskingOptions,
        reads: AskingOptions,
        timing: Timing,
        open_per_payer: int,
    ) -> None:
        self._shards = shards
        self._timing = timing
        self._open_per_payer = open_per_payer
        each = shards.shards
        self._tries = {s.name: _lane(s, "try", self._try_on(s), _payer, steps) for s in each}
        self._moves = {s.name: _lane(s, "move", _move_on(s), _mover, steps) for s in each}
        self._cancels = {
            s.name: _lane(s, "cancel", self._cancel_on(s), _canceller, steps) for s in each
        }
        self._holds = {s.name: _lane(s, "hold", self._hold_on(s), _holder, steps) for s in each}
        self._captures = {
            s.name: _lane(s, "capture", self._capture_on(s), _capturer, steps) for s in each
        }
        self._hold_ends = {
            s.name: _lane(s, "end-hold", _end_hold_on(s), _hold_ender, steps) for s in each
        }
        self._transfers = {
            s.name: _lane(s, "read", _read_transfers_on(s), _itself, reads) for s in each
        }
        self._refunds = {
            s.name: _lane(s, "read-refunds", _read_refunds_on(s), _itself, reads) for s in each
        }
        self._users = {
            s.name: _lane(s, "find-users", _find_users_on(s), _itself, reads) for s in each
        }
        self._emails = {
            s.name: _lane(s, "find-emails", _find_emails_on(s), _itself, reads) for s in each
        }

    def start(self) -> None:
        """Begins to run."""
        for lane in self.all():
            lane.start()

    async def close(self, *, within_s: float) -> None:
        """Runs what is left for at most `within_s` a lane."""
        await close_lanes(self.all(), within_s=within_s)

    async def try_transfer(self, request: TryRequest) -> Tried:
        """As `sagas.steps.try_transfer`; raises what it says of this request."""
        self._require_ours(request.payer_id)
        return await self._tries[self._shards.of_id(request.payer_id).name].ask(request)

    async def try_transfers(
        self, payer_id: UUID, requests: Sequence[TryRequest]
    ) -> list[Tried | Failed]:
        """As `try_transfer` of each, all of one payer: what it would raise is its `Failed`."""
        self._require_ours(payer_id)
        return await self._tries[self._shards.of_id(payer_id).name].ask_all(requests)

    async def move(self, request: MoveRequest) -> Moved:
        """As `sagas.steps.move`; raises what it says of this request."""
        self._require_ours(request.user_id)
        return await self._moves[self._shards.of_id(request.user_id).name].ask(request)

    async def cancel(self, request: CancelRequest) -> CancelDone:
        """As `sagas.steps.cancel`."""
        return await self._cancels[self._shards.of_id(request.payer_id).name].ask(request)

    async def open_hold(self, request: HoldRequest) -> HoldTried:
        """As `sagas.steps.open_hold`; raises what it says of this request."""
        self._require_ours(request.payer_id)
        return await self._holds[self._shards.of_id(request.payer_id).name].ask(request)

    async def capture(self, request: CaptureRequest) -> Tried:
        """As `sagas.steps.capture`; raises what it says of this request."""
        return await self._captures[self._shards.of_id(request.payer_id).name].ask(request)

    async def end_hold(self, request: EndHold) -> HoldSeen:
        """As `sagas.steps.end_hold`."""
        return await self._hold_ends[self._shards.of_id(request.payer_id).name].ask(request)

    async def read_hold(self, hold_id: UUID) -> Hold | None:
        """The hold's committed row."""
        async with self._shards.of_id(hold_id).connection() as conn:
            return (await read_holds(conn, [hold_id])).get(hold_id)

    async def read_refunds(self, transfer_id: UUID) -> Sequence[Refund]:
        """What has come back of a transfer to its payer, oldest first."""
        return await self._refunds[self._shards.of_id(transfer_id).name].ask(transfer_id)

    async def read_transfer(self, transfer_id: UUID) -> Transfer | None:
        """The transfer's committed row."""
        return await self._transfers[self._shards.of_id(transfer_id).name].ask(transfer_id)

    async def find_users(self, user_ids: Iterable[UUID]) -> dict[UUID, UserStatus | Failed | None]:
        """Each user's status; None when there is no such user, `Failed` when it cannot be known."""
        return await _ask_each(self._users, user_ids, self._shards.of_id)

    async def find_emails(
        self, emails: Iterable[str]
    ) -> dict[str, tuple[UUID, UserStatus] | Failed | None]:
        """Id and status of the user with each normalised e-mail; otherwise as `find_users`."""
        return await _ask_each(self._emails, emails, self._shards.of_email)

    def _require_ours(self, user_id: UUID) -> None:
        """A token may be signed for a wallet that no shard of this system can have."""
        if not self._shards.knows(user_id):
            raise UnknownWalletError(user_id)

    def all(self) -> list[AskingLane[Any, Any]]:
        """Every lane."""
        kinds: list[dict[str, AskingLane[Any, Any]]] = [
            dict(self._tries),
            dict(self._moves),
            dict(self._cancels),
            dict(self._holds),
            dict(self._captures),
            dict(self._hold_ends),
            dict(self._refunds),
            dict(self._transfers),
            dict(self._users),
            dict(self._emails),
        ]
        return [lane for kind in kinds for lane in kind.values()]

    def _try_on(self, shard: Shard) -> RunStep[TryRequest, Tried | Failed]:
        async def run(
            items: Sequence[TryRequest], /, *, wait: bool
        ) -> Sequence[Tried | Failed | Skipped]:
            return await try_transfers(
                shard, items, wait=wait, timing=self._timing, open_max=self._open_per_payer
            )

        return run

    def _hold_on(self, shard: Shard) -> RunStep[HoldRequest, HoldTried | Failed]:
        async def run(
            items: Sequence[HoldRequest], /, *, wait: bool
        ) -> Sequence[HoldTried | Failed | Skipped]:
            return await open_holds(shard, items, wait=wait, open_max=self._open_per_payer)

        return run

    def _capture_on(self, shard: Shard) -> RunStep[CaptureRequest, Tried | Failed]:
        async def run(
            items: Sequence[CaptureRequest], /, *, wait: bool
        ) -> Sequence[Tried | Failed | Skipped]:
            return await capture(shard, items, wait=wait, timing=self._timing)

        return run

    def _cancel_on(self, shard: Shard) -> RunStep[CancelRequest, CancelDone | Failed]:
        async def run(
            items: Sequence[CancelRequest], /, *, wait: bool
        ) -> Sequence[CancelDone | Failed | Skipped]:
            outcomes = await run_steps(shard, items, wait=wait)
            return [_cancelled(outcome) for outcome in outcomes]

        return run


async def _ask_each(
    lanes: Mapping[str, AskingLane[_ItemT, _OutcomeT]],
    items: Iterable[_ItemT],
    shard_of: Callable[[_ItemT], Shard],
) -> dict[_ItemT, _OutcomeT | Failed]:
    """The outcome of each item from its shard's lane; the shards are asked side by side."""
    by_shard: dict[str, list[_ItemT]] = defaultdict(list)
    for item in items:
        by_shard[shard_of(item).name].append(item)
    if len(by_shard) == 1:
        ((name, mine),) = by_shard.items()
        return dict(zip(mine, await lanes[name].ask_all(mine), strict=True))
    async with asyncio.TaskGroup() as group:
        asked = [
            (mine, group.create_task(lanes[name].ask_all(mine))) for name, mine in by_shard.items()
        ]
    return {
        item: outcome
        for mine, task in asked
        for item, outcome in zip(mine, task.result(), strict=True)
    }


def _lane(
    shard: Shard,
    kind: str,
    run: RunStep[_ItemT, _OutcomeT | Failed],
    user_of: Callable[[_ItemT], Hashable],
    options: AskingOptions,
) -> AskingLane[_ItemT, _OutcomeT]:
    return AskingLane(
        f"{shard.name}.{kind}",
        run=run,
        user_of=user_of,
        options=options.lane,
        patience=options.patience,
    )


def _cancelled(outcome: StepOutcome | Skipped) -> CancelDone | Failed | Skipped:
    if outcome is SKIPPED or isinstance(outcome, CancelDone):
        return outcome
    # The handler has read the row: that it is gone since is a bug, and answered as one.
    return Failed(LookupError(str(outcome)))


def _move_on(shard: Shard) -> RunStep[MoveRequest, Moved | Failed]:
    async def run(
        items: Sequence[MoveRequest], /, *, wait: bool
    ) -> Sequence[Moved | Failed | Skipped]:
        return await move(shard, items, wait=wait)

    return run


def _end_hold_on(shard: Shard) -> RunStep[EndHold, HoldSeen | Failed]:
    async def run(
        items: Sequence[EndHold], /, *, wait: bool
    ) -> Sequence[HoldSeen | Failed | Skipped]:
        outcomes = await end_holds(shard, items, wait=wait)
        return [_hold_seen(outcome) for outcome in outcomes]

    return run


def _hold_seen(outcome: HoldSeen | SetAside | Skipped) -> HoldSeen | Failed | Skipped:
    # The handler has read the row, as of a cancel.
    return Failed(LookupError(str(outcome))) if isinstance(outcome, SetAside) else outcome


def _read_refunds_on(shard: Shard) -> RunStep[UUID, Sequence[Refund] | Failed]:
    async def run(items: Sequence[UUID], /, *, wait: bool) -> Sequence[Sequence[Refund]]:  # noqa: ARG001 - a read waits for nobody
        async with shard.connection() as conn:
            found = await read_refunds(conn, set(items))
        return [found.get(item, ()) for item in items]

    return run


def _read_transfers_on(shard: Shard) -> RunStep[UUID, Transfer | Failed | None]:
    async def run(items: Sequence[UUID], /, *, wait: bool) -> Sequence[Transfer | None]:  # noqa: ARG001 - a read waits for nobody
        async with shard.connection() as conn:
            found = await read_transfers(conn, set(items))
        return [found.get(item) for item in items]

    return run


def _find_users_on(shard: Shard) -> RunStep[UUID, UserStatus | Failed | None]:
    async def run(items: Sequence[UUID], /, *, wait: bool) -> Sequence[UserStatus | None]:  # noqa: ARG001 - a read waits for nobody
        async with shard.connection() as conn:
            found = await find_users(conn, set(items))
        return [found.get(item) for item in items]

    return run


def _find_emails_on(shard: Shard) -> RunStep[str, tuple[UUID, UserStatus] | Failed | None]:
    async def run(
        items: Sequence[str],
        /,
        *,
        wait: bool,  # noqa: ARG001 - a read waits for nobody
    ) -> Sequence[tuple[UUID, UserStatus] | None]:
        async with shard.connection() as conn:
            found = await find_users_by_email(conn, set(items))
        return [found.get(item) for item in items]

    return run


def _payer(request: TryRequest) -> Hashable:
    return request.payer_id


def _mover(request: MoveRequest) -> Hashable:
    return request.user_id


def _holder(request: HoldRequest) -> Hashable:
    return request.payer_id


def _capturer(request: CaptureRequest) -> Hashable:
    return request.payer_id


def _hold_ender(request: EndHold) -> Hashable:
    return request.payer_id


def _canceller(request: CancelRequest) -> Hashable:
    return request.payer_id


def _itself(item: Hashable) -> Hashable:
    return item
