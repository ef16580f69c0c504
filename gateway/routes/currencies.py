"""GET /currencies and /currencies/{code}."""

from aiohttp import web

from gateway.currencies import Currencies
from gateway.pages import page_response
from gateway.path_ids import path_currency_code
from gateway.present import show_currency
from gateway.problems import Problem
from gateway.query import parse_no_query
from gateway.rate_limits import admit
from gateway.views import json_response


class CurrencyRoutes:
    """What amounts can be in; for anyone."""

    def __init__(self, *, currencies: Currencies) -> None:
        self._currencies = currencies

    def table(self) -> list[web.RouteDef]:
        """Method, path and handler of each route."""
        return [
            web.get("/v1/currencies", self.list_all),
            web.get("/v1/currencies/{code}", self.get_one),
        ]

    async def list_all(self, request: web.Request) -> web.Response:
        """200 with all currencies."""
        await admit(request)
        parse_no_query(request.query)
        shown = [show_currency(currency) for currency in await self._currencies.all()]
        return page_response(request, shown, None)

    async def get_one(self, request: web.Request) -> web.Response:
        """200 with one currency."""
        code = path_currency_code(request, "code")
        currency = await self._currencies.find(code)
        if currency is None:
            raise Problem("not_found")
        await admit(request)
        parse_no_query(request.query)
        return json_response(show_currency(currency))
