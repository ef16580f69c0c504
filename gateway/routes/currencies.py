"""GET /currencies and /currencies/{code}, and POST /currencies by operators."""

from typing import Final

from aiohttp import hdrs, web

from gateway.auth import authenticate, require_acting_operator, require_currency
from gateway.currencies import Currencies
from gateway.json_body import read_json
from gateway.operations import BodyOperation, Operation, Route, Shown, Tag, Who
from gateway.pages import page_response
from gateway.path_ids import path_currency_code
from gateway.present import show_currency
from gateway.query import parse_no_query
from gateway.rate_limits import admit
from gateway.refusals import WRITE
from gateway.schemas import CurrencyBody, parse_body
from gateway.tokens import Tokens
from gateway.views import CurrencyView, json_response
from sagas.currency_acts import CurrencyOrder, put_currency
from shards.ids import IdSource, currency_bucket
from shards.router import ShardMap

LIST: Final = Operation(
    method=hdrs.METH_GET,
    path="/v1/currencies",
    name="list_currencies",
    tag=Tag.CURRENCIES,
    who=Who.ANYONE,
    shown={200: Shown(says="All currencies.", view=CurrencyView, is_page=True)},
)
GET: Final = Operation(
    method=hdrs.METH_GET,
    path="/v1/currencies/{code}",
    name="get_currency",
    tag=Tag.CURRENCIES,
    who=Who.ANYONE,
    shown={200: Shown(says="The currency.", view=CurrencyView)},
)
PUT: Final = BodyOperation(
    method=hdrs.METH_POST,
    path="/v1/currencies",
    name="put_currency",
    tag=Tag.OPERATORS,
    who=Who.OPERATOR,
    body=CurrencyBody,
    shown={
        201: Shown(says="The currency, which is new.", view=CurrencyView),
        200: Shown(says="The currency, which was there, as it is now.", view=CurrencyView),
    },
    refusals=("operator_only", "decimals_fixed", *WRITE),
)


class CurrencyRoutes:
    """What amounts can be in: for anyone to see, for operators to make."""

    def __init__(
        self, *, shards: ShardMap, tokens: Tokens, currencies: Currencies, ids: IdSource
    ) -> None:
        self._shards = shards
        self._tokens = tokens
        self._currencies = currencies
        self._ids = ids

    def table(self) -> list[Route]:
        """Each operation, and what does it."""
        return [LIST.route(self.list_all), GET.route(self.get_one), PUT.route(self.put)]

    async def list_all(self, request: web.Request) -> web.Response:
        """200 with all currencies."""
        await admit(request)
        parse_no_query(request.query)
        shown = [show_currency(currency) for currency in await self._currencies.all()]
        return page_response(request, shown, None)

    async def get_one(self, request: web.Request) -> web.Response:
        """200 with one currency."""
        code = path_currency_code(request, "code")
        currency = await require_currency(self._currencies, code)
        await admit(request)
        parse_no_query(request.query)
        return json_response(show_currency(currency))

    async def put(self, request: web.Request) -> web.Response:
        """201 with a new currency, 200 with one that was there; 409 `decimals_fixed`."""
        principal = authenticate(request, self._tokens)
        await require_acting_operator(principal, self._shards)
        await admit(request)
        sent = await read_json(request)
        parse_no_query(request.query)
        body = parse_body(PUT.body, sent)
        done = await put_currency(
            self._shards.of_currency(body.code),
            CurrencyOrder(
                code=body.code,
                name=body.name,
                decimals=body.decimals,
                enabled=body.enabled,
                act_id=self._ids.new_id(currency_bucket(body.code, self._shards.buckets)),
                done_by=str(principal.user_id),
                reason=body.reason,
            ),
        )
        self._currencies.learn(done.currency)
        return json_response(show_currency(done.currency), status=201 if done.created else 200)
