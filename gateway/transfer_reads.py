"""Reading one transfer: who may see it, and how to wait for its end."""

import asyncio
from uuid import UUID

from gateway.auth import require_party
from gateway.ended import EndedNotices, Waiter
from gateway.lanes import GatewayLanes
from gateway.problems import Problem
from gateway.tokens import Principal
from sagas.asking import LaneFullError
from sagas.states import TERMINAL
from shards.errors import ShardTransientError
from shards.router import ShardMap
from shards.transfers import Transfer


class TransferReads:
    """Reads transfers from their payers' shards."""

    def __init__(self, *, shards: ShardMap, lanes: GatewayLanes, notices: EndedNotices) -> None:
        self._shards = shards
        self._lanes = lanes
        self.notices = notices

    async def visible(self, transfer_id: UUID, principal: Principal) -> Transfer:
        """The transfer, for its payer, its payee and operators.

        Raises:
            Problem: 404 for everybody else, and for an id that is not there, alike.
        """
        if not self._shards.knows(transfer_id):
            raise Problem("not_found")
        transfer = await self._lanes.read_transfer(transfer_id)
        if transfer is None:
            raise Problem("not_found")
        require_party(principal, transfer.payer_id, transfer.payee_id)
        return transfer

    async def settled(self, transfer: Transfer, wait_s: int | None) -> Transfer:
        """The transfer when it is over or `wait_s` is, at once without `wait_s`."""
        if not wait_s or transfer.status in TERMINAL:
            return transfer
        with self.notices.waiter(transfer.id) as waiter:
            # Read after subscribing: what ended before is not told.
            return await self.wait(await self._reread(transfer), waiter, wait_s)

    async def wait(self, transfer: Transfer, waiter: Waiter, wait_s: int) -> Transfer:
        """As `settled`, with a waiter that was there before `transfer` was read."""
        try:
            async with asyncio.timeout(wait_s):
                while transfer.status not in TERMINAL and not self.notices.closing:
                    ended = await waiter.wait()
                    if ended is None:
                        transfer = await self._reread(transfer)
                    else:
                        transfer = transfer.ended_as(ended)
        except TimeoutError:
            return await self._reread(transfer)
        return transfer

    async def look_again(self, transfer: Transfer, waiter: Waiter, *, after_s: float) -> Transfer:
        """The transfer as it is when its end is told, or else after `after_s`.

        It takes twice `after_s` at the most, and the transfer is as it was when it cannot be read:
        whoever watches it goes on watching.
        """
        try:
            async with asyncio.timeout(after_s):
                ended = await waiter.wait()
        except TimeoutError:
            ended = None
        if ended is not None:
            return transfer.ended_as(ended)
        if self.notices.closing:
            return transfer
        try:
            async with asyncio.timeout(after_s):
                return await self._reread(transfer)
        except (TimeoutError, LaneFullError):
            return transfer

    async def _reread(self, transfer: Transfer) -> Transfer:
        try:
            found = await self._lanes.read_transfer(transfer.id)
        except ShardTransientError:
            # What was seen last is true, only old: a try that is committed is no 503.
            return transfer
        assert found is not None, "transfers are never deleted"
        return found
