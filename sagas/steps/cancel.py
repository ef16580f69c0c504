"""Cancel, on the payer's shard: what is only held is let go. One step, two callers."""

from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from sagas.outcomes import SetAside
from sagas.payer_side import PayerSide
from sagas.states import Event, Reason, Status
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


def cancel(side: PayerSide, request: CancelRequest) -> CancelDone | SetAside:
    """Cancels a held transfer: at once for the payer, for the clock only when it has expired.

    Never touches what is debited. A repeat changes nothing.
    """
    transfer = side.find(request.transfer_id, payer_id=request.payer_id)
    if transfer is None:
        return SetAside("unknown_transfer", f"no transfer {request.transfer_id} of this payer")
    if transfer.status == Status.HELD:
        if request.asked_by is AskedBy.PAYER:
            transfer = side.apply(transfer, Event.CANCEL, reason=Reason.CANCELLED_BY_PAYER)
        elif transfer.expires_at <= side.now:
            transfer = side.apply(transfer, Event.CANCEL, reason=Reason.EXPIRED)
    return CancelDone(transfer)
