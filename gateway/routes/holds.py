"""POST holds; GET, capture and void of one hold."""

from typing import Final
from uuid import UUID

from aiohttp import hdrs, web

from gateway import parameters
from gateway.auth import (
    authenticate,
    own_wallet,
    readable_wallet,
    require_payee_or_operator,
    require_user,
)
from gateway.currencies import Currencies
from gateway.cursors import TransferPosition, encode_transfer_cursor
from gateway.headers import replay_headers
from gateway.holds import Holds
from gateway.json_body import read_optional_json
from gateway.money_request import read_money_request
from gateway.operations import BodyOperation, Operation, Route, Shown, Tag, Who
from gateway.pages import page_response
from gateway.part_request import read_part_request
from gateway.path_ids import path_uuid
from gateway.present import decimals_of, show_hold
from gateway.problems import Problem
from gateway.query import parse_holds_query, parse_no_query
from gateway.rate_limits import admit
from gateway.refusals import AMOUNT, MONEY, PAYEE, PAYER, UNDER_WAY, WRITE
from gateway.schemas import CaptureBody, HoldBody, VoidBody, parse_body
from gateway.tokens import Tokens
from gateway.tracing import trace_of
from gateway.transfer_answers import TransferAnswers, accepted
from gateway.transfer_views import HoldView
from gateway.views import json_response
from sagas.steps.try_transfer import Tried
from shards.holds import Hold, HoldStatus
from shards.lists import list_holds
from shards.router import ShardMap

_HOLD = "/v1/holds/{hold_id}"
CREATE: Final = BodyOperation(
    method=hdrs.METH_POST,
    path="/v1/wallets/{user_id}/holds",
    name="create_hold",
    tag=Tag.HOLDS,
    who=Who.OWNER,
    body=HoldBody,
    has_key=True,
    shown={201: Shown(says="The hold.", view=HoldView, locates=True)},
    refusals=(*MONEY, *PAYER, *PAYEE, *UNDER_WAY, "too_many_holds", *WRITE),
)
LIST: Final = Operation(
    method=hdrs.METH_GET,
    path="/v1/wallets/{user_id}/holds",
    name="list_holds",
    tag=Tag.HOLDS,
    who=Who.OWNER_OR_OPERATOR,
    query=parameters.HOLDS,
    shown={200: Shown(says="A page of holds.", view=HoldView, is_page=True)},
)
GET: Final = Operation(
    method=hdrs.METH_GET,
    path=_HOLD,
    name="get_hold",
    tag=Tag.HOLDS,
    who=Who.PARTY_OR_OPERATOR,
    shown={200: Shown(says="The hold as it is now.", view=HoldView)},
)
CAPTURE: Final = BodyOperation(
    method=hdrs.METH_POST,
    path=f"{_HOLD}/capture",
    name="capture_hold",
    tag=Tag.HOLDS,
    who=Who.PARTY,
    body=CaptureBody,
    may_be_empty=True,
    has_key=True,
    can_wait=True,
    shown=accepted("The transfer that this part of the hold became."),
    refusals=(
        *AMOUNT,
        "payer_frozen",
        "payer_closed",
        "payee_closed",
        "not_party",
        "hold_closed",
        "capture_too_large",
        "too_many_captures",
        *WRITE,
    ),
)
VOID: Final = BodyOperation(
    method=hdrs.METH_POST,
    path=f"{_HOLD}/void",
    name="void_hold",
    tag=Tag.HOLDS,
    who=Who.PAYEE_OR_OPERATOR,
    body=VoidBody,
    may_be_empty=True,
    shown={200: Shown(says="The voided hold.", view=HoldView)},
    refusals=("not_payee", "operator_only", "hold_closed", *WRITE),
)


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

    def table(self) -> list[Route]:
        """Each operation, and what does it."""
        return [
            CREATE.route(self.create),
            LIST.route(self.list_all),
            GET.route(self.get_one),
            CAPTURE.route(self.capture),
            VOID.route(self.void),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """201 with the hold."""
        principal = authenticate(request, self._tokens)
        own_wallet(request, principal)
        await admit(request)
        asked = await read_money_request(
            request, CREATE.body, operation="hold", currencies=self._currencies
        )
        tried = await self._holds.open(principal, asked, traceparent=trace_of(request).traceparent)
        headers = {
            "Location": f"/v1/holds/{tried.hold.id}",
            **replay_headers(replayed=tried.replayed),
        }
        return await self._show(tried.hold, status=201, headers=headers)

    async def list_all(self, request: web.Request) -> web.Response:
        """A page of the payer's holds, newest first; those to be paid by others are with them."""
        user_id = await self._readable_wallet(request)
        await admit(request)
        query = parse_holds_query(request.query, wallet_id=user_id)
        after = (query.after.created_at, query.after.id) if query.after is not None else None
        async with self._shards.of_id(user_id).connection() as conn:
            holds = await list_holds(
                conn, payer_id=user_id, status=query.status, after=after, limit=query.limit + 1
            )
        page, cursor = holds[: query.limit], None
        if len(holds) > query.limit:
            last = TransferPosition(page[-1].created_at, page[-1].id)
            cursor = encode_transfer_cursor(query.scope, last)
        decimals = await decimals_of(self._currencies, {hold.currency for hold in page})
        shown = [show_hold(hold, decimals[hold.currency]) for hold in page]
        return page_response(request, shown, cursor)

    async def _readable_wallet(self, request: web.Request) -> UUID:
        principal = authenticate(request, self._tokens)
        user_id = readable_wallet(request, principal)
        await require_user(self._shards, user_id)
        return user_id

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
            request, CAPTURE.body, operation="capture", resource=hold.id, decimals=decimals
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
        body = parse_body(VOID.body, sent)
        ended = await self._holds.void(principal, hold, reason=body.reason)
        if ended.status is not HoldStatus.VOIDED:
            raise Problem("hold_closed", f"The hold is {ended.status}.")
        return await self._show(ended)

    async def _show(
        self, hold: Hold, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> web.Response:
        decimals = await self._currencies.decimals(hold.currency)
        return json_response(show_hold(hold, decimals), status=status, headers=headers)
