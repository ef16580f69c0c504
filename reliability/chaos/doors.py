"""Wallets that operators close, one after another while they are paid, and freeze and open."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from reliability.chaos.load.answers import minor
from reliability.chaos.load.cast import Member
from reliability.chaos.load.tools import Tools
from reliability.chaos.operators import Operators
from reliability.history import Kind
from sagas.operators import UserAct, WalletNotEmptyError
from shards.errors import ShardTransientError

_SWING_EVERY_S = 0.35
_AGAIN_S = 0.2
_AWAY_S = 1.0
# A wallet that is paid again and again before it can be closed, or whose own payment is under way
# for as long as a fault lasts, stays open.
_TRIES = 40
# Of the history; the clients of the load have the numbers above.
_CLIENT = 0


class Doors:
    """Closes, freezes and opens, each user of a shard in turn.

    Args:
        operators: who act on the users.
        tools: those of the clients, who are told whose wallet closes next.
        within_s: in this time all doors of a shard are to have closed.
    """

    def __init__(self, operators: Operators, tools: Tools, *, within_s: float) -> None:
        self._operators = operators
        self._asking = tools.asking
        self._requests = tools.requests
        self._cast = tools.cast
        self._doorway = tools.doorway
        self._within_s = within_s

    async def shut_for_good(self) -> None:
        """One wallet is closed, while it is empty, and one frozen, before the load begins."""
        await self._operators.act(self._cast.closed, UserAct.CLOSE)
        await self._operators.act(self._cast.frozen, UserAct.FREEZE)

    async def run(self) -> None:
        """Until it is cancelled, on all shards; one that is away keeps its wallets as they are."""
        async with asyncio.TaskGroup() as group:
            for doors in self._operators.by_shard(self._cast.doors):
                group.create_task(self._close_in_turn(doors))
            for chilled in self._operators.by_shard(self._cast.chilled):
                group.create_task(self._swing(chilled))

    async def _close_in_turn(self, doors: Sequence[Member]) -> None:
        for door in doors:
            self._doorway.begin(door)
            await asyncio.sleep(self._within_s / len(doors))
            await self._close(door)
            self._doorway.end(door)

    async def _close(self, door: Member) -> None:
        """Empties and closes a wallet that is being paid all the while."""
        for _ in range(_TRIES):
            await self._empty(door)
            with suppress(WalletNotEmptyError):
                await self._act(door, UserAct.CLOSE)
                return
            await asyncio.sleep(_AGAIN_S)

    async def _empty(self, door: Member) -> None:
        """Its owner withdraws all that is there to be spent."""
        seen = await self._asking.ask(self._requests.read_balance(door), client=_CLIENT)
        if seen.status != 200:
            return
        available = minor(seen.body["balance"]) - minor(seen.body["held"])
        if available:
            ask = self._requests.movement(Kind.WITHDRAWAL, door, available)
            await self._asking.ask(ask, client=_CLIENT)

    async def _swing(self, payers: Sequence[Member]) -> None:
        while True:
            for act in (UserAct.FREEZE, UserAct.UNFREEZE):
                for payer in payers:
                    await self._act(payer, act)
                await asyncio.sleep(_SWING_EVERY_S)

    async def _act(self, member: Member, act: UserAct) -> None:
        """Again and again while the shard is away."""
        while True:
            try:
                await self._operators.act(member, act)
            except ShardTransientError:
                await asyncio.sleep(_AWAY_S)
            else:
                return
