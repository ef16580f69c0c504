"""What a client does: ordinary payments, and everything that has gone wrong elsewhere."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from itertools import count
from uuid import UUID

from reliability.chaos.load.asking import Ask, Asking, spelled
from reliability.chaos.load.cast import CURRENCY, LADDER_STEPS, Cast, Member
from reliability.chaos.load.http import Reply
from reliability.chaos.load.operator import Operator
from reliability.history import (
    TAG_POWERS,
    AskBalance,
    AskMovement,
    AskOfTransfer,
    AskTransfer,
    Kind,
)

_OVERDRAFT = 10**12
# So many pay a wallet that is about to be closed.
_AT_A_DOOR = 3

Workload = Callable[[int], Awaitable[None]]


class Workloads:
    """Each workload is called with the number of the client that carries it out.

    Args:
        operator: closes doors.
        door_every_s: how long a door waits behind the one before it.
    """

    def __init__(
        self,
        asking: Asking,
        cast: Cast,
        *,
        tag: str,
        rng: random.Random,
        operator: Operator,
        door_every_s: float,
    ) -> None:
        self._operator = operator
        self._doors = list(cast.doors)
        self._door_every_s = door_every_s
        self._next_door_at = 0.0
        self._asking = asking
        self._cast = cast
        self._tag = tag
        self._rng = rng
        self._keys = count(1)
        self._rungs = [
            (ladder, step) for step in range(LADDER_STEPS) for ladder in range(len(cast.ladders))
        ]
        rng.shuffle(self._rungs)
        self._shares: dict[Workload, int] = {
            self.ordinary: 44,
            self.to_hot: 8,
            self.from_hot: 8,
            self.cancelled: 6,
            self.short_expiry: 4,
            self.ladder: 6,
            self.through_a_door: 4,
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
            await self._about(Kind.CANCEL, payer, reply.body["id"], client=client)

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
        ask = self._transfer(payer, payee.id, 4**step, tag=TAG_POWERS)
        await self._asking.ask(ask, client=client)

    async def through_a_door(self, client: int) -> None:
        """To a wallet that is closed as soon as it is paid: what comes later is returned."""
        now = time.monotonic()
        if not self._doors or now < self._next_door_at:
            await self._pay(self._anybody(), self._rng.choice(self._cast.doors).id, client=client)
            return
        self._next_door_at = now + self._door_every_s
        door = self._doors.pop()
        async with asyncio.TaskGroup() as group:
            paying = [
                group.create_task(self._pay(self._anybody(), door.id, client=client))
                for _ in range(_AT_A_DOOR)
            ]
            await asyncio.wait(paying, return_when=asyncio.FIRST_COMPLETED)
            await self._operator.close(door)

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
        await self._asking.ask(self._transfer(payer, payee.id, _OVERDRAFT), client=client)

    async def repeated(self, client: int) -> None:
        """The same request once more after its answer."""
        payer, payee = self._rng.sample(list(self._cast.ordinary), 2)
        ask = self._transfer(payer, payee.id, self._amount())
        await self._asking.ask(ask, client=client)
        await self._asking.ask(ask, client=client)

    async def twins(self, client: int) -> None:
        """The same request at two gateways at once."""
        payer, payee = self._rng.sample(list(self._cast.ordinary), 2)
        ask = self._transfer(payer, payee.id, self._amount())
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
            await self._about(Kind.READ_TRANSFER, payer, id_, client=client)

    async def _pay(
        self, payer: Member, payee: str, *, client: int, expires_in_s: int | None = None
    ) -> Reply:
        ask = self._transfer(payer, payee, self._amount(), expires_in_s=expires_in_s)
        reply = await self._asking.ask(ask, client=client)
        if reply.status in (201, 202):
            self._recent = [*self._recent[-99:], (payer, str(reply.body["id"]))]
        return reply

    def _transfer(
        self,
        payer: Member,
        payee: str,
        amount: int,
        *,
        expires_in_s: int | None = None,
        tag: str | None = None,
    ) -> Ask:
        key = f"t-{self._tag}-{next(self._keys)}"
        json: dict[str, object] = {"to": payee, "currency": CURRENCY, "amount": spelled(amount)}
        if expires_in_s is not None:
            json["expires_in_s"] = expires_in_s
        told = AskTransfer(
            payer=payer.id,
            payee=payee,
            currency=CURRENCY,
            amount=amount,
            key=key,
            expires_in_s=expires_in_s,
            tag=tag,
        )
        path = f"{payer.wallet}/transfers"
        return Ask(told=told, by=payer, method="POST", path=path, json=json, key=key)

    async def _move(self, kind: Kind, member: Member, amount: int, *, client: int) -> None:
        key = f"m-{self._tag}-{next(self._keys)}"
        ask = Ask(
            told=AskMovement(kind=kind, user=member.id, currency=CURRENCY, amount=amount, key=key),
            by=member,
            method="POST",
            path=f"{member.wallet}/{kind}s",
            json={"currency": CURRENCY, "amount": spelled(amount)},
            key=key,
        )
        await self._asking.ask(ask, client=client)

    async def _about(self, kind: Kind, by: Member, id_: str, *, client: int) -> None:
        is_cancel = kind is Kind.CANCEL
        ask = Ask(
            told=AskOfTransfer(kind=kind, transfer=id_, user=by.id),
            by=by,
            method="POST" if is_cancel else "GET",
            path=f"/v1/transfers/{id_}/cancel" if is_cancel else f"/v1/transfers/{id_}",
        )
        await self._asking.ask(ask, client=client)

    async def _read_balance(self, member: Member, *, client: int) -> None:
        ask = Ask(
            told=AskBalance(user=member.id, currency=CURRENCY),
            by=member,
            method="GET",
            path=f"{member.wallet}/balances/{CURRENCY}",
        )
        await self._asking.ask(ask, client=client)

    def _anybody(self) -> Member:
        return self._rng.choice(self._cast.ordinary)

    def _amount(self) -> int:
        return self._rng.randint(1, 400)
