"""The stage: all processes of a run, of which one I/O at a time is carried out."""

import asyncio
from collections.abc import Sequence

import asyncpg

from reliability.simulation.loop import VirtualLoop
from reliability.simulation.operations import Fate, Operation
from reliability.simulation.process import Process
from reliability.simulation.sessions import Session, SessionPool
from reliability.simulation.wires import Database, Wire
from shards.pool import OpenPool, Pool, ShardOptions
from shards.shard import Shard

# A statement that is not done after so long is looked at: it may wait for a lock.
_LOOK_AFTER_S = 0.0015


class Stage:
    """Carries out what processes ask for, in the order it is told.

    Attributes:
        asked: operations nobody has begun, oldest first.
        blocked: begun, and waiting for a lock that another session has; one per database.
        queued: as these, but not begun: they are asked for again once a lock was given back.
        held_back: carried out; the answer is still under way.
        trace: what was done so far, one line each.
    """

    def __init__(self, loop: VirtualLoop, databases: Sequence[Database], *, lock_s: float) -> None:
        self.loop = loop
        self.databases = databases
        self._lock_s = lock_s
        self.asked: list[Operation] = []
        self.blocked: list[Operation] = []
        self.queued: list[Operation] = []
        self.held_back: list[Operation] = []
        self.trace: list[str] = []
        self._ended: list[Wire] = []
        self._waits_since: dict[Operation, float] = {}
        self._released = False

    def process(self, name: str) -> Process:
        """A new process."""
        return Process(name, self.asked)

    def shard(self, database: Database, process: Process, options: ShardOptions) -> Shard:
        """The product's shard, over connections whose every I/O is asked for."""
        return Shard(
            name=database.name,
            dsn=database.dsn,
            buckets=database.buckets,
            options=options,
            open_pool=self._opens(database, process),
        )

    async def settle(self) -> None:
        """Lets everything run until it waits for an I/O or for time, and clears up behind it."""
        await self.loop.settle()
        await self._unblock()
        while self._ended:
            await self._end(self._ended.pop(0))
            await self.loop.settle()
            await self._unblock()

    async def do(self, operation: Operation, fate: Fate = Fate.GOES_WELL) -> None:
        """Decides what becomes of an operation that was asked for."""
        self._note(str(operation) if fate is Fate.GOES_WELL else f"{operation}: {fate}")
        self.asked.remove(operation)
        if fate not in (Fate.DIES_BEFORE, Fate.FAILS):
            await self._carry_out(operation)
        if operation not in (*self.blocked, *self.queued):
            await self._conclude(operation, fate)
        await self.settle()

    async def hold_back(self, operation: Operation) -> None:
        """Carries an operation out and leaves its answer under way."""
        self._note(f"{operation}, answer held back")
        self.asked.remove(operation)
        await self._carry_out(operation)
        if operation not in (*self.blocked, *self.queued):
            self.held_back.append(operation)
        await self.settle()

    async def answer(self, operation: Operation) -> None:
        """Delivers an answer that was held back."""
        self._note(f"{operation}, answered")
        self.held_back.remove(operation)
        operation.deliver()
        await self.settle()

    async def kill(self, process: Process) -> None:
        """Ends a process, whatever it is doing; its sessions end with it."""
        self._note(f"{process.name} dies")
        await self._bury(process)
        await self.settle()

    async def pass_time(self) -> bool:
        """Goes on to the next moment at which something is due; False if nothing ever is."""
        when = self.loop.next_timer_at()
        if when is None:
            return False
        self.loop.advance_to(when)
        await self.settle()
        await self._time_out_locks()
        await self.settle()
        return True

    def note(self, what: str) -> None:
        """Writes a line of the trace for something done past the stage."""
        self._note(what)

    # --- one operation

    async def _conclude(self, operation: Operation, fate: Fate) -> None:
        if fate is Fate.GOES_WELL:
            operation.deliver()
        elif fate in (Fate.FAILS, Fate.UNKNOWN):
            operation.fail()
        else:
            await self._bury(operation.process)

    async def _bury(self, process: Process) -> None:
        await process.kill(self.loop)
        for operation in [one for one in self.held_back if one.process is process]:
            self.held_back.remove(operation)
            operation.fail()

    async def _carry_out(self, operation: Operation) -> None:
        wire = operation.wire
        if wire is None:
            operation.carried = asyncio.ensure_future(operation.carry_out())
            await asyncio.wait([operation.carried])
            return
        await wire.database.set_clock(self.loop.time())
        # Two that wait for one row would be woken together, and chance decide which gets it: so
        # only one waits in the server, and the others begin again.
        is_second = operation.may_wait and any(
            _database(one) is wire.database for one in self.blocked
        )
        if is_second:
            await wire.remember()
        operation.carried = asyncio.ensure_future(operation.carry_out())
        if not await self._waits_for_a_lock(wire, operation):
            self._released = self._released or not wire.in_transaction
        elif is_second:
            await self._give_up(operation)
            await wire.back_to_remembered()
            self._wait(operation, self.queued)
        else:
            self._wait(operation, self.blocked)

    def _wait(self, operation: Operation, waiting: list[Operation]) -> None:
        self._note(f"{operation}, blocked")
        self._waits_since.setdefault(operation, self.loop.time())
        waiting.append(operation)

    async def _waits_for_a_lock(self, wire: Wire, operation: Operation) -> bool:
        """Returns when the statement is done, or waits for what only another session can give."""
        assert operation.carried is not None
        database = wire.database
        others = database.open_transactions - wire.in_transaction
        if not operation.may_wait or (not others and not self.blocked):
            await asyncio.wait([operation.carried])
        while not operation.carried.done():
            await self.loop.wait_really([operation.carried], for_s=_LOOK_AFTER_S)
            if not operation.carried.done() and await database.is_blocked(wire):
                return not operation.carried.done()
        return False

    # --- locks and the ends of sessions

    async def _unblock(self) -> None:
        """Finishes the statements whose lock has been given back, oldest first."""
        while self._released:
            self._released = False
            self.asked += self.queued
            self.queued.clear()
            for operation in list(self.blocked):
                assert operation.wire is not None
                if not await self._waits_for_a_lock(operation.wire, operation):
                    self.blocked.remove(operation)
                    self._note(f"{operation}, unblocked")
                    operation.deliver()
                    # Before anything else is waited for: the order must not depend on how long.
                    await self.loop.settle()
                    self._released = True

    async def _end(self, wire: Wire) -> None:
        stuck = [one for one in self.blocked if one.wire is wire]
        for waiting in (self.asked, self.held_back, self.blocked, self.queued):
            for operation in [one for one in waiting if one.wire is wire]:
                waiting.remove(operation)
                operation.fail()
        # Whoever was told goes on before anything is waited for: see `_unblock`.
        await self.loop.settle()
        for operation in stuck:
            await self._give_up(operation)
        await wire.database.give_back(wire)
        self._released = True

    async def _time_out_locks(self) -> None:
        for operation in [*self.blocked, *self.queued]:
            if self.loop.time() - self._waits_since[operation] >= self._lock_s:
                self._note(f"{operation}, lock timeout")
                if operation in self.blocked:
                    self.blocked.remove(operation)
                    await self._give_up(operation)
                else:
                    self.queued.remove(operation)
                    assert operation.wire is not None
                    await operation.wire.abort()
                operation.fail_with(asyncpg.LockNotAvailableError("simulated: lock timeout"))
                await self.loop.settle()

    async def _give_up(self, operation: Operation) -> None:
        """Ends a statement that waits for a lock."""
        assert operation.wire is not None
        assert operation.carried is not None
        await operation.wire.database.cancel(operation.wire)
        await asyncio.wait([operation.carried])
        operation.carried.exception()

    def _note(self, line: str) -> None:
        self.trace.append(f"{self.loop.elapsed_s:9.3f} {line}")

    def _opens(self, database: Database, process: Process) -> OpenPool:
        async def open_pool(_dsn: str, options: ShardOptions) -> Pool:
            pool = SessionPool(
                process=process,
                database=database,
                size=options.pool_size,
                on_lost=self._lost,
            )
            process.at_death.append(pool.terminate)
            return pool

        return open_pool

    def _lost(self, session: Session) -> None:
        self._ended.append(session.wire)


def _database(operation: Operation) -> Database:
    assert operation.wire is not None
    return operation.wire.database
