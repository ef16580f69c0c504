"""PUT limits: how much of an account may be spent in a day, for operators to say."""

from aiohttp import web

from gateway.auth import authenticate, require_acting_operator, require_user
from gateway.currencies import Currencies
from gateway.json_body import read_json
from gateway.path_ids import path_currency_code, path_uuid
from gateway.present import show_limit
from gateway.problems import Problem
from gateway.query import parse_no_query
from gateway.rate_limits import admit
from gateway.schemas import LimitBody, parse_amounts
from gateway.tokens import Tokens
from gateway.tracing import trace_of
from gateway.views import json_response
from sagas.limits import LimitOrder, set_limit
from shards.operator_acts import NO_REASON
from shards.router import ShardMap


class LimitRoutes:
    """Spending limits of accounts."""

    def __init__(self, *, shards: ShardMap, tokens: Tokens, currencies: Currencies) -> None:
        self._shards = shards
        self._tokens = tokens
        self._currencies = currencies

    def table(self) -> list[web.RouteDef]:
        """Method, path and handler of each route."""
        return [web.put("/v1/wallets/{user_id}/limits/{currency}", self.put)]

    async def put(self, request: web.Request) -> web.Response:
        """200 with the limit, and what this day has spent of it."""
        principal = authenticate(request, self._tokens)
        user_id, code = path_uuid(request, "user_id"), path_currency_code(request)
        await require_acting_operator(principal, self._shards)
        currency = await self._currencies.find(code)
        if currency is None:
            raise Problem("not_found")
        await require_user(self._shards, user_id)
        await admit(request)
        sent = await read_json(request)
        parse_no_query(request.query)
        body = parse_amounts(LimitBody, sent, decimals=currency.decimals)
        limit = await set_limit(
            self._shards.of_id(user_id),
            LimitOrder(
                user_id=user_id,
                currency=code,
                daily=body.daily_minor,
                done_by=str(principal.user_id),
                reason=body.reason or NO_REASON,
                traceparent=trace_of(request).traceparent,
            ),
        )
        shown = show_limit(limit, user_id=user_id, currency=code, decimals=currency.decimals)
        return json_response(shown)
