"""Wallets with spending limits, and the operator who sets them while they pay."""

from collections import Counter

from reliability.chaos.load.answers import minor
from reliability.chaos.load.cast import Member
from reliability.chaos.load.tools import Tools
from reliability.history import Kind

_NO_LIMIT_SHARE = 0.1
# Around what is spent already: some limits leave nothing, and none leaves much.
_LEAVES = (-300, 600)


class Limits:
    """Each workload is called with the number of the client that carries it out."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._rng = tools.rng
        self._spent: Counter[str] = Counter()

    async def spend(self, client: int) -> None:
        """A transfer, a withdrawal, or a hold that is voided and so given back."""
        member = self._rng.choice(self._tools.cast.limited)
        way = self._rng.choice((self._pay, self._withdraw, self._book))
        await way(member, client)

    async def set_limit(self, client: int) -> None:
        """A limit that may leave something, or nothing, or none at all."""
        cast = self._tools.cast
        member = self._rng.choice(cast.limited)
        daily = None
        if self._rng.random() >= _NO_LIMIT_SHARE:
            daily = max(0, self._spent[member.id] + self._rng.randint(*_LEAVES))
        ask = self._tools.requests.limit(member, daily, by=cast.operator)
        reply = await self._tools.asking.ask(ask, client=client)
        if reply.status == 200:
            self._spent[member.id] = minor(reply.body["spent"])

    async def _pay(self, member: Member, client: int) -> None:
        payee = self._rng.choice(self._tools.cast.ordinary)
        ask = self._tools.requests.transfer(member, payee.id, self._amount())
        await self._tools.asking.ask(ask, client=client)

    async def _withdraw(self, member: Member, client: int) -> None:
        ask = self._tools.requests.movement(Kind.WITHDRAWAL, member, self._amount())
        await self._tools.asking.ask(ask, client=client)

    async def _book(self, member: Member, client: int) -> None:
        payee = self._rng.choice(self._tools.cast.merchants)
        ask = self._tools.requests.hold(member, payee.id, self._amount())
        reply = await self._tools.asking.ask(ask, client=client)
        if reply.status == 201:
            void = self._tools.requests.void(str(reply.body["id"]), by=payee)
            await self._tools.asking.ask(void, client=client)

    def _amount(self) -> int:
        return self._rng.randint(1, 400)
