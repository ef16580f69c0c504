"""Clients that ask, lose answers, ask again with the same key, and remember what they were told."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import TypeVar
from uuid import UUID

from reliability.simulation.heard import Asked, Heard, Kind, Told
from reliability.simulation.hold_requests import ask_capture, ask_hold, ask_void, told_of_hold
from reliability.simulation.nodes import Gateway
from reliability.simulation.requests import (
    OPERATOR,
    ask_cancel,
    ask_limit,
    ask_movement,
    ask_transfer,
)
from reliability.simulation.world import World
from sagas.asking import LaneFullError
from sagas.keyed_batch import UnknownWalletError
from sagas.refund_caps import NotCompletedError, RefundTooLargeError
from sagas.steps.capture import CaptureTooLargeError, HoldClosedError
from sagas.steps.move import WalletClosedError
from shards.errors import ShardTransientError
from shards.holds import Hold, HoldStatus
from shards.movements import MovementKind
from shards.transfers import Transfer

T = TypeVar("T")
_PATIENCE = 60
# A no that is not recorded under the key, and must leave nothing.
REFUSALS = (
    WalletClosedError,
    HoldClosedError,
    CaptureTooLargeError,
    NotCompletedError,
    RefundTooLargeError,
    # Of a refund that an operator asks for: who should pay it was never there.
    UnknownWalletError,
)


class GaveUpError(Exception):
    """A request got no answer, however often it was repeated."""


class Client:
    """One client, who insists on an answer; each way to ask returns when it is known.

    Attributes:
        rng: its own seed, for whoever decides what it asks next.
        accepted: transfers it was told of, captures and refunds among them, as they were then.
        holds: those it opened.
    """

    def __init__(self, world: World, heard: Heard, *, name: str) -> None:
        self._world = world
        self._heard = heard
        self._name = name
        self._keys = 0
        self.rng = Random(f"{world.seed} {name}")  # noqa: S311 - a simulation repeats itself
        self.accepted: list[Transfer] = []
        self.holds: list[Hold] = []

    async def move(self, kind: MovementKind, user_id: UUID, amount: int) -> None:
        """A deposit or withdrawal."""
        asked = self._asked_by_payer(Kind(kind.value), user_id, None, amount)
        await self._ask(asked, partial(ask_movement, asked=asked))

    async def pay(
        self, payer: UUID, payee: UUID | None, amount: int, *, expires_in_s: int, twice: bool
    ) -> None:
        """A transfer; `twice` asks again at the same time."""
        asked = self._asked_by_payer(Kind.TRANSFER, payer, payee, amount)
        await self._ask_for_transfer(
            asked, partial(ask_transfer, asked=asked, expires_in_s=expires_in_s), twice=twice
        )

    async def cancel(self, transfer: Transfer) -> None:
        """The payer's cancel of a transfer."""
        self._heard.told.append(await self._insist(partial(ask_cancel, transfer=transfer)))

    async def hold(
        self, payer: UUID, payee: UUID | None, amount: int, *, expires_in_s: int, twice: bool
    ) -> None:
        """A hold; `twice` asks again at the same time."""
        asked = self._asked_by_payer(Kind.HOLD, payer, payee, amount)

        async def ask(gateway: Gateway) -> Told:
            hold = await ask_hold(gateway, asked, expires_in_s=expires_in_s)
            if hold.status is HoldStatus.OPEN:
                self.holds.append(hold)
            return told_of_hold(hold)

        await self._ask(asked, ask, twice=twice)

    async def capture(
        self, hold: Hold, amount: int | None, *, is_final: bool, by_payer: bool, twice: bool
    ) -> None:
        """So much of a hold, or all that is left, asked for by its payer or its payee."""
        asked = Asked(
            kind=Kind.CAPTURE,
            wallet=hold.payer_id,
            caller=str(hold.payer_id if by_payer else hold.payee_id),
            payee=hold.payee_id,
            amount=amount,
            key=self._new_key(),
            of=hold.id,
            is_final=is_final,
        )
        await self._ask_for_transfer(asked, partial(ask_capture, asked=asked), twice=twice)

    async def void(self, hold: Hold, *, by_operator: bool) -> None:
        """The end of a hold, asked for by its payee or an operator; it may be over already."""
        self._heard.voids[hold.id].add(by_operator)
        ask = partial(ask_void, hold=hold, by_operator=by_operator)
        self._heard.told.append(await self._insist(ask))

    async def refund(
        self,
        transfer: Transfer,
        amount: int | None,
        *,
        by_operator: bool,
        expires_in_s: int,
        twice: bool,
    ) -> None:
        """So much of a transfer, or all that is left, asked for by its payee or an operator."""
        assert transfer.payee_id is not None
        asked = Asked(
            kind=Kind.REFUND,
            wallet=transfer.payee_id,
            caller=OPERATOR if by_operator else str(transfer.payee_id),
            payee=transfer.payer_id,
            amount=amount,
            key=self._new_key(),
            of=transfer.id,
        )
        await self._ask_for_transfer(
            asked, partial(ask_transfer, asked=asked, expires_in_s=expires_in_s), twice=twice
        )

    async def limit(self, user_id: UUID, daily: int | None) -> None:
        """An operator's limit on what a user may spend in a day; None takes it away."""
        ask = partial(ask_limit, user_id=user_id, daily=daily)
        self._heard.limits.append(await self._insist(ask))

    async def _ask_for_transfer(
        self, asked: Asked, ask: Callable[[Gateway], Awaitable[Transfer]], *, twice: bool
    ) -> None:
        async def ask_and_keep(gateway: Gateway) -> Told:
            row = await ask(gateway)
            self.accepted.append(row)
            return Told(asked=asked, id=row.id, status=row.status, amount=row.amount)

        await self._ask(asked, ask_and_keep, twice=twice)

    async def _ask(
        self, asked: Asked, ask: Callable[[Gateway], Awaitable[Told]], *, twice: bool = False
    ) -> None:
        async def counted(gateway: Gateway) -> Told:
            self._heard.attempts[asked.key_of] += 1
            return await ask(gateway)

        async def one() -> None:
            try:
                self._heard.told.append(await self._insist(counted))
            except REFUSALS:
                self._heard.refused[asked.key_of] += 1

        async with asyncio.TaskGroup() as asking:
            for _ in range(1 + twice):
                asking.create_task(one())

    async def _insist(self, ask: Callable[[Gateway], Awaitable[T]]) -> T:
        for _ in range(_PATIENCE):
            gateway = self.rng.choice(self._world.gateways)
            if gateway is not None:
                asking = gateway.process.spawn(_answered(ask, gateway))
                await asyncio.wait([asking])
                if not asking.cancelled() and (told := asking.result()) is not None:
                    return told
            await asyncio.sleep(self.rng.uniform(0.1, 2.0))
        raise GaveUpError(self._name)

    def _asked_by_payer(self, kind: Kind, wallet: UUID, payee: UUID | None, amount: int) -> Asked:
        return Asked(
            kind=kind,
            wallet=wallet,
            caller=str(wallet),
            payee=payee,
            amount=amount,
            key=self._new_key(),
        )

    def _new_key(self) -> str:
        self._keys += 1
        return f"{self._name}-{self._keys}"


async def _answered(ask: Callable[[Gateway], Awaitable[T]], gateway: Gateway) -> T | None:
    """What the gateway answers; None where a client is to ask again."""
    try:
        return await ask(gateway)
    except (ShardTransientError, LaneFullError):
        return None
