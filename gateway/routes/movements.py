"""POST deposits and withdrawals."""

from collections.abc import Set as AbstractSet
from typing import Final
from uuid import UUID

from aiohttp import hdrs, web

from gateway.auth import (
    authenticate,
    own_wallet,
    readable_wallet,
    require_acting_operator,
)
from gateway.currencies import Currencies
from gateway.headers import replay_headers
from gateway.lanes import GatewayLanes
from gateway.money_request import MoneyRequest, read_money_request
from gateway.operations import BodyOperation, Route, Shown, Tag, Who
from gateway.present import show_movement
from gateway.problems import Problem
from gateway.rate_limits import admit
from gateway.refusals import MONEY, PAYER, WRITE
from gateway.schemas import MovementBody
from gateway.tokens import Principal, Tokens
from gateway.tracing import trace_of
from gateway.views import json_response
from gateway.wallet_views import MovementView
from sagas.outcomes import Failed
from sagas.steps.move import MoveRequest
from shards.ids import IdSource, bucket_of
from shards.movements import MovementKind
from shards.operator_acts import NewAct
from shards.router import ShardMap

_MADE = {201: Shown(says="The movement.", view=MovementView)}
DEPOSIT: Final = BodyOperation(
    method=hdrs.METH_POST,
    path="/v1/wallets/{user_id}/deposits",
    name="create_deposit",
    tag=Tag.MOVEMENTS,
    who=Who.OWNER_OR_OPERATOR,
    body=MovementBody,
    has_key=True,
    shown=_MADE,
    refusals=(*MONEY, "operator_only", "balance_limit", "wallet_closed", *WRITE),
)
WITHDRAW: Final = BodyOperation(
    method=hdrs.METH_POST,
    path="/v1/wallets/{user_id}/withdrawals",
    name="create_withdrawal",
    tag=Tag.MOVEMENTS,
    who=Who.OWNER_OR_OPERATOR,
    body=MovementBody,
    has_key=True,
    shown=_MADE,
    refusals=(*MONEY, *PAYER, "operator_only", *WRITE),
)


class MovementRoutes:
    """Money in from outside, and out again.

    Args:
        by_operators: the kinds that operators make, in any wallet, and its owner does not.
    """

    def __init__(
        self,
        *,
        shards: ShardMap,
        tokens: Tokens,
        currencies: Currencies,
        lanes: GatewayLanes,
        ids: IdSource,
        by_operators: AbstractSet[MovementKind],
    ) -> None:
        self._shards = shards
        self._tokens = tokens
        self._currencies = currencies
        self._lanes = lanes
        self._ids = ids
        self._by_operators = by_operators

    def table(self) -> list[Route]:
        """Each operation, and what does it."""
        return [DEPOSIT.route(self.deposit), WITHDRAW.route(self.withdraw)]

    async def deposit(self, request: web.Request) -> web.Response:
        """201 with the movement."""
        return await self._move(request, DEPOSIT, MovementKind.DEPOSIT)

    async def withdraw(self, request: web.Request) -> web.Response:
        """201 with the movement; 422 `insufficient_funds`: what is held cannot be withdrawn."""
        return await self._move(request, WITHDRAW, MovementKind.WITHDRAWAL)

    async def _move(
        self, request: web.Request, operation: BodyOperation[MovementBody], kind: MovementKind
    ) -> web.Response:
        principal = authenticate(request, self._tokens)
        user_id = await self._wallet(request, principal, kind)
        await admit(request)
        asked = await read_money_request(
            request, operation.body, operation=kind.value, currencies=self._currencies
        )
        movement_id = self._ids.new_id(bucket_of(user_id))
        act = None
        if kind in self._by_operators:
            # In an operator's own wallet, too: nobody else made sure that the money is there.
            act = _act(principal, kind, asked, movement_id=movement_id, user_id=user_id)
        moved = await self._lanes.move(
            MoveRequest(
                movement_id=movement_id,
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
                act=act,
            )
        )
        replayed = replay_headers(replayed=moved.replayed)
        movement = moved.movement
        if movement.reason is not None:
            raise Problem(movement.reason, headers=replayed)
        decimals = await self._currencies.decimals(movement.currency)
        return json_response(show_movement(movement, decimals), status=201, headers=replayed)

    async def _wallet(self, request: web.Request, principal: Principal, kind: MovementKind) -> UUID:
        """The wallet in the path, which this sender may move money into or out of.

        What is left to operators is an act of theirs. Its owner may know that the wallet is there.
        """
        if kind not in self._by_operators:
            return own_wallet(request, principal)
        user_id = readable_wallet(request, principal)
        await require_acting_operator(principal, self._shards)
        if not self._shards.knows(user_id):
            raise Problem("not_found")
        found = (await self._lanes.find_users([user_id]))[user_id]
        if found is None:
            raise Problem("not_found")
        if isinstance(found, Failed):
            raise found.error
        return user_id


def _act(
    principal: Principal,
    kind: MovementKind,
    asked: MoneyRequest[MovementBody],
    *,
    movement_id: UUID,
    user_id: UUID,
) -> NewAct:
    verb, way = {
        MovementKind.DEPOSIT: ("deposit", "into"),
        MovementKind.WITHDRAWAL: ("withdraw", "out of"),
    }[kind]
    body = asked.body
    return NewAct(
        act=f"movement.{verb}",
        target_id=movement_id,
        done_by=str(principal.user_id),
        reason=body.reason,
        detail=f"{body.currency}: {body.amount_minor} minor units {way} wallet {user_id}",
    )
