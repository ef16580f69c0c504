"""The one client of a crash point: it asks, and repeats its key until it is answered."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from reliability.simulation.nodes import Gateway
from reliability.simulation.requests import (
    Asked,
    Told,
    ask_act,
    ask_cancel,
    ask_movement,
    ask_transfer,
)
from reliability.simulation.world import World
from sagas.asking import LaneFullError
from sagas.operators import UserAct
from shards.errors import ShardTransientError
from shards.transfers import Transfer

_PAUSE_S = 0.2
# What it is told of its row; None of an act, which has none.
Ask = Callable[[Gateway], Awaitable[Told | None]]


class Client:
    """Asks one thing at a time.

    Attributes:
        place: of the gateway it asks.
        insists: whether it repeats what was not answered.
        told: what it was answered.
        unanswered: wallets and keys of what it gave up.
        transfer: the last it was told of.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._asking: asyncio.Task[None] | None = None
        self._keys = 0
        self.place = 0
        self.insists = True
        self.told: list[Told] = []
        self.unanswered: list[tuple[UUID, str]] = []
        self.transfer: Transfer | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether it has asked something that is not answered."""
        return self._asking is not None and not self._asking.done()

    @property
    def error(self) -> BaseException | None:
        """What its last request ended with, if with an answer that it did not expect."""
        if self._asking is None or self.is_waiting:
            return None
        return self._asking.exception()

    def stop(self) -> None:
        """Asks no more."""
        if self._asking is not None:
            self._asking.cancel()

    def ask_deposit(self, user_id: UUID, amount: int) -> None:
        """Begins to ask for a deposit."""
        key = self._new_key()

        asked = Asked(kind="deposit", wallet=user_id, payee=None, amount=amount, key=key)
        self._begin(user_id, key, partial(ask_movement, asked=asked))

    def ask_transfer(self, payer: UUID, payee: UUID, amount: int, *, expires_in_s: int) -> None:
        """Begins to ask for a transfer, which the gateway then offers to the log."""
        key = self._new_key()

        asked = Asked(kind="transfer", wallet=payer, payee=payee, amount=amount, key=key)

        async def ask(gateway: Gateway) -> Told:
            self.transfer = row = await ask_transfer(gateway, asked, expires_in_s=expires_in_s)
            return Told(asked, row.id, row.status)

        self._begin(payer, key, ask)

    def ask_cancel(self) -> None:
        """Begins to ask that its transfer be cancelled."""
        transfer = self.transfer
        assert transfer is not None, "there is nothing to cancel"

        self._begin(
            transfer.payer_id, transfer.idempotency_key, partial(ask_cancel, transfer=transfer)
        )

    def ask_act(self, user_id: UUID, act: UserAct) -> None:
        """Begins to ask for an operator's act; a refusal is an answer too."""
        self._begin(user_id, act, partial(ask_act, user_id=user_id, act=act))

    def _begin(self, wallet: UUID, key: str, ask: Ask) -> None:
        assert not self.is_waiting, "one thing at a time"
        self._asking = asyncio.ensure_future(self._insist(wallet, key, ask))

    async def _insist(self, wallet: UUID, key: str, ask: Ask) -> None:
        while True:
            gateway = self._world.gateways[self.place]
            if gateway is not None:
                asking = gateway.process.spawn(_answered(ask, gateway))
                await asyncio.wait([asking])
                if not asking.cancelled() and (told := asking.result()) is not None:
                    self.told += told
                    return
            if not self.insists:
                self.unanswered.append((wallet, key))
                return
            await asyncio.sleep(_PAUSE_S)

    def _new_key(self) -> str:
        self._keys += 1
        return f"key-{self._keys}"


async def _answered(ask: Ask, gateway: Gateway) -> list[Told] | None:
    """What the gateway tells of rows; None where a client is to ask again."""
    try:
        told = await ask(gateway)
    except (ShardTransientError, LaneFullError):
        return None
    return [told] if told is not None else []
