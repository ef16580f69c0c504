"""GET and PUT limits: how much of an account may be spent in a day, for operators to say."""

from typing import Final
from uuid import UUID

from aiohttp import hdrs, web

from gateway.auth import (
    authenticate,
    readable_wallet,
    require_acting_operator,
    require_currency,
    require_user,
)
from gateway.currencies import Currencies
from gateway.insistence import insist
from gateway.json_body import read_json
from gateway.operations import BodyOperation, Operation, Route, Shown, Tag, Who
from gateway.path_ids import path_currency_code, path_uuid
from gateway.present import show_limit
from gateway.query import parse_no_query
from gateway.rate_limits import admit
from gateway.refusals import AMOUNT, WRITE
from gateway.schemas import LimitBody, parse_amounts
from gateway.tokens import Tokens
from gateway.tracing import trace_of
from gateway.views import json_response
from gateway.wallet_views import LimitView
from sagas.backoff import Backoff
from sagas.limits import LimitOrder, set_limit
from shards.currencies import Currency
from shards.limits import Limit, read_limit
from shards.router import ShardMap

_PATH = "/v1/wallets/{user_id}/limits/{currency}"
GET: Final = Operation(
    method=hdrs.METH_GET,
    path=_PATH,
    name="get_limit",
    tag=Tag.WALLETS,
    who=Who.OWNER_OR_OPERATOR,
    shown={200: Shown(says="The limit of this account.", view=LimitView)},
)
PUT: Final = BodyOperation(
    method=hdrs.METH_PUT,
    path=_PATH,
    name="set_limit",
    tag=Tag.OPERATORS,
    who=Who.OPERATOR,
    body=LimitBody,
    shown={200: Shown(says="The limit of this account.", view=LimitView)},
    refusals=("operator_only", *AMOUNT, *WRITE),
)


class LimitRoutes:
    """Spending limits of accounts."""

    def __init__(
        self, *, shards: ShardMap, tokens: Tokens, currencies: Currencies, backoff: Backoff
    ) -> None:
        self._shards = shards
        self._tokens = tokens
        self._currencies = currencies
        self._backoff = backoff

    def table(self) -> list[Route]:
        """Each operation, and what does it."""
        return [GET.route(self.get), PUT.route(self.put)]

    async def get(self, request: web.Request) -> web.Response:
        """200 with the limit, and what this day has spent of it."""
        principal = authenticate(request, self._tokens)
        user_id = readable_wallet(request, principal)
        currency = await require_currency(self._currencies, path_currency_code(request))
        await require_user(self._shards, user_id)
        await admit(request)
        parse_no_query(request.query)
        async with self._shards.of_id(user_id).connection() as conn:
            limit = await read_limit(conn, user_id=user_id, currency=currency.code)
        return _shown(limit, user_id=user_id, currency=currency)

    async def put(self, request: web.Request) -> web.Response:
        """200 with the limit, and what this day has spent of it."""
        principal = authenticate(request, self._tokens)
        user_id, code = path_uuid(request, "user_id"), path_currency_code(request)
        await require_acting_operator(principal, self._shards)
        currency = await require_currency(self._currencies, code)
        await require_user(self._shards, user_id)
        await admit(request)
        sent = await read_json(request)
        parse_no_query(request.query)
        body = parse_amounts(PUT.body, sent, decimals=currency.decimals)
        shard = self._shards.of_id(user_id)
        order = LimitOrder(
            user_id=user_id,
            currency=code,
            daily=body.daily_minor,
            done_by=str(principal.user_id),
            reason=body.reason,
            traceparent=trace_of(request).traceparent,
        )
        limit = await insist(lambda: set_limit(shard, order), self._backoff)
        return _shown(limit, user_id=user_id, currency=currency)


def _shown(limit: Limit, *, user_id: UUID, currency: Currency) -> web.Response:
    return json_response(
        show_limit(limit, user_id=user_id, currency=currency.code, decimals=currency.decimals)
    )
