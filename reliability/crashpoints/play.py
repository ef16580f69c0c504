"""One run without chance: first come, first served, and one fault at most."""

from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from uuid import UUID

from faust.types import TP, Message

from messaging.envelope import topic_of
from messaging.errors import BrokerUnavailableError
from reliability.crashpoints.client import Client
from reliability.crashpoints.points import Aftermath, CrashPoint, NumberedIo
from reliability.simulation.log import mark_acked
from reliability.simulation.nodes import NAMES, Worker
from reliability.simulation.operations import Fate, Io, Operation
from reliability.simulation.process import Process
from reliability.simulation.stage import Stage
from reliability.simulation.world import World
from sagas.messages import Step

_STEPS_MAX = 5_000
_DRAIN_S_MAX = 30.0
# What is over must stay as it is: so long, with redrive, after everything is over.
_AFTERWARDS_S = 1.5
_DEATHS = (Fate.DIES_BEFORE, Fate.DIES_AFTER)


class Look(StrEnum):
    """What a loop of a worker looks for by itself, by the statement that finds it."""

    REDRIVE = "transfers.claim_due"
    EXPIRY = "holds.find_due_holds"


class StuckError(Exception):
    """The run did not get where it should."""


class Play:
    """A world with one gateway to set things up, one gateway and one worker under test.

    Attributes:
        ios: the I/Os of the step under test, as far as it got.
    """

    def __init__(
        self, stage: Stage, world: World, *, users: tuple[UUID, UUID], point: CrashPoint | None
    ) -> None:
        self.stage = stage
        self.world = world
        self.payer, self.payee = users
        self.client = Client(world)
        self.ios: list[NumberedIo] = []
        self._point = point
        self._look: Look | None = None
        self._under_test: Process | None = None
        self._struck = False
        self._recovers_by_message = False
        self._redrive_is_silent = False
        world.start_gateway(0)
        world.start_gateway(1)
        self._start_worker()

    # --- getting to the step, and through it

    async def until(self, done: Callable[[], bool], *, reads: bool) -> None:
        """Goes on until `done`; without `reads`, messages stay where they are."""
        for _ in range(_STEPS_MAX):
            await self._recover_if_struck()
            if done():
                return
            await self.step(reads=reads)
        raise StuckError("the step was not reached, or did not end")

    def begin(self, process: Process, *, by_message: bool, look: Look | None = None) -> None:
        """From now on the I/Os of this process are those of the step under test.

        Args:
            process: which carries the step out.
            by_message: whether a message brought it, which will come again.
            look: what the step begins with, where a loop does it; other loops do not count.
        """
        self._under_test = process
        self._look = look
        self._recovers_by_message = by_message

    def counted(self, kind: Io) -> bool:
        """Whether the step under test has done an I/O of this kind."""
        return any(io.kind is kind for io in self.ios)

    @property
    def is_idle(self) -> bool:
        """Whether nobody asks for anything."""
        return not self.client.is_waiting and not self._asked()

    @property
    def is_done(self) -> bool:
        """Whether nobody asks for anything, and every message is done."""
        return self.is_idle and not self._not_done()

    def end(self) -> None:
        """The step under test is over: what its process does from now on is not counted."""
        self._under_test = None

    @property
    def has_struck(self) -> bool:
        """Whether the fault has happened."""
        return self._struck

    # --- the worker and its messages

    @property
    def worker(self) -> Worker:
        """The one worker, which is up."""
        (worker, _) = self.world.workers
        assert worker is not None, "the worker is down"
        return worker

    def has_waiting(self, step: Step) -> bool:
        """Whether a message of this step is there to be read, and everything before it is over."""
        topic = topic_of(NAMES, step)
        return self.is_idle and any(tp.topic == topic for tp in self.worker.source.waiting)

    def read(self, step: Step) -> None:
        """The worker takes one message of this step."""
        topic = topic_of(NAMES, step)
        tp = next(tp for tp in self.worker.source.waiting if tp.topic == topic)
        self.world.read(self.worker, tp, 1)

    def next_is(self, look: Look, shard: str) -> bool:
        """Whether a worker is about to look for this on a shard."""
        asked = self._asked()
        return bool(asked) and asked[0].what == f"{shard} {look}"

    # --- the schedule

    async def step(self, *, reads: bool) -> None:
        """Lets one thing happen: the oldest I/O, else a message, else the next timer."""
        asked = self._asked()
        if asked:
            await self._do(asked[0])
        elif reads and not self.client.is_waiting and self.worker.source.waiting:
            self.world.read(self.worker, self.worker.source.waiting[0], 1)
        elif not await self.stage.pass_time():
            raise StuckError("nothing will ever happen again")
        await self.stage.settle()

    async def drain(self) -> None:
        """Goes on until all is over, and a little longer."""
        loop = self.stage.loop
        began = loop.time()
        while self.worker.source.waiting or not await self._is_over():
            if loop.time() - began > _DRAIN_S_MAX:
                raise StuckError(
                    f"not over {_DRAIN_S_MAX:.0f} s after the fault:"
                    f" {await self.world.unfinished()} transfers and expired holds open,"
                    f" messages not done: {self._not_done()},"
                    f" client {'waits' if self.client.is_waiting else 'was answered'}"
                )
            await self.step(reads=True)
        self._redrive_is_silent = False
        over_at = loop.time()
        while loop.time() - over_at < _AFTERWARDS_S:
            await self.step(reads=True)

    def _asked(self) -> list[Operation]:
        if not self._redrive_is_silent:
            return self.stage.asked
        return [one for one in self.stage.asked if not one.what.endswith(Look.REDRIVE)]

    async def _do(self, operation: Operation) -> None:
        fate = self._fate_of(operation.process, operation.kind, operation.what)
        await self.stage.do(operation, fate)

    def _fate_of(self, process: Process, kind: Io, what: str) -> Fate:
        if process is not self._under_test or self._struck:
            return Fate.GOES_WELL
        if any(what.endswith(look) for look in Look if look is not self._look):
            return Fate.GOES_WELL
        self.ios.append(NumberedIo(len(self.ios) + 1, kind, what))
        if self._point is None or len(self.ios) != self._point.number:
            return Fate.GOES_WELL
        self._struck = True
        return self._point.fate

    # --- after the fault

    async def _recover_if_struck(self) -> None:
        """Starts what died, and lets the message come again or be lost; once."""
        if self._point is None or not self._struck or self._under_test is None:
            return
        process, self._under_test = self._under_test, None
        if self._point.fate in _DEATHS:
            await self.stage.kill(process)
        self.world.bury_dead()
        aftermath = self._point.aftermath
        self.client.insists = aftermath is not Aftermath.ABANDONED
        self._redrive_is_silent = self._recovers_by_message and aftermath in (
            Aftermath.RETRIED,
            Aftermath.REDELIVERED,
        )
        if aftermath in (Aftermath.REDRIVEN, Aftermath.ABANDONED):
            self.world.log.empty()
            self.stage.note("the log loses everything")
        if self.world.gateways[0] is None:
            self.world.start_gateway(0)
        if self.world.workers[0] is None:
            self._start_worker()
        elif aftermath is Aftermath.REDELIVERED:
            self.world.rebalance()
        await self.stage.settle()

    def _start_worker(self) -> None:
        self.world.start_worker(0)
        self.world.rebalance()
        worker = self.worker
        worker.source.on_ack = lambda message: self._ack(worker, message)

    def _ack(self, worker: Worker, message: Message) -> bool:
        fate = self._fate_of(worker.process, Io.ACK, f"ack {message.topic}")
        if fate in (Fate.GOES_WELL, Fate.DIES_AFTER):
            mark_acked(message)
        if fate in _DEATHS:
            # It does nothing more; its tasks are ended as soon as this one pauses.
            worker.process.alive = False
        elif message.acked:
            # At once: an ack that came too soon is then too soon for the group as well.
            worker.process.spawn(_commit(worker))
        return message.acked

    async def _is_over(self) -> bool:
        return self.is_done and await self.world.unfinished() == 0

    def _not_done(self) -> list[tuple[TP, int]]:
        """Messages for workers that the group has not done."""
        log = self.world.log
        return [
            (tp, offset)
            for tp, offset, _ in log.all()
            if tp.topic != NAMES.dead and offset >= log.committed.get(tp, 0)
        ]


async def _commit(worker: Worker) -> None:
    with suppress(BrokerUnavailableError):
        await worker.source.commit()
