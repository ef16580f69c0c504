"""Void and expiry, on the payer's shard: what is left of a hold is let go; one step for both."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from sagas.hold_side import HoldSide
from sagas.hold_states import HoldEvent
from sagas.locking import lock_step_users
from sagas.outcomes import SKIPPED, SetAside, Skipped
from shards.holds import Hold, HoldStatus
from shards.ids import bucket_of
from shards.opening import open_holds
from shards.operator_acts import NewAct, add_acts
from shards.shard import Shard
from shards.writes import write_together


class EndedBy(Enum):
    """Who ends it: a person who may, or the clock."""

    VOID = auto()
    EXPIRY = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndHold:
    """One hold to be ended; `act` goes into the trail if this ends it, where an operator asks."""

    hold_id: UUID
    payer_id: UUID
    ended_by: EndedBy
    act: NewAct | None = None


@dataclass(frozen=True, slots=True)
class HoldSeen:
    """The hold as it stands after the request, which may have come too late."""

    hold: Hold


async def end_holds(
    shard: Shard, requests: Sequence[EndHold], *, wait: bool
) -> list[HoldSeen | SetAside | Skipped]:
    """Ends open holds: as expired if they have, else for a void and for nothing else.

    Never touches what is captured. A repeat changes nothing.

    Args:
        shard: the payers' shard.
        requests: for holds of this shard; an unknown one is set aside.
        wait: whether to wait for locked payers or leave them skipped.

    Raises:
        ShardTransientError: run it again; after `CommitUnknownError` it may have happened.
    """
    payers = {request.payer_id for request in requests}
    async with shard.transaction({bucket_of(payer) for payer in payers}) as conn:
        locked = await lock_step_users(conn, payers, wait=wait)
        mine = {(r.hold_id, r.payer_id) for r in requests if r.payer_id in locked.users}
        opened = await open_holds(conn, locked.users, mine)
        ends = _Ends(HoldSide(opened.book, opened.holds))
        outcomes = [
            SKIPPED if request.payer_id in locked.skipped else ends.decide(request)
            for request in requests
        ]
        await write_together(conn, [*ends.side.writes(), *opened.book.writes()])
        await add_acts(conn, ends.acts)
    return outcomes


class _Ends:
    """What is decided in one transaction."""

    def __init__(self, side: HoldSide) -> None:
        self.side = side
        self.acts: list[NewAct] = []

    def decide(self, request: EndHold) -> HoldSeen | SetAside:
        hold = self.side.find(request.hold_id, payer_id=request.payer_id)
        if hold is None:
            return SetAside("unknown_hold", f"no hold {request.hold_id} of this payer")
        if hold.status is HoldStatus.OPEN:
            if self.side.has_expired(hold):
                hold = self.side.end(hold, HoldEvent.EXPIRE)
            elif request.ended_by is EndedBy.VOID:
                hold = self.side.end(hold, HoldEvent.VOID)
                if request.act is not None:
                    self.acts.append(request.act)
        return HoldSeen(hold)
