"""POST deposits and withdrawals."""

from aiohttp import web

from gateway.auth import authenticate, own_wallet
from gateway.currencies import Currencies
from gateway.lanes import GatewayLanes
from gateway.money_request import read_money_request
from gateway.present import show_movement
from gateway.problems import Problem
from gateway.rate_limits import admit
from gateway.schemas import MovementBody
from gateway.tokens import Tokens
from gateway.tracing import trace_of
from gateway.views import json_response
from sagas.steps.move import MoveRequest
from shards.ids import IdSource, bucket_of
from shards.movements import MovementKind


class MovementRoutes:
    """Money in from outside, and out again."""

    def __init__(
        self, *, tokens: Tokens, currencies: Currencies, lanes: GatewayLanes, ids: IdSource
    ) -> None:
        self._tokens = tokens
        self._currencies = currencies
        self._lanes = lanes
        self._ids = ids

    def table(self) -> list[web.RouteDef]:
        """Method, path and handler of each route."""
        return [
            web.post("/v1/wallets/{user_id}/deposits", self.deposit),
            web.post("/v1/wallets/{user_id}/withdrawals", self.withdraw),
        ]

    async def deposit(self, request: web.Request) -> web.Response:
        """201 with the movement."""
        return await self._move(request, MovementKind.DEPOSIT)

    async def withdraw(self, request: web.Request) -> web.Response:
        """201 with the movement; 422 `insufficient_funds`: what is held cannot be withdrawn."""
        return await self._move(request, MovementKind.WITHDRAWAL)

    async def _move(self, request: web.Request, kind: MovementKind) -> web.Response:
        principal = authenticate(request, self._tokens)
        user_id = own_wallet(request, principal)
        await admit(request)
        asked = await read_money_request(
            request, MovementBody, operation=kind.value, currencies=self._currencies
        )
        moved = await self._lanes.move(
            MoveRequest(
                movement_id=self._ids.new_id(bucket_of(user_id)),
                user_id=user_id,
                kind=kind,
                currency=asked.body.currency,
                amount=asked.body.amount_minor,
                caller=str(principal.user_id),
                idempotency_key=asked.key,
                fingerprint=asked.fingerprint,
                metadata=asked.metadata,
                traceparent=trace_of(request).traceparent,
                obstacle=asked.obstacle,
            )
        )
        replayed = {"Idempotency-Replayed": "true"} if moved.replayed else {}
        movement = moved.movement
        if movement.reason is not None:
            raise Problem(movement.reason, headers=replayed)
        decimals = await self._currencies.decimals(movement.currency)
        return json_response(show_movement(movement, decimals), status=201, headers=replayed)
