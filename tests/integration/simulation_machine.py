"""The simulation with Hypothesis in the place of the seed: what it finds, it shrinks."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from typing_extensions import override

from audit import AuditedShard, audit
from reliability.simulation.chance import Chance
from reliability.simulation.clients import Client
from reliability.simulation.heard import Heard
from reliability.simulation.loop import VirtualLoop
from reliability.simulation.nodes import SHARD, Sizes
from reliability.simulation.operations import Fate
from reliability.simulation.process import own_tasks
from reliability.simulation.run import Result, drain
from reliability.simulation.scratch import BUCKETS, scratch_databases
from reliability.simulation.stage import Stage
from reliability.simulation.verify import verify
from reliability.simulation.wires import Database
from reliability.simulation.world import World
from sagas.operators import UserAct
from shards.movements import MovementKind

T = TypeVar("T")
# The last one begins with nothing, and so can be closed.
_USER_BUCKETS = (0, 1, 2, 3)
_FUNDS = 100
_DRAIN_S = 60.0

_any = st.integers(0, 10**6)
_users = st.integers(0, len(_USER_BUCKETS) - 1)


class Theatre:
    """A loop and the databases opened on it, for one machine after another."""

    def __init__(self, runner: asyncio.Runner, databases: list[Database]) -> None:
        self.runner = runner
        self.databases = databases


@contextmanager
def opened_theatre(server_dsn: str, *, name: str) -> Iterator[Theatre]:
    """Databases of its own, dropped afterwards."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        databases = scratch_databases(server_dsn, prefix=name)
        yield Theatre(runner, runner.run(databases.__aenter__()))
        runner.run(databases.__aexit__(None, None, None))


