"""POST transfers; GET and cancel of one transfer."""

from contextlib import nullcontext

from aiohttp import web

from gateway.auth import authenticate, own_wallet
from gateway.currencies import Currencies
from gateway.headers import wait_seconds
from gateway.json_body import read_optional_json
from gateway.lanes import GatewayLanes
from gateway.money_request import read_money_request
from gateway.path_ids import path_uuid
from gateway.present import show_transfer
from gateway.problems import Problem
from gateway.query import parse_no_query
from gateway.rate_limits import admit
from gateway.schemas import CancelBody, TransferBody, parse_body
from gateway.tokens import Tokens
from gateway.tracing import trace_of
from gateway.transfer_reads import TransferReads
from gateway.tries import Tries
from gateway.views import json_response
from sagas.notifying import notify_ended
from sagas.states import TERMINAL, Reason, Status
from sagas.steps.cancel import AskedBy, CancelRequest
from shards.router import ShardMap
from shards.transfers import Transfer


class TransferRoutes:
    """From one wallet to another."""

    def __init__(
        self,
        *,
        shards: ShardMap,
        tokens: Tokens,
        currencies: Currencies,
        lanes: GatewayLanes,
        reads: TransferReads,
        tries: Tries,
    ) -> None:
        self._shards = shards
        self._tokens = tokens
        self._currencies = currencies
        self._lanes = lanes
        self._reads = reads
        self._tries = tries

    def table(self) -> list[web.RouteDef]:
        """Method, path and handler of each route."""
        return [
            web.post("/v1/wallets/{user_id}/transfers", self.create),
            web.get("/v1/transfers/{transfer_id}", self.get_one),
            web.post("/v1/transfers/{transfer_id}/cancel", self.cancel),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """202 with the held transfer, or 201 when the client waits and it is over in time."""
        principal = authenticate(request, self._tokens)
        payer_id = own_wallet(request, principal)
        await admit(request)
        asked = await read_money_request(
            request, TransferBody, operation="transfer", currencies=self._currencies
        )
        wait_s = wait_seconds(request.headers)
        transfer_id = self._tries.new_id(payer_id)
        # Before the try: its end may come before its answer.
        waiting = self._reads.notices.waiter(transfer_id) if wait_s else nullcontext()
        with waiting as waiter:
            tried = await self._tries.ask(
                principal,
                asked,
                transfer_id=transfer_id,
                traceparent=trace_of(request).traceparent,
            )
            transfer = tried.transfer
            if tried.replayed:
                transfer = await self._reads.settled(transfer, wait_s)
            elif wait_s and waiter is not None:
                transfer = await self._reads.wait(transfer, waiter, wait_s)
        headers = {"Location": f"/v1/transfers/{transfer.id}"}
        if tried.replayed:
            headers["Idempotency-Replayed"] = "true"
        is_over = wait_s is not None and transfer.status in TERMINAL
        return await self._show(transfer, status=201 if is_over else 202, headers=headers)

    async def get_one(self, request: web.Request) -> web.Response:
        """200 with the transfer; with `Prefer: wait`, once it is over or the time is."""
        principal = authenticate(request, self._tokens)
        transfer = await self._reads.visible(path_uuid(request, "transfer_id"), principal)
        await admit(request)
        parse_no_query(request.query)
        transfer = await self._reads.settled(transfer, wait_seconds(request.headers))
        return await self._show(transfer, status=200)

    async def cancel(self, request: web.Request) -> web.Response:
        """200 when this or an earlier cancel by the payer ended it, else 409."""
        principal = authenticate(request, self._tokens)
        transfer = await self._reads.visible(path_uuid(request, "transfer_id"), principal)
        if transfer.payer_id != principal.user_id:
            raise Problem("not_payer")
        await admit(request)
        sent = await read_optional_json(request)
        parse_no_query(request.query)
        parse_body(CancelBody, sent)
        done = await self._lanes.cancel(
            CancelRequest(
                transfer_id=transfer.id, payer_id=transfer.payer_id, asked_by=AskedBy.PAYER
            )
        )
        match Status(done.transfer.status), done.transfer.reason:
            case Status.CANCELLED, Reason.CANCELLED_BY_PAYER:
                await notify_ended(self._shards.of_id(transfer.id), [done.transfer])
                return await self._show(done.transfer, status=200)
            case ((Status.DEBITED | Status.COMPLETED), _):
                raise Problem("already_debited")
            case _:
                raise Problem("already_final", f"The transfer is {done.transfer.status}.")

    async def _show(
        self, transfer: Transfer, *, status: int, headers: dict[str, str] | None = None
    ) -> web.Response:
        decimals = await self._currencies.decimals(transfer.currency)
        return json_response(show_transfer(transfer, decimals), status=status, headers=headers)
