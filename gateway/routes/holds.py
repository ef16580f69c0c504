"""POST holds; GET, capture and void of one hold."""

from aiohttp import web

from gateway.auth import authenticate, own_wallet, require_payee_or_operator
from gateway.currencies import Currencies
from gateway.headers import replay_headers
from gateway.holds import Holds
from gateway.json_body import read_optional_json
from gateway.money_request import read_money_request
from gateway.part_request import read_part_request
from gateway.path_ids import path_uuid
from gateway.present import show_hold
from gateway.problems import Problem
from gateway.query import parse_no_query
from gateway.rate_limits import admit
from gateway.schemas import CaptureBody, HoldBody, VoidBody, parse_body
from gateway.tokens import Tokens
from gateway.tracing import trace_of
from gateway.transfer_answers import TransferAnswers
from gateway.views import json_response
from sagas.steps.try_transfer import Tried
from shards.holds import Hold, HoldStatus
from shards.router import ShardMap


class HoldRoutes:
    """Book now, spend later."""

    def __init__(
        self,
        *,
        shards: ShardMap,
        tokens: Tokens,
        currencies: Currencies,
        holds: Holds,
        answers: TransferAnswers,
    ) -> None:
        self._shards = shards
        self._tokens = tokens
        self._currencies = currencies
        self._holds = holds
        self._answers = answers

    def table(self) -> list[web.RouteDef]:
        """Method, path and handler of each route."""
        return [
            web.post("/v1/wallets/{user_id}/holds", self.create),
            web.get("/v1/holds/{hold_id}", self.get_one),
            web.post("/v1/holds/{hold_id}/capture", self.capture),
            web.post("/v1/holds/{hold_id}/void", self.void),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """201 with the hold."""
        principal = authenticate(request, self._tokens)
        own_wallet(request, principal)
        await admit(request)
        asked = await read_money_request(
            request, HoldBody, operation="hold", currencies=self._currencies
        )
        tried = await self._holds.open(principal, asked, traceparent=trace_of(request).traceparent)
        headers = {
            "Location": f"/v1/holds/{tried.hold.id}",
            **replay_headers(replayed=tried.replayed),
        }
        return await self._show(tried.hold, status=201, headers=headers)

    async def get_one(self, request: web.Request) -> web.Response:
        """200 with the hold."""
        principal = authenticate(request, self._tokens)
        hold = await self._holds.visible(path_uuid(request, "hold_id"), principal)
        await admit(request)
        parse_no_query(request.query)
        return await self._show(hold)

    async def capture(self, request: web.Request) -> web.Response:
        """202 with the transfer that this part of the hold became."""
        principal = authenticate(request, self._tokens)
        hold = await self._holds.visible(path_uuid(request, "hold_id"), principal)
        if principal.user_id not in (hold.payer_id, hold.payee_id):
            raise Problem("not_party")
        await admit(request)
        decimals = await self._currencies.decimals(hold.currency)
        asked = await read_part_request(
            request, CaptureBody, operation="capture", resource=hold.id, decimals=decimals
        )
        transfer_id = self._holds.new_id(hold.payer_id)

        async def ask() -> Tried:
            return await self._holds.capture(
                principal,
                hold,
                asked,
                transfer_id=transfer_id,
                traceparent=trace_of(request).traceparent,
            )

        return await self._answers.accepted(request, transfer_id, ask)

    async def void(self, request: web.Request) -> web.Response:
        """200 when this or an earlier void ended it, else 409."""
        principal = authenticate(request, self._tokens)
        hold = await self._holds.visible(path_uuid(request, "hold_id"), principal)
        await require_payee_or_operator(
            principal, payer_id=hold.payer_id, payee_id=hold.payee_id, shards=self._shards
        )
        await admit(request)
        sent = await read_optional_json(request)
        parse_no_query(request.query)
        body = parse_body(VoidBody, sent)
        ended = await self._holds.void(principal, hold, reason=body.reason)
        if ended.status is not HoldStatus.VOIDED:
            raise Problem("hold_closed", f"The hold is {ended.status}.")
        return await self._show(ended)

    async def _show(
        self, hold: Hold, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> web.Response:
        decimals = await self._currencies.decimals(hold.currency)
        return json_response(show_hold(hold, decimals), status=status, headers=headers)
