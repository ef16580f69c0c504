"""What a seed makes of a run: which things can befall it, and which of them happens next."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from uuid import UUID

from faust.types import TP

from reliability.simulation.nodes import KEYS, Worker
from reliability.simulation.operations import Fate, Io, Operation
from reliability.simulation.world import World
from sagas.messages import Message, Step
from sagas.operators import UserAct

Act = Callable[[], Awaitable[None] | None]
_DATABASE_CLOCK_OFF_S = 30
_IDLE_TIME_WEIGHT = 0.05
_NIGHT_WEIGHT = 0.03
_NIGHT_OFF_S = 5.0


@dataclass(frozen=True, slots=True)
class _Choice:
    weight: float
    act: Act


class Chance:
    """Chooses what happens next, by the seed alone.

    Each seed has its own mix of faults, some left out: a run in which everything goes wrong at
    once does not get far enough to find much (swarm testing, Groce et al., ISSTA 2012).
    """

    def __init__(self, world: World, *, users: list[UUID]) -> None:
        self._world = world
        self._stage = world.stage
        self._users = users
        self.rng = Random(f"{world.seed} chance")  # noqa: S311 - a simulation repeats itself
        self.faults = True
        self._faults_left = self.rng.randint(10, 100)
        rng = self.rng
        self._fates = {fate: _sometimes(rng, 0.04) for fate in Fate if fate is not Fate.GOES_WELL}
        self._lost = _sometimes(rng, 0.3)
        self._held_back = _sometimes(rng, 0.05)
        self._weighed = [(_sometimes(rng, 0.15), self._counted(act)) for act in self._fault_acts()]
        self._time_weight = rng.choice((0.1, 0.4, 1.5))
        self._nights_left = rng.choice((0, 1, 3))

    async def step(self) -> bool:
        """Lets one thing happen; False if nothing can."""
        choices = [*self._progress(), *self._faults()]
        if not choices:
            return await self._stage.pass_time()
        choices.append(_Choice(self._time_weight, self._pass_time))
        (chosen,) = self.rng.choices(choices, [choice.weight for choice in choices])
        done = chosen.act()
        await (self._stage.settle() if done is None else done)
        self._world.bury_dead()
        return True

    def stop_faults(self) -> None:
        """From now on everything goes well."""
        self.faults = False
        # Nor is the system so slow from now on that what it does runs out of time.
        self._time_weight = _IDLE_TIME_WEIGHT
        for process in self._world.processes:
            process.paused = False
        for database in self._stage.databases:
            database.clock_ahead_us = 0
        self._world.start_all()

    # --- what goes on

    def _progress(self) -> list[_Choice]:
        asked = [one for one in self._stage.asked if not one.process.paused]
        held = [one for one in self._stage.held_back if not one.process.paused]
        waiting = [
            (worker, tp)
            for worker in self._world.workers
            if worker is not None and not worker.process.paused
            for tp in worker.source.waiting
        ]
        choices = []
        if asked:
            choices.append(_Choice(10, lambda: self._do(self.rng.choice(asked))))
        if held:
            choices.append(_Choice(3, lambda: self._stage.answer(self.rng.choice(held))))
        if waiting:
            choices.append(_Choice(6, lambda: self._read(*self.rng.choice(waiting))))
        if self.faults and self._nights_left:
            choices.append(_Choice(_NIGHT_WEIGHT, self._night))
        return choices

    def _do(self, operation: Operation) -> Awaitable[None]:
        if not self.faults:
            return self._stage.do(operation)
        if operation.kind is not Io.CONNECT and self.rng.random() < self._held_back:
            return self._stage.hold_back(operation)
        fates = list(self._fates)
        weights = [self._fates[fate] for fate in fates]
        (fate,) = self.rng.choices([Fate.GOES_WELL, *fates], [1 - sum(weights), *weights])
        if operation.kind is Io.PRODUCE and self.rng.random() < self._lost:
            return self._produce_in_vain(operation)
        return self._stage.do(operation, fate)

    async def _produce_in_vain(self, operation: Operation) -> None:
        """Acknowledged, and lost with the broker's disk before anybody has read it."""
        before = len(self._world.log.all())
        await self._stage.do(operation)
        for tp, offset, _ in self._world.log.all()[before:]:
            self._world.log.lose(tp, offset)
            self._stage.note(f"{tp.topic} {tp.partition} loses {offset}, unread")

    def _read(self, worker: Worker, tp: TP) -> None:
        self._world.read(worker, tp, self.rng.randint(1, 5))

    async def _pass_time(self) -> None:
        await self._stage.pass_time()

    def _night(self) -> None:
        self._nights_left -= 1
        # A little before or after: the clocks of shards that are off see it sooner or later.
        self._world.skip_to_midnight(off_s=self.rng.uniform(-_NIGHT_OFF_S, _NIGHT_OFF_S))

    # --- what befalls it

    def _faults(self) -> list[_Choice]:
        if not self.faults:
            return []
        choices = []
        if any(process.paused for process in self._world.processes):
            choices.append(_Choice(0.3, self._resume))
        if None in self._world.gateways or None in self._world.workers:
            choices.append(_Choice(1.0, self._world.start_all))
        if self._faults_left > 0:
            choices += [_Choice(weight, act) for weight, act in self._weighed if weight]
        return choices

    def _counted(self, act: Act) -> Act:
        def counted() -> Awaitable[None] | None:
            self._faults_left -= 1
            return act()

        return counted

    def _fault_acts(self) -> list[Act]:
        return [
            self._kill,
            self._pause,
            self._world.rebalance,
            self._lose,
            self._lose_all,
            self._repeat,
            self._replay,
            self._reset,
            self._poison,
            self._forge,
            self._clock,
            self._act,
        ]

    async def _kill(self) -> None:
        if self._world.processes:
            await self._stage.kill(self.rng.choice(self._world.processes))

    def _pause(self) -> None:
        here = [process for process in self._world.processes if not process.paused]
        if here:
            process = self.rng.choice(here)
            process.paused = True
            self._stage.note(f"{process.name} paused")

    def _resume(self) -> None:
        process = self.rng.choice([one for one in self._world.processes if one.paused])
        process.paused = False
        self._stage.note(f"{process.name} resumed")

    def _lose(self) -> None:
        there = self._world.log.all()
        if there:
            tp, offset, _ = self.rng.choice(there)
            self._world.log.lose(tp, offset)
            self._stage.note(f"{tp.topic} {tp.partition} loses {offset}")

    def _lose_all(self) -> None:
        self._world.log.empty()
        self._stage.note("the log loses everything")

    def _repeat(self) -> None:
        there = self._world.log.all()
        if there:
            again = [message for _, _, message in self.rng.choices(there, k=self.rng.randint(1, 4))]
            self._world.log.append(again)
            self._stage.note(f"{len(again)} messages come again")

    def _replay(self) -> None:
        workers = [worker for worker in self._world.workers if worker is not None]
        for worker in workers:
            for tp in worker.source.waiting or []:
                worker.source.seek(tp, 0)
        self._stage.note("partitions that are read begin again")

    def _reset(self) -> None:
        self._world.log.committed.clear()
        self._world.rebalance()
        self._stage.note("the group forgets what is done")

    def _poison(self) -> None:
        value = self.rng.choice(
            (b"", b"{", b'{"v": 9}', b"[1]", b'{"v": 1}', self.rng.randbytes(20))
        )
        self._world.append_raw(self.rng.choice(list(Step)), self._some_bucket(), value)

    def _forge(self) -> None:
        payer, payee = self.rng.sample(self._users, 2)
        message = Message(
            step=Step.CONFIRM,
            transfer_id=UUID(int=payer.int ^ self.rng.getrandbits(60)),
            payer_id=payer,
            payee_id=payee,
            currency="EUR",
            amount=self.rng.randint(1, 1_000),
            refund_of=None,
            traceparent="",
        )
        value = KEYS.encode(message)
        # One digit of the signature is another one; or it is right and on the wrong topic.
        forged = value.replace(b'"mac":"', b'"mac":"0')[:-3] + b'"}'
        step = self.rng.choice(list(Step))
        self._world.append_raw(step, self._some_bucket(), forged if step is Step.CONFIRM else value)

    def _clock(self) -> None:
        database = self.rng.choice(self._stage.databases)
        off_s = self.rng.uniform(-_DATABASE_CLOCK_OFF_S, _DATABASE_CLOCK_OFF_S)
        database.clock_ahead_us = int(off_s * 1_000_000)
        self._stage.note(f"{database.name} clock is off by {off_s:.1f} s")

    def _act(self) -> None:
        acts = (UserAct.FREEZE, UserAct.UNFREEZE, UserAct.CLOSE)
        self._world.act(self.rng.choice(self._users), self.rng.choice(acts))

    def _some_bucket(self) -> int:
        return self.rng.choice(self._world.group.buckets)


def _sometimes(rng: Random, most: float) -> float:
    """Nothing, or up to `most`."""
    return rng.choice((0.0, rng.uniform(0.0, most)))
