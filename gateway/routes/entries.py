"""GET /entries/{hash}: one entry, to be looked up by what other books may have noted of it."""

import asyncio
from typing import Final
from uuid import UUID

from aiohttp import hdrs, web

from gateway.auth import authenticate
from gateway.currencies import Currencies
from gateway.operations import Operation, Route, Shown, Tag, Who
from gateway.path_ids import path_hash
from gateway.present import show_entry
from gateway.problems import Problem
from gateway.query import parse_no_query
from gateway.rate_limits import admit
from gateway.tokens import Principal, Role, Tokens
from gateway.views import json_response
from gateway.wallet_views import EntryView
from shards.entries import find_entry
from shards.errors import ShardTransientError
from shards.lists import ListedEntry
from shards.router import ShardMap
from shards.shard import Shard

GET: Final = Operation(
    method=hdrs.METH_GET,
    path="/v1/entries/{hash}",
    name="get_entry",
    tag=Tag.LEDGER,
    who=Who.OWNER_OR_OPERATOR,
    shown={200: Shown(says="The entry.", view=EntryView)},
)


class EntryRoutes:
    """A hash carries no bucket: a user's entries are on one shard, an operator's may be on any."""

    def __init__(self, *, shards: ShardMap, tokens: Tokens, currencies: Currencies) -> None:
        self._shards = shards
        self._tokens = tokens
        self._currencies = currencies

    def table(self) -> list[Route]:
        """Each operation, and what does it."""
        return [GET.route(self.get_one)]

    async def get_one(self, request: web.Request) -> web.Response:
        """200 with the entry, as lists show it, for its owner and for operators."""
        principal = authenticate(request, self._tokens)
        entry = await self._visible(path_hash(request, "hash"), principal)
        if entry is None:
            raise Problem("not_found")
        await admit(request)
        parse_no_query(request.query)
        decimals = await self._currencies.decimals(entry.currency)
        return json_response(show_entry(entry, decimals))

    async def _visible(self, hash_: bytes, principal: Principal) -> ListedEntry | None:
        if principal.role is Role.OPERATOR:
            return await self._of_anybody(hash_)
        if not self._shards.knows(principal.user_id):
            return None
        found = await _find(self._shards.of_id(principal.user_id), hash_)
        return found[1] if found is not None and found[0] == principal.user_id else None

    async def _of_anybody(self, hash_: bytes) -> ListedEntry | None:
        """An entry of any shard; a shard that is away counts only where no other has it."""
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(_try_to_find(s, hash_)) for s in self._shards.shards]
        answers = [task.result() for task in asked]
        found = [answer for answer in answers if isinstance(answer, tuple)]
        away = [answer for answer in answers if isinstance(answer, ShardTransientError)]
        if found:
            return found[0][1]
        if away:
            raise away[0]
        return None


async def _find(shard: Shard, hash_: bytes) -> tuple[UUID, ListedEntry] | None:
    async with shard.connection() as conn:
        return await find_entry(conn, hash_)


async def _try_to_find(
    shard: Shard, hash_: bytes
) -> tuple[UUID, ListedEntry] | ShardTransientError | None:
    try:
        return await _find(shard, hash_)
    except ShardTransientError as error:
        return error
