"""Clients that ask, lose answers, ask again with the same key, and remember what they were told."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from random import Random
from uuid import UUID

from reliability.simulation.nodes import Gateway
from reliability.simulation.requests import Asked, Told, ask_cancel, ask_movement, ask_transfer
from reliability.simulation.world import World
from sagas.asking import LaneFullError
from sagas.steps.move import WalletClosedError
from shards.errors import ShardTransientError
from shards.movements import MovementKind
from shards.transfers import Transfer

_PATIENCE = 60


class GaveUpError(Exception):
    """A request got no answer, however often it was repeated."""


class Client:
    """One client, whose every choice comes from its own seed.

    Attributes:
        told: what it was answered.
        accepted: transfers it was told of, as they were then.
    """

    def __init__(self, world: World, *, name: str, users: list[UUID]) -> None:
        self._world = world
        self._name = name
        self._users = users
        self._rng = Random(f"{world.seed} {name}")  # noqa: S311
        self._keys = 0
        self.told: list[Told] = []
        self.accepted: list[Transfer] = []

    async def run(self, *, funds: Sequence[UUID], transfers: int) -> None:
        """Gives these users money first, then asks for so many transfers.

        Deposits, withdrawals, cancels and repeats are among them.
        """
        rng = self._rng
        for user_id in funds:
            await self.move(MovementKind.DEPOSIT, user_id, rng.randint(80, 400))
        for _ in range(transfers):
            await asyncio.sleep(rng.choice((0.0, 0.01, 0.3)))
            dice = rng.random()
            if dice < 0.15:
                kind = rng.choice((MovementKind.DEPOSIT, MovementKind.WITHDRAWAL))
                await self.move(kind, rng.choice(self._users), rng.randint(1, 60))
            payer = rng.choice(self._users)
            await self.pay(
                payer,
                self._payee(payer),
                rng.randint(1, 40),
                expires_in_s=rng.choice((2, 3_600)),
                twice=rng.random() < 0.2,
            )
            if self.accepted and rng.random() < 0.2:
                await self.cancel(rng.choice(self.accepted))

    async def move(self, kind: MovementKind, user_id: UUID, amount: int) -> None:
        """A deposit or withdrawal, until the answer is known."""
        key = self._new_key()
        asked = Asked(kind=kind, wallet=user_id, payee=None, amount=amount, key=key)

        try:
            self.told.append(await self._insist(partial(ask_movement, asked=asked)))
        except WalletClosedError:
            return

    async def pay(
        self, payer: UUID, payee: UUID | None, amount: int, *, expires_in_s: int, twice: bool
    ) -> None:
        """A transfer, until the answer is known; `twice` asks again at the same time."""
        key = self._new_key()
        asked = Asked(kind="transfer", wallet=payer, payee=payee, amount=amount, key=key)

        async def ask(gateway: Gateway) -> Told:
            transfer = await ask_transfer(gateway, asked, expires_in_s=expires_in_s)
            self.accepted.append(transfer)
            return Told(asked, transfer.id, transfer.status)

        async with asyncio.TaskGroup() as asking:
            tasks = [asking.create_task(self._insist(ask)) for _ in range(1 + twice)]
        self.told += [task.result() for task in tasks]

    async def cancel(self, transfer: Transfer) -> None:
        """The payer's cancel of one of its transfers."""
        self.told.append(await self._insist(partial(ask_cancel, transfer=transfer)))

    async def _insist(self, ask: Callable[[Gateway], Awaitable[Told]]) -> Told:
        for _ in range(_PATIENCE):
            gateway = self._rng.choice(self._world.gateways)
            if gateway is not None:
                asking = gateway.process.spawn(_answered(ask, gateway))
                await asyncio.wait([asking])
                if not asking.cancelled() and (told := asking.result()) is not None:
                    return told
            await asyncio.sleep(self._rng.uniform(0.1, 2.0))
        raise GaveUpError(self._name)

    def _payee(self, payer: UUID) -> UUID | None:
        dice = self._rng.random()
        if dice < 0.05:
            return None
        if dice < 0.12:
            # Taken on trust, as while its shard is away: there is no such user.
            return UUID(int=payer.int ^ 1)
        return self._rng.choice([user for user in self._users if user != payer])

    def _new_key(self) -> str:
        self._keys += 1
        return f"{self._name}-{self._keys}"


async def _answered(ask: Callable[[Gateway], Awaitable[Told]], gateway: Gateway) -> Told | None:
    """What the gateway answers; None where a client is to ask again."""
    try:
        return await ask(gateway)
    except (ShardTransientError, LaneFullError):
        return None
