"""How a request that makes a transfer is answered, and how one transfer is shown."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from uuid import UUID

from aiohttp import web

from gateway.currencies import Currencies
from gateway.headers import replay_headers, wait_seconds
from gateway.lanes import GatewayLanes
from gateway.operations import Shown
from gateway.present import show_transfer
from gateway.transfer_reads import TransferReads
from gateway.transfer_views import TransferView
from gateway.tries import refusal_of
from gateway.views import json_response
from sagas.states import TERMINAL, Status
from sagas.steps.try_transfer import Tried
from shards.transfers import Transfer


def accepted(says: str) -> dict[int, Shown]:
    """What a request that makes a transfer may be answered with.

    Args:
        says: what is shown, as a sentence.
    """
    waited = f"{says} It is over, whichever way: said where the request would wait."
    return {
        202: Shown(says=says, view=TransferView, locates=True),
        201: Shown(says=waited, view=TransferView, locates=True),
    }


def may_have_refunds(transfer: Transfer) -> bool:
    """A refund can be faster than the settle of what it refunds."""
    return transfer.status in (Status.DEBITED, Status.COMPLETED)


class TransferAnswers:
    """Answers that show a transfer."""

    def __init__(
        self, *, currencies: Currencies, lanes: GatewayLanes, reads: TransferReads
    ) -> None:
        self._currencies = currencies
        self._lanes = lanes
        self._reads = reads

    async def accepted(
        self, request: web.Request, transfer_id: UUID, ask: Callable[[], Awaitable[Tried]]
    ) -> web.Response:
        """202 with the transfer, or 201 when the client waits and it is over in time.

        Args:
            request: may say `Prefer: wait`.
            transfer_id: the id that the transfer will have, if it is new.
            ask: makes it, or finds what the key stands for.

        Raises:
            Problem: it was refused, now or under this key before (then with
                `Idempotency-Replayed`).
        """
        wait_s = wait_seconds(request.headers)
        # Before it is asked for: its end may come before its answer.
        waiting = self._reads.notices.waiter(transfer_id) if wait_s else nullcontext()
        with waiting as waiter:
            tried = await ask()
            refusal = refusal_of(tried)
            if refusal is not None:
                raise refusal
            transfer = tried.transfer
            if tried.replayed:
                transfer = await self._reads.settled(transfer, wait_s)
            elif wait_s and waiter is not None:
                transfer = await self._reads.wait(transfer, waiter, wait_s)
        headers = {
            "Location": f"/v1/transfers/{transfer.id}",
            **replay_headers(replayed=tried.replayed),
        }
        is_over = wait_s is not None and transfer.status in TERMINAL
        status = 201 if is_over else 202
        if tried.replayed:
            return await self.shown(transfer, status=status, headers=headers)
        return await self._shown_new(transfer, status=status, headers=headers)

    async def shown(
        self, transfer: Transfer, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> web.Response:
        """A transfer as it is now, with what came back of it."""
        refunds = await self._lanes.read_refunds(transfer.id) if may_have_refunds(transfer) else ()
        decimals = await self._currencies.decimals(transfer.currency)
        view = show_transfer(transfer, decimals, refunds=refunds)
        return json_response(view, status=status, headers=headers)

    async def _shown_new(
        self, transfer: Transfer, *, status: int, headers: Mapping[str, str]
    ) -> web.Response:
        """One that this request has made, of which nothing has come back."""
        decimals = await self._currencies.decimals(transfer.currency)
        return json_response(show_transfer(transfer, decimals), status=status, headers=headers)
