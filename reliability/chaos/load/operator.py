"""An operator who freezes, unfreezes and closes wallets, over HTTP, while everything breaks."""

import asyncio
from itertools import count

from reliability.chaos.load.cast import Cast, Member, login
from reliability.chaos.load.http import Http, Reply, Request

_EVERY_S = 0.35
_AGAIN_AFTER_S = 0.3
# A shard may be away for long: what is not done by then is left.
_TRIES = 20
# 409: there is money in the wallet. 401: the clock of a gateway is off.
_EXPECTED = frozenset((200, 409, 401, 503, None))


class Operator:
    """Asks as clients do, in any order of gateways; each act is one that a repeat does not redo.

    Attributes:
        unexpected: answers that the contract does not have for an act.
    """

    def __init__(self, http: Http, cast: Cast) -> None:
        self._http = http
        self._cast = cast
        self._gateways = count()
        self.unexpected: list[str] = []

    async def begin(self) -> None:
        """Logs in, closes one wallet and freezes one, before the load begins."""
        await self._renew(next(self._gateways))
        await self._ask("close", self._cast.closed)
        await self._ask("freeze", self._cast.frozen)

    async def run(self) -> None:
        """Freezes and unfreezes until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for member in self._cast.chilled:
                group.create_task(self._swing(member))

    async def close(self, member: Member) -> None:
        """Closes a wallet, unless there is money in it by then."""
        await self._ask("close", member)

    async def _swing(self, member: Member) -> None:
        while True:
            for verb in ("freeze", "unfreeze"):
                await self._ask(verb, member)
                await asyncio.sleep(_EVERY_S)

    async def _ask(self, verb: str, member: Member) -> None:
        """Until the answer is final, or for as long as is reasonable."""
        for gateway in (next(self._gateways) for _ in range(_TRIES)):
            reply = await self._once(verb, member, gateway=gateway)
            if reply.status not in _EXPECTED:
                self.unexpected.append(f"{verb} {member.id}: {reply.status} {reply.code}")
            if reply.status == 401:
                await self._renew(gateway)
            if reply.is_final:
                return
            await asyncio.sleep(_AGAIN_AFTER_S)

    async def _once(self, verb: str, member: Member, *, gateway: int) -> Reply:
        asked = Request(
            method="POST",
            path=f"/v1/users/{member.id}/{verb}",
            json={"reason": "a run of the nemesis"},
            token=self._cast.operator.token,
        )
        return await self._http.send(asked, gateway=gateway)

    async def _renew(self, gateway: int) -> None:
        operator = self._cast.operator
        token = await login(self._http, email=operator.email, gateway=gateway + 1)
        if token is not None:
            operator.token = token
