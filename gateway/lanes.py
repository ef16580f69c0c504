"""The gateway's lanes: requests of one moment for one shard share a transaction, or a read."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from gateway.lane_runs import (
    cancel_on,
    capture_on,
    end_hold_on,
    find_emails_on,
    find_users_on,
    hold_on,
    move_on,
    read_holds_on,
    read_refunds_on,
    read_transfers_on,
    try_on,
)
from sagas.asking import AskingLane, Patience
from sagas.keyed_batch import UnknownWalletError
from sagas.lane import close_lanes
from sagas.lane_options import LaneOptions, RunStep
from sagas.outcomes import Failed
from sagas.steps.cancel import CancelDone, CancelRequest
from sagas.steps.capture import CaptureRequest
from sagas.steps.end_hold import EndHold, HoldSeen
from sagas.steps.move import Moved, MoveRequest
from sagas.steps.open_hold import HoldRequest, HoldTried
from sagas.steps.try_transfer import Timing, Tried, TryRequest
from shards.holds import Hold
from shards.refunds import Refund
from shards.router import ShardMap
from shards.shard import Shard
from shards.transfers import Transfer
from shards.users import UserStatus

_ItemT = TypeVar("_ItemT", bound=Hashable)
_OutcomeT = TypeVar("_OutcomeT")


class _OfPayer(Protocol):
    """A request about what one user pays."""

    @property
    def payer_id(self) -> UUID: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AskingOptions:
    """How a lane gathers, how long its askers wait, and how many one user may have in it."""

    lane: LaneOptions
    patience: Patience
    user_max: int | None


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
        each = shards.shards
        self._tries = {
            s.name: _lane(
                s, "try", try_on(s, timing=timing, open_max=open_per_payer), _payer, steps
            )
            for s in each
        }
        self._moves = {s.name: _lane(s, "move", move_on(s), _mover, steps) for s in each}
        self._cancels = {s.name: _lane(s, "cancel", cancel_on(s), _payer, steps) for s in each}
        self._holds = {
            s.name: _lane(s, "hold", hold_on(s, open_max=open_per_payer), _payer, steps)
            for s in each
        }
        self._captures = {
            s.name: _lane(s, "capture", capture_on(s, timing=timing), _payer, steps) for s in each
        }
        self._hold_ends = {
            s.name: _lane(s, "end-hold", end_hold_on(s), _payer, steps) for s in each
        }
        self._transfers = {
            s.name: _lane(s, "read", read_transfers_on(s), _itself, reads) for s in each
        }
        self._hold_reads = {
            s.name: _lane(s, "read-holds", read_holds_on(s), _itself, reads) for s in each
        }
        self._refunds = {
            s.name: _lane(s, "read-refunds", read_refunds_on(s), _itself, reads) for s in each
        }
        self._users = {
            s.name: _lane(s, "find-users", find_users_on(s), _itself, reads) for s in each
        }
        self._emails = {
            s.name: _lane(s, "find-emails", find_emails_on(s), _itself, reads) for s in each
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
        return await self._hold_reads[self._shards.of_id(hold_id).name].ask(hold_id)

    async def read_refunds(self, transfer_id: UUID) -> Sequence[Refund]:
        """What has come back of a transfer to its payer, oldest first."""
        return await self._refunds[self._shards.of_id(transfer_id).name].ask(transfer_id)

    async def find_refunds(
        self, transfer_ids: Iterable[UUID]
    ) -> dict[UUID, Sequence[Refund] | Failed]:
        """As `read_refunds` of each; `Failed` where it cannot be known."""
        return await _ask_each(self._refunds, transfer_ids, self._shards.of_id)

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
            dict(self._hold_reads),
            dict(self._refunds),
            dict(self._transfers),
            dict(self._users),
            dict(self._emails),
        ]
        return [lane for kind in kinds for lane in kind.values()]


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
        user_max=options.user_max,
    )


def _payer(request: _OfPayer) -> Hashable:
    return request.payer_id


def _mover(request: MoveRequest) -> Hashable:
    return request.user_id


def _itself(item: Hashable) -> Hashable:
    return item
