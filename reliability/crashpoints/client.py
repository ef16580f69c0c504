"""The one client of a crash point: it asks, and repeats its key until it is answered."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeAlias
from uuid import UUID

from reliability.simulation.heard import Asked, Heard, Kind, LimitTold, Told
from reliability.simulation.hold_requests import ask_capture, ask_hold, ask_void, told_of_hold
from reliability.simulation.nodes import Gateway
from reliability.simulation.requests import (
    ask_act,
    ask_cancel,
    ask_limit,
    ask_movement,
    ask_transfer,
)
from reliability.simulation.world import World
from sagas.asking import LaneFullError
from sagas.operators import UserAct
from shards.errors import ShardTransientError
from shards.holds import Hold
from shards.keys import KeyOf
from shards.transfers import Transfer

_PAUSE_S = 0.2
Answer: TypeAlias = Told | LimitTold
# What the client is told; None of an act on a user, which names no row.
Ask = Callable[[Gateway], Awaitable[Answer | None]]


class Client:
    """Asks one thing at a time.

    Attributes:
        place: of the gateway it asks.
        insists: whether it repeats what was not answered.
        heard: what it asked, and was answered.
        transfer: the last it was told of.
        hold: the last it was told of.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._asking: asyncio.Task[None] | None = None
        self._keys = 0
        self.place = 0
        self.insists = True
        self.heard = Heard()
        self.transfer: Transfer | None = None
        self.hold: Hold | None = None

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
        asked = self._asked(Kind.DEPOSIT, user_id, None, amount)
        self._begin(partial(ask_movement, asked=asked), asked.key_of)

    def ask_transfer(self, payer: UUID, payee: UUID, amount: int, *, expires_in_s: int) -> None:
        """Begins to ask for a transfer, which the gateway then offers to the log."""
        asked = self._asked(Kind.TRANSFER, payer, payee, amount)
        self._begin_transfer(asked, partial(ask_transfer, asked=asked, expires_in_s=expires_in_s))

    def ask_cancel(self) -> None:
        """Begins to ask that its transfer be cancelled."""
        assert self.transfer is not None, "there is nothing to cancel"
        self._begin(partial(ask_cancel, transfer=self.transfer))

    def ask_refund(self, amount: int, *, expires_in_s: int) -> None:
        """Begins to ask, as the payee of its transfer, that so much be given back."""
        assert self.transfer is not None, "there is nothing to refund"
        assert self.transfer.payee_id is not None
        asked = self._asked(
            Kind.REFUND,
            self.transfer.payee_id,
            self.transfer.payer_id,
            amount,
            of=self.transfer.id,
        )
        self._begin_transfer(asked, partial(ask_transfer, asked=asked, expires_in_s=expires_in_s))

    def ask_act(self, user_id: UUID, act: UserAct) -> None:
        """Begins to ask for an operator's act on a user; a refusal is an answer too."""
        self._begin(partial(ask_act, user_id=user_id, act=act))

    def ask_hold(self, payer: UUID, payee: UUID, amount: int, *, expires_in_s: int) -> None:
        """Begins to ask for a hold."""
        asked = self._asked(Kind.HOLD, payer, payee, amount)

        async def ask(gateway: Gateway) -> Told:
            self.hold = await ask_hold(gateway, asked, expires_in_s=expires_in_s)
            return told_of_hold(self.hold)

        self._begin(ask, asked.key_of)

    def ask_capture(self, amount: int, *, is_final: bool) -> None:
        """Begins to ask, as its payer, for so much of its hold."""
        hold = self.hold
        assert hold is not None, "there is nothing to capture"
        asked = self._asked(
            Kind.CAPTURE, hold.payer_id, hold.payee_id, amount, of=hold.id, is_final=is_final
        )
        self._begin_transfer(asked, partial(ask_capture, asked=asked))

    def ask_void(self, *, by_operator: bool) -> None:
        """Begins to ask that its hold be let go."""
        assert self.hold is not None, "there is nothing to void"
        self.heard.voids[self.hold.id].add(by_operator)
        self._begin(partial(ask_void, hold=self.hold, by_operator=by_operator))

    def ask_limit(self, user_id: UUID, daily: int) -> None:
        """Begins to ask, as an operator, that a user spend no more than this in a day."""
        self._begin(partial(ask_limit, user_id=user_id, daily=daily))

    def _begin_transfer(self, asked: Asked, ask: Callable[[Gateway], Awaitable[Transfer]]) -> None:
        async def ask_and_keep(gateway: Gateway) -> Told:
            self.transfer = row = await ask(gateway)
            return Told(asked=asked, id=row.id, status=row.status, amount=row.amount)

        self._begin(ask_and_keep, asked.key_of)

    def _begin(self, ask: Ask, key: KeyOf | None = None) -> None:
        assert not self.is_waiting, "one thing at a time"
        self._asking = asyncio.ensure_future(self._insist(ask, key))

    async def _insist(self, ask: Ask, key: KeyOf | None) -> None:
        while True:
            gateway = self._world.gateways[self.place]
            if gateway is not None:
                if key is not None:
                    self.heard.attempts[key] += 1
                asking = gateway.process.spawn(_answered(ask, gateway))
                await asyncio.wait([asking])
                if not asking.cancelled() and (answers := asking.result()) is not None:
                    self._hear(answers)
                    return
            await asyncio.sleep(_PAUSE_S)
            # Whether it ever returns is said after the fault, which may have ended its gateway.
            if not self.insists:
                return

    def _hear(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            if isinstance(answer, LimitTold):
                self.heard.limits.append(answer)
            else:
                self.heard.told.append(answer)

    def _asked(
        self,
        kind: Kind,
        wallet: UUID,
        payee: UUID | None,
        amount: int,
        *,
        of: UUID | None = None,
        is_final: bool = False,
    ) -> Asked:
        self._keys += 1
        return Asked(
            kind=kind,
            wallet=wallet,
            caller=str(wallet),
            payee=payee,
            amount=amount,
            key=f"key-{self._keys}",
            of=of,
            is_final=is_final,
        )


async def _answered(ask: Ask, gateway: Gateway) -> list[Answer] | None:
    """What the gateway answers; None where a client is to ask again."""
    try:
        told = await ask(gateway)
    except (ShardTransientError, LaneFullError):
        return None
    return [told] if told is not None else []
