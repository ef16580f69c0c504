"""Cancelling a transfer for its payer: the step, and word to those who wait for the end."""

from gateway.lanes import GatewayLanes
from sagas.notifying import notify_ended
from sagas.states import Reason, Status
from sagas.steps.cancel import AskedBy, CancelRequest
from shards.router import ShardMap
from shards.transfers import Transfer


class Cancels:
    """Cancels transfers."""

    def __init__(self, *, shards: ShardMap, lanes: GatewayLanes) -> None:
        self._shards = shards
        self._lanes = lanes

    async def cancel(self, transfer: Transfer) -> Transfer:
        """The transfer as it stands after its payer's request, which may have come too late."""
        request = CancelRequest(
            transfer_id=transfer.id, payer_id=transfer.payer_id, asked_by=AskedBy.PAYER
        )
        done = (await self._lanes.cancel(request)).transfer
        if is_cancelled_by_payer(done):
            await notify_ended(self._shards.of_id(transfer.id), [done])
        return done


def is_cancelled_by_payer(transfer: Transfer) -> bool:
    """Whether this or an earlier cancel by the payer ended it."""
    return (transfer.status, transfer.reason) == (Status.CANCELLED, Reason.CANCELLED_BY_PAYER)
