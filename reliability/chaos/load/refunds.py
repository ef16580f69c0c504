"""What is given back: payments that merchants refund, whole, in parts, and several at once."""

import asyncio

from reliability.chaos.load.http import Reply
from reliability.chaos.load.requests import Deal
from reliability.chaos.load.tools import Tools
from reliability.history import Kind

# A refund is refused until the payee has been credited, which takes as long as the faults do.
_TRIES = 5
_AGAIN_S = 1.0
# Of payers, those whose wallets are closed and opened: what is refunded may find them closed.
_DOOR_SHARE = 0.2
_BY_OPERATOR_SHARE = 0.1


class Refunds:
    """Each workload is called with the number of the client that carries it out."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._rng = tools.rng

    async def whole(self, client: int) -> None:
        """All of it, and a cent more."""
        paid = await self._pay(client)
        if paid is not None:
            await self._refund(paid, client)
            await self._refund(paid, client, amount=1)
            await self._look(paid, client)

    async def in_parts(self, client: int) -> None:
        """A part, the same again, and what is left."""
        paid = await self._pay(client)
        if paid is not None:
            part = self._rng.randint(1, paid.amount // 2)
            for amount in (part, part, None):
                await self._refund(paid, client, amount=amount)
            await self._look(paid, client)

    async def at_once(self, client: int) -> None:
        """Three times more than half of it: one of them is enough."""
        paid = await self._pay(client)
        if paid is None:
            return
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                amount = self._rng.randint(paid.amount // 2 + 1, paid.amount)
                group.create_task(self._refund(paid, client, amount=amount))
        await self._look(paid, client)

    async def _pay(self, client: int) -> Deal | None:
        """A transfer to a merchant, or to one whose wallet may be frozen when it pays back."""
        cast = self._tools.cast
        is_door = self._rng.random() < _DOOR_SHARE
        payer = self._rng.choice(cast.doors if is_door else cast.ordinary)
        payee = self._rng.choice((*cast.merchants, *cast.chilled))
        amount = self._rng.randint(50, 400)
        ask = self._tools.requests.transfer(payer, payee.id, amount)
        reply = await self._tools.asking.ask(ask, client=client)
        if reply.status not in (201, 202):
            return None
        return Deal(id=str(reply.body["id"]), payer=payer, payee=payee, amount=amount)

    async def _refund(self, paid: Deal, client: int, *, amount: int | None = None) -> Reply:
        is_by_operator = self._rng.random() < _BY_OPERATOR_SHARE
        by = self._tools.cast.operator if is_by_operator else paid.payee
        ask = self._tools.requests.part(Kind.REFUND, paid, by=by, amount=amount)
        reply = await self._tools.asking.ask(ask, client=client)
        for _ in range(_TRIES):
            if reply.code != "not_completed" or self._tools.asking.give_up.is_set():
                break
            await asyncio.sleep(_AGAIN_S)
            reply = await self._tools.asking.ask(ask, client=client)
        return reply

    async def _look(self, paid: Deal, client: int) -> None:
        """What came back of it so far."""
        by = self._rng.choice((paid.payer, paid.payee))
        ask = self._tools.requests.read_transfer(paid.id, by=by)
        await self._tools.asking.ask(ask, client=client)
