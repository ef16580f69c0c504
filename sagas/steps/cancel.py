"""Cancel, on the payer's shard: what is only held is let go. One step, two callers."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from sagas.outcomes import SKIPPED, SetAside, Skipped
from sagas.payer_side import PayerSide, Timing, payer_side
from sagas.states import Event, Reason, Status
from shards.shard import Shard
from shards.transfers import Transfer


class AskedBy(Enum):
    """Who wants it: the payer, or the clock."""

    PAYER = auto()
    EXPIRY = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest:
    """One transfer to be cancelled."""

    transfer_id: UUID
    payer_id: UUID
    asked_by: AskedBy


@dataclass(frozen=True, slots=True)
class CancelDone:
    """The transfer as it stands after the request, which may have come too late."""

    transfer: Transfer


async def cancel(
    shard: Shard, requests: Sequence[CancelRequest], *, wait: bool, timing: Timing
) -> list[CancelDone | SetAside | Skipped]:
    """Cancels held transfers: at once for the payer, for the clock only when the expiry has passed.

    Never touches what is debited. A repeat changes nothing.

    Raises:
        ShardTransientError: run it again.
    """
    asked = {(r.transfer_id, r.payer_id) for r in requests}
    async with payer_side(shard, asked, wait=wait, timing=timing) as side:
        return [_decide(side, request) for request in requests]


def _decide(side: PayerSide, request: CancelRequest) -> CancelDone | SetAside | Skipped:
    if side.is_skipped(request.payer_id):
        return SKIPPED
    transfer = side.find(request.transfer_id, payer_id=request.payer_id)
    if transfer is None:
        return SetAside("unknown_transfer", f"no transfer {request.transfer_id} of this payer")
    if transfer.status == Status.HELD:
        if request.asked_by is AskedBy.PAYER:
            transfer = side.apply(transfer, Event.CANCEL, reason=Reason.CANCELLED_BY_PAYER)
        elif transfer.expires_at <= side.now:
            transfer = side.apply(transfer, Event.CANCEL, reason=Reason.EXPIRED)
    return CancelDone(transfer)
