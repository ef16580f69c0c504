"""What a client does: ordinary payments, and everything that has gone wrong elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from reliability.chaos.load.cast import LADDER_STEPS, Member
from reliability.chaos.load.http import Reply
from reliability.chaos.load.limits import Limits
from reliability.chaos.load.refunds import Refunds
from reliability.chaos.load.shop import Shop
from reliability.chaos.load.tools import Tools
from reliability.history import TAG_POWERS, Kind

_OVERDRAFT = 10**12

Workload = Callable[[int], Awaitable[None]]


class Workloads:
    """Each workload is called with the number of the client that carries it out."""

    def __init__(self, tools: Tools) -> None:
        self._asking = tools.asking
        self._cast = cast = tools.cast
        self._doorway = tools.doorway
        self._rng = tools.rng
        self._requests = tools.requests
        shop, refunds, limits = Shop(tools), Refunds(tools), Limits(tools)
        self._rungs = [
            (ladder, step) for step in range(LADDER_STEPS) for ladder in range(len(cast.ladders))
        ]
        tools.rng.shuffle(self._rungs)
        self._shares: dict[Workload, int] = {
            self.ordinary: 44,
            self.to_hot: 8,
            self.from_hot: 8,
            self.cancelled: 6,
            self.short_expiry: 4,
            self.ladder: 6,
            self.through_a_door: 6,
            self.chilled: 3,
            self.to_nobody: 3,
            self.to_closed: 1,
            self.from_frozen: 1,
            self.overdraft: 3,
            self.repeated: 4,
            self.twins: 3,
            self.deposit: 3,
            self.withdrawal: 3,
            self.read_balance: 5,
            self.read_transfer: 3,
            shop.in_parts: 2,
            shop.voided: 1,
            shop.never_taken: 1,
            shop.late: 1,
            shop.raced: 1,
            shop.too_much: 1,
            shop.through_a_door: 1,
            shop.look: 1,
            refunds.whole: 1,
            refunds.in_parts: 1,
            refunds.at_once: 1,
            limits.spend: 2,
            limits.set_limit: 1,
        }
        self._recent: list[tuple[Member, str]] = []

    def next(self) -> Workload:
        """The next thing to do."""
        return self._rng.choices(list(self._shares), list(self._shares.values()))[0]

    async def fund(self) -> None:
        """Everybody's first deposit."""
        async with asyncio.TaskGroup() as group:
            for number, member in enumerate(self._cast.everybody):
                if member.id in self._cast.funds:
                    amount = self._cast.funds[member.id]
                    group.create_task(self._move(Kind.DEPOSIT, member, amount, client=number))

    async def read_everybody(self) -> None:
        """Everybody's balance, when all is over."""
        async with asyncio.TaskGroup() as group:
            for number, member in enumerate(self._cast.everybody):
                group.create_task(self._read_balance(member, client=number))

    async def ordinary(self, client: int) -> None:
        """Any two users."""
        payer, payee = self._rng.sample(list(self._cast.ordinary), 2)
        await self._pay(payer, payee.id, client=client)

    async def to_hot(self, client: int) -> None:
        """Many pay one."""
        payee = self._rng.choice(self._cast.hot)
        await self._pay(self._anybody(), payee.id, client=client)

    async def from_hot(self, client: int) -> None:
        """One pays many."""
        payer = self._rng.choice(self._cast.hot)
        await self._pay(payer, self._anybody().id, client=client)

    async def cancelled(self, client: int) -> None:
        """A cancel races the try-confirm."""
        payer, payee = self._rng.sample(list(self._cast.ordinary), 2)
        reply = await self._pay(payer, payee.id, client=client)
        if reply.status in (201, 202):
            ask = self._requests.cancel(str(reply.body["id"]), by=payer)
            await self._asking.ask(ask, client=client)

    async def short_expiry(self, client: int) -> None:
        """Expiry races the try-confirm."""
        payer, payee = self._rng.sample(list(self._cast.ordinary), 2)
        await self._pay(payer, payee.id, client=client, expires_in_s=self._rng.randint(1, 3))

    async def ladder(self, client: int) -> None:
        """The next amount of a ladder; nothing once all were sent."""
        if not self._rungs:
            return
        ladder, step = self._rungs.pop()
        payer, payee = self._cast.ladders[ladder]
        ask = self._requests.transfer(payer, payee.id, 4**step, tag=TAG_POWERS)
        await self._asking.ask(ask, client=client)

    async def through_a_door(self, client: int) -> None:
        """To a wallet that may be closed by the time the money comes: then it is returned."""
        await self._pay(self._anybody(), self._doorway.payee().id, client=client)

    async def chilled(self, client: int) -> None:
        """From a wallet that may be frozen by the time it is debited."""
        await self._pay(self._rng.choice(self._cast.chilled), self._anybody().id, client=client)

    async def to_nobody(self, client: int) -> None:
        """To an id of the right bucket that no user has: accepted only while its shard is away."""
        likely = UUID(self._anybody().id).int
        nobody = str(UUID(int=likely >> 62 << 62 | self._rng.getrandbits(62)))
        await self._pay(self._anybody(), nobody, client=client)

    async def to_closed(self, client: int) -> None:
        """To a closed wallet."""
        await self._pay(self._anybody(), self._cast.closed.id, client=client)

    async def from_frozen(self, client: int) -> None:
        """From a frozen wallet."""
        await self._pay(self._cast.frozen, self._anybody().id, client=client)

    async def overdraft(self, client: int) -> None:
        """More than there is."""
        payer, payee = self._rng.sample(list(self._cast.ordinary), 2)
        await self._asking.ask(self._requests.transfer(payer, payee.id, _OVERDRAFT), client=client)

    async def repeated(self, client: int) -> None:
        """The same request once more after its answer."""
        payer, payee = self._rng.sample(list(self._cast.ordinary), 2)
        ask = self._requests.transfer(payer, payee.id, self._amount())
        await self._asking.ask(ask, client=client)
        await self._asking.ask(ask, client=client)

    async def twins(self, client: int) -> None:
        """The same request at two gateways at once."""
        payer, payee = self._rng.sample(list(self._cast.ordinary), 2)
        ask = self._requests.transfer(payer, payee.id, self._amount())
        async with asyncio.TaskGroup() as group:
            for gateway in range(2):
                group.create_task(self._asking.once(ask, client=client, gateway=gateway))

    async def deposit(self, client: int) -> None:
        """Money from outside."""
        await self._move(Kind.DEPOSIT, self._anybody(), self._amount(), client=client)

    async def withdrawal(self, client: int) -> None:
        """Money to outside."""
        await self._move(Kind.WITHDRAWAL, self._anybody(), self._amount(), client=client)

    async def read_balance(self, client: int) -> None:
        """A balance while money moves."""
        await self._read_balance(self._anybody(), client=client)

    async def read_transfer(self, client: int) -> None:
        """A transfer of a moment ago."""
        if self._recent:
            payer, id_ = self._rng.choice(self._recent)
            await self._asking.ask(self._requests.read_transfer(id_, by=payer), client=client)

    async def _pay(
        self, payer: Member, payee: str, *, client: int, expires_in_s: int | None = None
    ) -> Reply:
        ask = self._requests.transfer(payer, payee, self._amount(), expires_in_s=expires_in_s)
        reply = await self._asking.ask(ask, client=client)
        if reply.status in (201, 202):
            self._recent = [*self._recent[-99:], (payer, str(reply.body["id"]))]
        return reply

    async def _move(self, kind: Kind, member: Member, amount: int, *, client: int) -> None:
        await self._asking.ask(self._requests.movement(kind, member, amount), client=client)

    async def _read_balance(self, member: Member, *, client: int) -> None:
        await self._asking.ask(self._requests.read_balance(member), client=client)

    def _anybody(self) -> Member:
        return self._rng.choice(self._cast.ordinary)

    def _amount(self) -> int:
        return self._rng.randint(1, 400)
