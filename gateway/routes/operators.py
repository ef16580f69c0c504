"""POST freeze, unfreeze and close of a user, and GET audit-trail: for operators."""

from typing import Final
from uuid import UUID

from aiohttp import hdrs, web

from gateway import parameters
from gateway.auth import authenticate, require_acting_operator, require_operator, require_user
from gateway.cursors import encode_act_cursor
from gateway.insistence import insist
from gateway.json_body import read_json
from gateway.operations import BodyOperation, Operation, Route, Shown, Tag, Who
from gateway.pages import page_response
from gateway.path_ids import path_uuid
from gateway.present import show_act, show_user
from gateway.query import TrailQuery, parse_no_query, parse_trail_query
from gateway.rate_limits import admit
from gateway.refusals import WRITE
from gateway.schemas import ReasonBody, parse_body
from gateway.tokens import Tokens
from gateway.tracing import trace_of
from gateway.views import ActView, UserView, json_response
from sagas.backoff import Backoff
from sagas.operators import UserAct
from sagas.user_acts import UserOrder, change_user
from shards.operator_acts import ListedAct, list_acts, newest_acts
from shards.router import ShardMap
from shards.shard import Shard

_CLOSED = ("operator_only", "user_closed", *WRITE)


def _change_of(verb: str, *, refusals: tuple[str, ...]) -> BodyOperation[ReasonBody]:
    return BodyOperation(
        method=hdrs.METH_POST,
        path=f"/v1/users/{{user_id}}/{verb}",
        name=f"{verb}_user",
        tag=Tag.OPERATORS,
        who=Who.OPERATOR,
        body=ReasonBody,
        shown={200: Shown(says="The user as it is now.", view=UserView)},
        refusals=refusals,
    )


FREEZE: Final = _change_of("freeze", refusals=_CLOSED)
UNFREEZE: Final = _change_of("unfreeze", refusals=_CLOSED)
CLOSE: Final = _change_of("close", refusals=("operator_only", "not_empty", *WRITE))
TRAIL: Final = Operation(
    method=hdrs.METH_GET,
    path="/v1/audit-trail",
    name="list_acts",
    tag=Tag.OPERATORS,
    who=Who.OPERATOR,
    query=parameters.TRAIL,
    shown={200: Shown(says="A page of acts.", view=ActView, is_page=True)},
    refusals=("operator_only",),
)


class OperatorRoutes:
    """What operators do to users, and what all of them did."""

    def __init__(self, *, shards: ShardMap, tokens: Tokens, backoff: Backoff) -> None:
        self._shards = shards
        self._tokens = tokens
        self._backoff = backoff

    def table(self) -> list[Route]:
        """Each operation, and what does it."""
        return [
            FREEZE.route(self.freeze),
            UNFREEZE.route(self.unfreeze),
            CLOSE.route(self.close),
            TRAIL.route(self.trail),
        ]

    async def freeze(self, request: web.Request) -> web.Response:
        """200 with the user, who from now on only receives; 409 `user_closed`."""
        return await self._change(request, FREEZE, UserAct.FREEZE)

    async def unfreeze(self, request: web.Request) -> web.Response:
        """200 with the user, open again; 409 `user_closed`."""
        return await self._change(request, UNFREEZE, UserAct.UNFREEZE)

    async def close(self, request: web.Request) -> web.Response:
        """200 with the user, closed for good; 409 `not_empty`."""
        return await self._change(request, CLOSE, UserAct.CLOSE)

    async def trail(self, request: web.Request) -> web.Response:
        """200 with a page of acts, newest first; 503 when a shard that may have some is away."""
        require_operator(authenticate(request, self._tokens))
        await admit(request)
        query = parse_trail_query(request.query)
        listed = [await _list_on(shard, query) for shard in self._shards_of(query.target)]
        acts = newest_acts(listed, limit=query.limit + 1)
        page, cursor = acts[: query.limit], None
        if len(acts) > query.limit:
            cursor = encode_act_cursor(query.scope, page[-1].position)
        return page_response(request, [show_act(act) for act in page], cursor)

    async def _change(
        self, request: web.Request, operation: BodyOperation[ReasonBody], act: UserAct
    ) -> web.Response:
        principal = authenticate(request, self._tokens)
        user_id = path_uuid(request, "user_id")
        await require_acting_operator(principal, self._shards)
        await require_user(self._shards, user_id)
        await admit(request)
        sent = await read_json(request)
        parse_no_query(request.query)
        body = parse_body(operation.body, sent)
        shard = self._shards.of_id(user_id)
        order = UserOrder(
            act=act,
            user_id=user_id,
            done_by=str(principal.user_id),
            reason=body.reason,
            traceparent=trace_of(request).traceparent,
        )
        done = await insist(lambda: change_user(shard, order), self._backoff)
        return json_response(show_user(done.user))

    def _shards_of(self, target: UUID | None) -> tuple[Shard, ...]:
        """The shards that may have acts on this row; all of them for all rows."""
        if target is None:
            return self._shards.shards
        return (self._shards.of_id(target),) if self._shards.knows(target) else ()


async def _list_on(shard: Shard, query: TrailQuery) -> list[ListedAct]:
    async with shard.connection() as conn:
        return await list_acts(
            conn, limit=query.limit + 1, target_id=query.target, after=query.after
        )
