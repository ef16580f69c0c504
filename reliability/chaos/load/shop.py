"""What shoppers and merchants do: book now, and take it later, in parts, or not at all."""

import asyncio
from collections import deque
from collections.abc import Sequence

from reliability.chaos.load.cast import Member
from reliability.chaos.load.http import Reply
from reliability.chaos.load.requests import Deal
from reliability.chaos.load.tools import Tools
from reliability.history import Kind

_RECENT = 100
# Of shoppers, those whose wallets are frozen and opened.
_CHILLED_SHARE = 0.15
_BY_PAYER_SHARE = 0.2
_BY_OPERATOR_SHARE = 0.1
_PARTS = 3


class Shop:
    """Each workload is called with the number of the client that carries it out."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._rng = tools.rng
        self._recent: deque[Deal] = deque(maxlen=_RECENT)

    async def in_parts(self, client: int) -> None:
        """None, one or two parts, and then the rest or less."""
        hold = await self.hold(client)
        if hold is None:
            return
        left = hold.amount
        for _ in range(self._rng.randint(0, 2)):
            part = self._rng.randint(1, left // 2)
            reply = await self._capture(hold, client, amount=part, final=False)
            left -= part if reply.status == 202 else 0
        last = self._rng.choice((None, self._rng.randint(1, left)))
        await self._capture(hold, client, amount=last)

    async def voided(self, client: int) -> None:
        """The merchant lets go, twice, and wants it after all."""
        hold = await self.hold(client)
        if hold is not None:
            await self._void(hold, client)
            await self._void(hold, client)
            await self._capture(hold, client)

    async def never_taken(self, client: int) -> None:
        """Nobody comes for it."""
        await self.hold(client, expires_in_s=self._rng.randint(1, 3))

    async def late(self, client: int) -> None:
        """Capture or void race the expiry."""
        hold = await self.hold(client, expires_in_s=self._rng.randint(1, 2))
        if hold is not None:
            await asyncio.sleep(self._rng.uniform(0.5, 2.5))
            act = self._rng.choice((self._capture, self._void))
            await act(hold, client)

    async def raced(self, client: int) -> None:
        """Both want it at once, and the merchant lets go of it: one of them ends it."""
        hold = await self.hold(client)
        if hold is None:
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._capture(hold, client))
            group.create_task(self._void(hold, client))
            group.create_task(self._capture(hold, client, amount=hold.amount // 2, final=False))

    async def too_much(self, client: int) -> None:
        """More than there is, and then more than is left."""
        hold = await self.hold(client)
        if hold is not None:
            await self._capture(hold, client, amount=hold.amount + 1)
            await self._capture(hold, client, amount=hold.amount // 2)
            await self._capture(hold, client, amount=1)
            await self._void(hold, client)

    async def through_a_door(self, client: int) -> None:
        """For a wallet that is to close next: some captures arrive, others come back."""
        hold = await self.hold(client, payees=[self._tools.doorway.next()])
        if hold is None:
            return
        for _ in range(_PARTS):
            await self._capture(hold, client, amount=hold.amount // _PARTS, final=False)
            await asyncio.sleep(self._rng.uniform(0.3, 1.2))

    async def look(self, client: int) -> None:
        """A hold of a moment ago."""
        if self._recent:
            hold = self._rng.choice(self._recent)
            by = self._rng.choice((hold.payer, hold.payee))
            await self._tools.asking.ask(
                self._tools.requests.read_hold(hold.id, by=by), client=client
            )

    async def hold(
        self,
        client: int,
        *,
        payees: Sequence[Member] = (),
        expires_in_s: int | None = None,
    ) -> Deal | None:
        """A new hold, for a merchant if `payees` are none; None where no client was told of one."""
        payer = self._payer()
        payee = self._rng.choice(payees or self._tools.cast.merchants)
        amount = self._rng.randint(50, 800)
        ask = self._tools.requests.hold(payer, payee.id, amount, expires_in_s=expires_in_s)
        reply = await self._tools.asking.ask(ask, client=client)
        if reply.status != 201:
            return None
        made = Deal(id=str(reply.body["id"]), payer=payer, payee=payee, amount=amount)
        self._recent.append(made)
        return made

    async def _capture(
        self, hold: Deal, client: int, *, amount: int | None = None, final: bool | None = None
    ) -> Reply:
        by = hold.payer if self._rng.random() < _BY_PAYER_SHARE else hold.payee
        ask = self._tools.requests.part(Kind.CAPTURE, hold, by=by, amount=amount, final=final)
        return await self._tools.asking.ask(ask, client=client)

    async def _void(self, hold: Deal, client: int) -> Reply:
        is_by_operator = self._rng.random() < _BY_OPERATOR_SHARE
        by = self._tools.cast.operator if is_by_operator else hold.payee
        ask = self._tools.requests.void(hold.id, by=by)
        return await self._tools.asking.ask(ask, client=client)

    def _payer(self) -> Member:
        cast = self._tools.cast
        is_chilled = self._rng.random() < _CHILLED_SHARE
        return self._rng.choice(cast.chilled if is_chilled else cast.ordinary)