class Money(RuleBasedStateMachine):
    """Each rule lets one thing happen; in the end all is healed, drained and looked at."""

    theatre: ClassVar[Theatre]

    def __init__(self) -> None:
        super().__init__()
        self.asking: list[asyncio.Task[None]] = []

    @initialize(
        batch_max=st.sampled_from((1, 20)),
        lane_capacity=st.sampled_from((4, 50)),
        unlocked_max=st.sampled_from((0, 8)),
        hands_over=st.booleans(),
    )
    def begin(self, *, hands_over: bool, **sizes: int) -> None:
        self._run(self._begin(Sizes(**sizes), hands_over=hands_over))

    # --- what clients want

    @rule(
        payer=_users,
        payee=_users,
        amount=st.integers(1, _FUNDS),
        twice=st.booleans(),
        expires_in_s=st.sampled_from((2, 3_600)),
    )
    def pay(self, payer: int, payee: int, amount: int, twice: bool, expires_in_s: int) -> None:
        to = self.users[payee] if payee != payer else UUID(int=self.users[payer].int ^ 1)
        self._ask(
            self.client.pay(self.users[payer], to, amount, expires_in_s=expires_in_s, twice=twice)
        )

    @rule(user=_users, amount=st.integers(1, _FUNDS))
    def withdraw(self, user: int, amount: int) -> None:
        self._ask(self.client.move(MovementKind.WITHDRAWAL, self.users[user], amount))

    @precondition(lambda self: self.client.accepted)
    @rule(which=_any)
    def cancel(self, which: int) -> None:
        accepted = self.client.accepted
        self._ask(self.client.cancel(accepted[which % len(accepted)]))

    @rule(
        payer=_users,
        payee=_users,
        amount=st.integers(1, _FUNDS),
        twice=st.booleans(),
        expires_in_s=st.sampled_from((2, 3_600)),
    )
    def hold(self, payer: int, payee: int, amount: int, twice: bool, expires_in_s: int) -> None:
        to = self.users[payee] if payee != payer else UUID(int=self.users[payer].int ^ 1)
        self._ask(
            self.client.hold(self.users[payer], to, amount, expires_in_s=expires_in_s, twice=twice)
        )

    @precondition(lambda self: self.client.holds)
    @rule(
        which=_any,
        amount=st.none() | st.integers(1, _FUNDS),
        is_final=st.booleans(),
        by_payer=st.booleans(),
        twice=st.booleans(),
    )
    def capture(
        self, which: int, amount: int | None, is_final: bool, by_payer: bool, twice: bool
    ) -> None:
        hold = self.client.holds[which % len(self.client.holds)]
        self._ask(
            self.client.capture(hold, amount, is_final=is_final, by_payer=by_payer, twice=twice)
        )

    @precondition(lambda self: self.client.holds)
    @rule(which=_any, by_operator=st.booleans())
    def void(self, which: int, by_operator: bool) -> None:
        hold = self.client.holds[which % len(self.client.holds)]
        self._ask(self.client.void(hold, by_operator=by_operator))

    @precondition(lambda self: self.client.accepted)
    @rule(
        which=_any,
        amount=st.none() | st.integers(1, _FUNDS),
        by_operator=st.booleans(),
        expires_in_s=st.sampled_from((2, 3_600)),
        twice=st.booleans(),
    )
    def refund(
        self, which: int, amount: int | None, by_operator: bool, expires_in_s: int, twice: bool
    ) -> None:
        transfer = self.client.accepted[which % len(self.client.accepted)]
        self._ask(
            self.client.refund(
                transfer, amount, by_operator=by_operator, expires_in_s=expires_in_s, twice=twice
            )
        )

    @rule(user=_users, daily=st.none() | st.integers(0, 2 * _FUNDS))
    def limit(self, user: int, daily: int | None) -> None:
        self._ask(self.client.limit(self.users[user], daily))

    # --- what happens to I/O

    @precondition(lambda self: self._asked())
    @rule(count=st.integers(1, 30))
    def go_on(self, count: int) -> None:
        for _ in range(count):
            asked = self._asked()
            if asked:
                self._run(self.stage.do(asked[0]))

    @precondition(lambda self: self._asked())
    @rule(which=_any, fate=st.sampled_from(Fate))
    def meet(self, which: int, fate: Fate) -> None:
        asked = self._asked()
        self._run(self.stage.do(asked[which % len(asked)], fate))
        self.world.bury_dead()

    @precondition(lambda self: self._asked())
    @rule(which=_any)
    def hold_back(self, which: int) -> None:
        asked = self._asked()
        self._run(self.stage.hold_back(asked[which % len(asked)]))

    @precondition(lambda self: self.stage.held_back)
    @rule(which=_any)
    def answer(self, which: int) -> None:
        held = [one for one in self.stage.held_back if not one.process.paused]
        if held:
            self._run(self.stage.answer(held[which % len(held)]))

    @rule(times=st.integers(1, 20))
    def pass_time(self, times: int) -> None:
        for _ in range(times):
            self._run(self.stage.pass_time())

    # --- what happens to messages

    @rule(which=_any, most=st.integers(1, 5))
    def read(self, which: int, most: int) -> None:
        waiting = [
            (worker, tp)
            for worker in self.world.workers
            if worker is not None and not worker.process.paused
            for tp in worker.source.waiting
        ]
        if waiting:
            worker, tp = waiting[which % len(waiting)]
            self.world.read(worker, tp, most)
            self._run(self.stage.settle())

    @precondition(lambda self: self.world.log.all())
    @rule(which=_any)
    def lose(self, which: int) -> None:
        there = self.world.log.all()
        tp, offset, _ = there[which % len(there)]
        self.world.log.lose(tp, offset)

    @precondition(lambda self: self.world.log.all())
    @rule(which=_any)
    def come_again(self, which: int) -> None:
        there = self.world.log.all()
        self.world.log.append([there[which % len(there)][2]])

    @rule()
    def forget_what_is_done(self) -> None:
        self.world.log.committed.clear()
        self.world.rebalance()

    # --- what happens to processes, users and clocks

    @precondition(lambda self: self.world.processes)
    @rule(which=_any)
    def kill(self, which: int) -> None:
        processes = self.world.processes
        self._run(self.stage.kill(processes[which % len(processes)]))
        self.world.bury_dead()

    @precondition(lambda self: self.world.processes)
    @rule(which=_any)
    def pause_or_resume(self, which: int) -> None:
        processes = self.world.processes
        process = processes[which % len(processes)]
        process.paused = not process.paused

    @rule()
    def start_all(self) -> None:
        self._run(self._start_all())

    @rule(user=_users, act=st.sampled_from((UserAct.FREEZE, UserAct.UNFREEZE, UserAct.CLOSE)))
    def act(self, user: int, act: UserAct) -> None:
        self._run(self._act(self.users[user], act))

    @rule(which=st.integers(0, 1), ahead_s=st.integers(-30, 30))
    def set_clock(self, which: int, ahead_s: int) -> None:
        self.stage.databases[which].clock_ahead_us = ahead_s * 1_000_000

    @rule(off_s=st.integers(-5, 5))
    def skip_to_midnight(self, off_s: int) -> None:
        self.world.skip_to_midnight(off_s=off_s)

    # --- what must be true: at any moment, and in the end

    @rule()
    def look(self) -> None:
        """The audit is right while money moves."""
        assert self._run(self._audit()) == []

    @override
    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                assert self._run(self._end()) == []
            finally:
                self._run(self._clear_up())

    # --- how

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.theatre.runner.run(work)

    def _asked(self) -> list[Any]:
        return [one for one in self.stage.asked if not one.process.paused]

    def _ask(self, work: Coroutine[Any, Any, None]) -> None:
        async def begin() -> None:
            self.asking.append(asyncio.ensure_future(work))
            await self.stage.settle()

        self._run(begin())

    async def _begin(self, sizes: Sizes, *, hands_over: bool) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.begin_again()
        own_tasks(loop)
        for database in self.theatre.databases:
            await database.empty()
        self.stage = Stage(loop, self.theatre.databases, lock_s=SHARD.lock_s)
        self.world = World(self.stage, seed=0, buckets=BUCKETS, sizes=sizes, hands_over=hands_over)
        self.users = [
            await self.world.user(bucket, f"user{n}") for n, bucket in enumerate(_USER_BUCKETS)
        ]
        self.heard = Heard()
        self.client = Client(self.world, self.heard, name="client")
        self.world.start_all()
        await self.stage.settle()
        funded = [
            asyncio.ensure_future(self.client.move(MovementKind.DEPOSIT, user, _FUNDS))
            for user in self.users[:-1]
        ]
        while not all(task.done() for task in funded):
            if self.stage.asked:
                await self.stage.do(self.stage.asked[0])
            else:
                await self.stage.pass_time()

    async def _start_all(self) -> None:
        self.world.start_all()
        await self.stage.settle()

    async def _act(self, user_id: UUID, act: UserAct) -> None:
        self.world.act(user_id, act)
        await self.stage.settle()

    async def _audit(self) -> list[str]:
        shards = [AuditedShard(d.name, d.dsn, tuple(d.buckets)) for d in self.stage.databases]
        report = await audit(shards, buckets=BUCKETS)
        assert not report.unaudited
        return [f"{check.name}: {breach}" for check in report.checks for breach in check.breaches]

    async def _end(self) -> list[str]:
        chance = Chance(self.world, users=self.users)
        chance.stop_faults()
        await self.stage.settle()
        found = await drain(self.world, chance, self.asking, within_s=_DRAIN_S)
        databases, heard = self.stage.databases, self.heard
        return found + await verify(databases, buckets=BUCKETS, heard=heard, result=Result(0))

    async def _clear_up(self) -> None:
        for task in self.asking:
            task.cancel()
        for process in [*self.world.processes, self.world.operator]:
            await self.stage.kill(process)
