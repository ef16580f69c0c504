"""Freeze-frames: everything that moves money stands still, and the totals must be exact."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg

from reliability.chaos.faults import Gate
from reliability.chaos.judge import NOT_CHECKED, Judgement
from reliability.chaos.stack import ProgramNode, Stack

_SERVERS_WITHIN_S = 30.0
_MOMENT_WITHIN_S = 30.0
_IDLE_WITHIN_S = 10.0
_CONNECT_S = 3.0
# One that waits for a paused process, or for its lock, never becomes idle, and writes nothing.
_ACTIVE = """
    SELECT format('%s, %s: %s', application_name, wait_event, left(query, 80))
    FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND state = 'active'
        AND coalesce(wait_event_type, '') NOT IN ('Lock', 'Client')
    LIMIT 1
"""
_DATABASE_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame; without a judgement it was not taken, and `detail` says why."""

    at_s: float
    took_s: float
    judgement: Judgement | None
    detail: str


class Freezer:
    """Takes frames, between faults: see `Gate`."""

    def __init__(self, stack: Stack, gate: Gate, check: Callable[[], Awaitable[Judgement]]) -> None:
        self._stack = stack
        self._gate = gate
        self._check = check

    async def frame(self, at_s: float) -> Frame:
        """One frame; a shard that stays away, or a program that starts meanwhile, prevents it."""
        began = time.monotonic()
        if not await self._servers_are_up():
            return self._missed(at_s, began, "a shard was away")
        try:
            async with self._gate.still(within_s=_MOMENT_WITHIN_S):
                return await self._frozen(at_s)
        except TimeoutError:
            return self._missed(at_s, began, "some process was always on its way down or up")

    async def _frozen(self, at_s: float) -> Frame:
        began = time.monotonic()
        if not self._up_now():
            return self._missed(at_s, began, "a shard was away")
        paused = [node for node in self._programs() if node.is_up and not node.is_paused]
        pids = [node.pid for node in self._programs()]
        try:
            for node in paused:
                await node.pause()
            if active := await self._still_active():
                return self._missed(at_s, began, f"a backend was at work all the time: {active}")
            judgement = await self._check()
            if judgement.exit_code == NOT_CHECKED:
                # A shard whose disk is full, say. In the end such a judgement is a failure; here
                # it is a frame less, and so many are demanded.
                return self._missed(at_s, began, f"not checked: {judgement.lines[-1]}")
            if pids != [node.pid for node in self._programs()]:
                return self._missed(at_s, began, "a program was started meanwhile")
        finally:
            for node in paused:
                await node.resume()
        took_s = time.monotonic() - began
        return Frame(at_s=at_s, took_s=took_s, judgement=judgement, detail="")

    def _programs(self) -> list[ProgramNode]:
        return [*self._stack.gateways, *self._stack.workers]

    def _up_now(self) -> bool:
        return all(node.is_up and not node.is_paused for node in self._stack.servers)

    async def _servers_are_up(self) -> bool:
        deadline = time.monotonic() + _SERVERS_WITHIN_S
        while time.monotonic() < deadline:
            if self._up_now() and all([await node.is_ready() for node in self._stack.servers]):
                return True
            await asyncio.sleep(0.2)
        return False

    async def _still_active(self) -> str | None:
        """A backend that does not come to its end; None when none is at work."""
        deadline = time.monotonic() + _IDLE_WITHIN_S
        for dsn in self._stack.direct_dsns.values():
            while active := await _active(dsn):
                if time.monotonic() > deadline:
                    return active
                await asyncio.sleep(0.05)
        return None

    def _missed(self, at_s: float, began: float, why: str) -> Frame:
        took_s = time.monotonic() - began
        return Frame(at_s=at_s, took_s=took_s, judgement=None, detail=why)


async def _active(dsn: str) -> str | None:
    """Some backend that is at work; a server that does not answer counts as one."""
    try:
        conn = await asyncpg.connect(dsn, timeout=_CONNECT_S)
        try:
            found: str | None = await conn.fetchval(_ACTIVE, timeout=_CONNECT_S)
        finally:
            await conn.close(timeout=_CONNECT_S)
    except _DATABASE_ERRORS as error:
        return repr(error)
    return found
