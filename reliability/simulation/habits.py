"""What a client of the simulation does, one thing after another, by its own seed."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from reliability.simulation.clients import Client
from reliability.simulation.world import World
from sagas.operators import UserAct
from shards.holds import Hold
from shards.movements import MovementKind
from shards.transfers import Transfer

_NEVER_S = 3_600
# Most of what is asked of a hold is asked of one that was opened lately.
_LATE_HOLDS = 3


class Habits:
    """One client's: payments, and what may follow from them."""

    def __init__(self, world: World, client: Client, *, users: Sequence[UUID], guest: UUID) -> None:
        self._world = world
        self._client = client
        self._users = users
        self._guest = guest
        self._rng = client.rng

    async def run(self, *, funds: Sequence[UUID], payments: int) -> None:
        """Gives these users money first, then pays so often: transfers and holds.

        Deposits and withdrawals, cancels, captures, voids, refunds, limits and repeats are among
        them, and a guest that comes, pays and goes.
        """
        rng = self._rng
        for user_id in funds:
            await self._client.move(MovementKind.DEPOSIT, user_id, rng.randint(80, 400))
        guest_comes = rng.randrange(payments)
        for n in range(payments):
            await self._pause()
            if n == guest_comes:
                await self._host()
            await self._move_or_limit()
            await self._pay()
            if self._client.accepted and rng.random() < 0.2:
                await self._client.cancel(rng.choice(self._client.accepted))
            while self._client.holds and rng.random() < 0.6:
                await self._end_or_capture(rng.choice(self._client.holds[-_LATE_HOLDS:]))
            if rng.random() < 0.4:
                await self._refund()

    async def _move_or_limit(self) -> None:
        rng = self._rng
        if rng.random() < 0.15:
            kind = rng.choice((MovementKind.DEPOSIT, MovementKind.WITHDRAWAL))
            await self._client.move(kind, rng.choice(self._users), rng.randint(1, 60))
        if rng.random() < 0.15:
            await self._limit()

    async def _pause(self) -> None:
        await asyncio.sleep(self._rng.choice((0.0, 0.01, 0.3)))

    async def _pay(self) -> None:
        rng = self._rng
        payer = rng.choice(self._users)
        payee, amount, twice = self._payee(payer), rng.randint(1, 40), rng.random() < 0.2
        if rng.random() < 0.4:
            expires_in_s = rng.choice((2, _NEVER_S, _NEVER_S))
            await self._client.hold(payer, payee, amount, expires_in_s=expires_in_s, twice=twice)
        else:
            expires_in_s = rng.choice((2, _NEVER_S))
            await self._client.pay(payer, payee, amount, expires_in_s=expires_in_s, twice=twice)

    async def _end_or_capture(self, hold: Hold) -> None:
        rng = self._rng
        if rng.random() < 0.2:
            await self._client.void(hold, by_operator=rng.random() < 0.5)
            return
        # Often little of it, and sometimes more than there ever was.
        part = rng.randint(1, 1 + hold.amount // 3)
        is_frozen = rng.random() < 0.05
        if is_frozen:
            self._world.act(hold.payer_id, UserAct.FREEZE)
            await self._pause()
        amount = rng.choice((None, part, part, rng.randint(1, hold.amount + 5)))
        await self._client.capture(
            hold,
            amount,
            is_final=rng.random() < 0.3,
            by_payer=rng.random() < 0.5,
            twice=rng.random() < 0.2,
        )
        if is_frozen:
            self._world.act(hold.payer_id, UserAct.UNFREEZE)

    async def _refund(self) -> None:
        rng = self._rng
        paid = [one for one in self._client.accepted if one.payee_id is not None]
        if not paid:
            return
        transfer = rng.choice(paid)
        await self._refund_of(transfer)
        if rng.random() < 0.2:
            await self._client.cancel(self._client.accepted[-1])

    async def _host(self) -> None:
        """Whom nobody else pays, and who pays all that it has, can be closed: refunds come back."""
        rng = self._rng
        amount = rng.randint(10, 60)
        await self._client.move(MovementKind.DEPOSIT, self._guest, amount)
        payee = rng.choice(self._users)
        await self._client.pay(self._guest, payee, amount, expires_in_s=_NEVER_S, twice=False)
        paid = self._client.accepted[-1]
        await asyncio.sleep(rng.choice((1.0, 3.0)))
        self._world.act(self._guest, UserAct.CLOSE)
        await asyncio.sleep(rng.choice((0.0, 0.3, 1.0)))
        await self._refund_of(paid)

    async def _refund_of(self, transfer: Transfer) -> None:
        rng = self._rng
        await self._client.refund(
            transfer,
            rng.choice((None, rng.randint(1, transfer.amount))),
            by_operator=rng.random() < 0.2,
            expires_in_s=rng.choice((2, _NEVER_S)),
            twice=rng.random() < 0.2,
        )

    async def _limit(self) -> None:
        rng = self._rng
        daily = rng.choice((None, 0, rng.randint(1, 60), rng.randint(60, 300)))
        await self._client.limit(rng.choice(self._users), daily)

    def _payee(self, payer: UUID) -> UUID | None:
        dice = self._rng.random()
        if dice < 0.05:
            return None
        if dice < 0.12:
            # Taken on trust, as while its shard is away: there is no such user.
            return UUID(int=payer.int ^ 1)
        return self._rng.choice([user for user in self._users if user != payer])
