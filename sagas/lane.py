"""A lane: the queue and the batch of what one shard has to do.

PostgreSQL's time goes per transaction and round trip, so what is waiting runs as one transaction.
A lane runs one batch at a time; what a batch leads to (messages, answers) is delivered beside the
next. Its errors stay its own: a shard that is away stops its lanes and nobody else's.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Sequence
from contextlib import nullcontext
from typing import Generic, Protocol, TypeVar

import structlog

from sagas.lane_options import LaneCounts, LaneOptions, RunStep
from sagas.outcomes import SKIPPED, Failed, Skipped
from shards.errors import ShardTransientError

ItemT = TypeVar("ItemT")
OutcomeT = TypeVar("OutcomeT")

# Users whose row stays taken are waited for one by one beside the lane, so many at once.
_ALONE_AT_ONCE = 4

_log = structlog.stdlib.get_logger(__name__)


class Lane(Generic[ItemT, OutcomeT]):
    """Runs items in batches and delivers their outcomes.

    Args:
        name: shard and step, for the logs.
        run: the step.
        user_of: whose row an item locks; items whose row is taken run beside the lane.
        deliver: what to do with outcomes after the commit, `Failed` ones included; called once per
            item and must not raise.
        on_pressure: told True when the lane gets full, False when half of it is free again.

    Attributes:
        counts: what it has done.
        is_away: whether its shard has not answered for as many runs as `attempts` says.
    """

    def __init__(
        self,
        name: str,
        *,
        run: RunStep[ItemT, OutcomeT],
        user_of: Callable[[ItemT], Hashable],
        deliver: Callable[[Sequence[tuple[ItemT, OutcomeT | Failed]]], Awaitable[None]],
        options: LaneOptions,
        on_pressure: Callable[[bool], None] = lambda _full: None,
    ) -> None:
        self.name = name
        self.counts = LaneCounts()
        self._run = run
        self._user_of = user_of
        self._deliver = deliver
        self._options = options
        self._is_patient = options.is_patient
        self._on_pressure = on_pressure
        self._queue: deque[ItemT] = deque()
        self._arrived = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._late: deque[ItemT] = deque()
        self._late_arrived = asyncio.Event()
        self._stalled: dict[Hashable, deque[ItemT]] = {}
        self._alone = asyncio.Semaphore(_ALONE_AT_ONCE)
        self._depth = 0
        self._is_full = False
        self._runs_again_at = 0.0
        self._closing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_away = False

    @property
    def depth(self) -> int:
        """Items that are queued, running or being delivered."""
        return self._depth

    @property
    def is_full(self) -> bool:
        """Whether the lane asks not to be given more."""
        return self._is_full or self._closing

    def start(self) -> None:
        """Begins to run; `offer` may have been called before."""
        self._spawn(self._work())
        self._spawn(self._work_late())

    def offer(self, item: ItemT) -> None:
        """Queues an item, also in a full lane: who offers looks at `is_full` first."""
        self._depth += 1
        self._empty.clear()
        self._queue.append(item)
        self._arrived.set()
        if self._depth >= self._options.capacity and not self._is_full:
            self._is_full = True
            self._on_pressure(True)

    async def close(self, *, within_s: float) -> bool:
        """Runs what is left for at most `within_s` seconds, then stops.

        Returns:
            Whether everything was delivered. What was not may or may not have happened.
        """
        self._closing = True
        drained = True
        try:
            async with asyncio.timeout(within_s):
                await self._empty.wait()
        except TimeoutError:
            drained = False
            _log.warning("lane.not_drained", lane=self.name, depth=self._depth)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        return drained

    async def _work(self) -> None:
        while True:
            await self._attempt(await self._gather(), wait=False)

    def _sort_out(
        self, batch: list[ItemT], outcomes: Sequence[OutcomeT | Failed | Skipped]
    ) -> None:
        """Delivers what was done, and puts what was skipped where its user is waited for."""
        done: list[tuple[ItemT, OutcomeT | Failed]] = []
        for item, outcome in zip(batch, outcomes, strict=True):
            if outcome is not SKIPPED:
                done.append((item, outcome))
                continue
            self.counts.skipped += 1
            if (stalled := self._stalled.get(self._user_of(item))) is not None:
                stalled.append(item)
            else:
                self._late.append(item)
                self._late_arrived.set()
        if done:
            self._spawn(self._hand_over(done))

    async def _work_late(self) -> None:
        """What others had locked for the moment, gathered again: this batch waits for its locks.

        Most locks are held for some milliseconds, so most of what is late gets through together.
        """
        while True:
            while not self._late:
                self._late_arrived.clear()
                await self._late_arrived.wait()
            batch = _take(self._late, self._options.batch_max)
            try:
                outcomes = await self._run_once(batch, wait=True)
            except Exception as error:  # noqa: BLE001 - told again, and sorted out, user by user
                _log.info("step.late_batch_failed", lane=self.name, error=str(error))
                self._stall(batch)
            else:
                self._sort_out(batch, outcomes)

    def _stall(self, batch: list[ItemT]) -> None:
        """Gives each user of a late batch that failed a queue of its own: one stalls alone."""
        for item in batch:
            user = self._user_of(item)
            if user in self._stalled:
                self._stalled[user].append(item)
            else:
                self._stalled[user] = deque([item])
                self._spawn(self._run_alone(user))

    async def _run_alone(self, user: Hashable) -> None:
        """One user's items, until there are none; other users go on meanwhile."""
        queue = self._stalled[user]
        while queue:
            items = _take(queue, self._options.batch_max)
            await self._attempt(items, wait=True)
        del self._stalled[user]

    async def _gather(self) -> list[ItemT]:
        while not self._queue:
            self._arrived.clear()
            await self._arrived.wait()
        early_s = self._runs_again_at - asyncio.get_running_loop().time()
        if early_s > 0 and len(self._queue) < self._options.batch_max:
            await asyncio.sleep(early_s)
        return _take(self._queue, self._options.batch_max)

    async def _attempt(self, items: list[ItemT], *, wait: bool) -> None:
        """Runs the items until each has its outcome, and sorts them out."""
        attempt = 0
        while items:
            attempt += 1
            try:
                async with self._alone if wait else nullcontext():
                    outcomes = await self._run_once(items, wait=wait)
            except ShardTransientError as error:
                _log.warning("step.transient", lane=self.name, attempt=attempt, error=str(error))
                if self._options.attempts is not None and attempt >= self._options.attempts:
                    items = self._give_up(items, error, wait=wait)
            except Exception as error:  # noqa: BLE001 - the one boundary: a bug stops its item only
                await self._split(items, error, wait=wait)
                return
            else:
                self._sort_out(items, outcomes)
                return
            await asyncio.sleep(self._options.backoff.wait_s(attempt))

    def _give_up(self, items: list[ItemT], error: Exception, *, wait: bool) -> list[ItemT]:
        """Ends those that do not wait for the shard, and returns those that do.

        While there are such, nothing else gets its turn: those in the queue are ended, too.
        """
        given_up = [item for item in items if not self._is_patient(item)]
        waiting = [item for item in items if self._is_patient(item)]
        if waiting and not wait:
            self.is_away = True
            given_up += [item for item in self._queue if not self._is_patient(item)]
            self._queue = deque(item for item in self._queue if self._is_patient(item))
        self._sort_out(given_up, [Failed(error)] * len(given_up))
        return waiting

    async def _run_once(self, items: list[ItemT], *, wait: bool) -> Sequence[OutcomeT | Skipped]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            outcomes = await self._run(items, wait=wait)
        except ShardTransientError:
            self.counts.transient_errors += 1
            raise
        finally:
            ran_s = loop.time() - began
            self.counts.running_s += ran_s
        if len(outcomes) != len(items):
            raise ValueError(f"{len(outcomes)} outcomes of {len(items)} items")
        if not wait:
            self._runs_again_at = self._options.runs_again_at(
                self._runs_again_at, began=began, ran_s=ran_s
            )
            self.is_away = False
        self.counts.batches += 1
        self.counts.items += len(items)
        return outcomes

    async def _split(self, items: list[ItemT], error: Exception, *, wait: bool) -> None:
        """A batch that fails runs again item by item: the one that fails is set aside."""
        if len(items) == 1:
            _log.error(
                "step.bug", lane=self.name, user=str(self._user_of(items[0])), exc_info=error
            )
            self._sort_out(items, [Failed(error)])
            return
        for item in items:
            await self._attempt([item], wait=wait)

    async def _hand_over(self, done: list[tuple[ItemT, OutcomeT | Failed]]) -> None:
        try:
            await self._deliver(done)
        finally:
            self._depth -= len(done)
            if self._depth == 0:
                self._empty.set()
            if self._is_full and self._depth <= self._options.capacity // 2:
                self._is_full = False
                self._on_pressure(False)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("lane.failed", lane=self.name, exc_info=task.exception())


def _take(queue: deque[ItemT], most: int) -> list[ItemT]:
    return [queue.popleft() for _ in range(min(most, len(queue)))]


class Closable(Protocol):
    """A lane of any kind."""

    async def close(self, *, within_s: float) -> bool:
        """Runs what is left for at most `within_s` seconds, then stops."""
        ...


async def close_lanes(lanes: Iterable[Closable], *, within_s: float) -> None:
    """Closes lanes side by side: together they take no longer than one."""
    async with asyncio.TaskGroup() as group:
        for lane in lanes:
            group.create_task(lane.close(within_s=within_s))
