"""Faust's consumer, made safe for acks that come late, out of order and from other tasks.

Faust 0.15.3 commits past a message that is still in flight when it is the only one in front of
those that are done (upstream issue 606), forgets acks before it commits when partitions are taken
away, and loses what it had fetched of a partition that is paused. `SafeConsumer` closes the three;
tests/integration/test_faust_*.py show them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from time import monotonic
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from faust.exceptions import ConsumerNotStarted
from faust.transport.consumer import RecordMap
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP, Message
from typing_extensions import override

from workers.consumer_thread import SafeConsumerThread
from workers.progress import Progress

log = structlog.get_logger()

# A partition that is resumed waits for the poll under way; Faust has 1 s.
POLL_S = 0.1
# When partitions are taken away: so long for acks of what is being worked on, and so long for the
# answer to the commit. Both together stay below any rebalance timeout.
GRACE_S = 0.5
COMMIT_S = 2.0


class SafeConsumer(Consumer):
    """Commits strictly what is done, and lets partitions be paused one by one.

    Rests on these parts of Faust: `Message.acked` is set by every kind of ack, `getmany` is the
    only source of messages, `_acked` has a key for each partition with acks since it was popped.
    """

    _thread: SafeConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._progress: dict[TP, Progress] = {}
        self._paused_by_us: set[TP] = set()
        # Partition and offset of each forward jump that was fetched again to make sure.
        self._verified_jumps: dict[TP, int] = {}
        super().__init__(*args, **kwargs)

    @override
    def _new_consumer_thread(self) -> SafeConsumerThread:
        return SafeConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # What the worker asks and tells.

    def pause(self, partitions: Iterable[TP]) -> None:
        """Stops fetching from these partitions until `resume`, whoever owns them meanwhile.

        Not tied to an assignment: a partition that is taken away and given back is still paused,
        and one that comes later is paused from its first message. What was fetched before is
        still delivered (up to one poll and the stream's buffer). Repeating changes nothing.
        """
        self._paused_by_us.update(partitions)

    def resume(self, partitions: Iterable[TP]) -> None:
        """Undoes `pause`; takes effect with the next poll, within 0.1 s."""
        self._paused_by_us.difference_update(partitions)

    def assigned_buckets(self, topic: str) -> set[int]:
        """The partitions of a topic that this worker has now; empty before it has joined.

        Owning is no lock: another worker may have been given them since.
        """
        try:
            return {tp.partition for tp in self.assignment() if tp.topic == topic}
        except ConsumerNotStarted:
            return set()

    def is_assigned(self, tp: TP) -> bool:
        """Whether this worker has a partition now; cheap enough to be asked for each message."""
        return self._thread.state_of(tp) is not None

    def lag(self, tp: TP) -> int | None:
        """Messages of a partition that are not done yet, as far as Kafka has told.

        None if the partition is not this worker's, or Kafka has not told yet. The end of the log
        is known from the last fetch, so a paused partition's is old.
        """
        state = self._thread.state_of(tp)
        if state is None or state.highwater is None or not state.has_valid_position:
            return None
        progress = self._progress.get(tp)
        done = progress.committable if progress is not None else None
        return max(0, int(state.highwater) - int(state.position if done is None else done))

    @override
    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's look for partitions that stand still; all it does is write to the log.

        It asserts that there is a position, and crashes the worker where there is none: while the
        log of a partition was cut or made anew, and it is being found out where to go on.
        """
        state = self._thread.state_of(tp)
        if state is not None and state.has_valid_position:
            super().verify_event_path(now, tp)

    async def settle(self, *, within_s: float) -> bool:
        """Takes no more messages, and waits until all that were taken are acked.

        For a stop or a rebalance, after which Faust itself turns the flow on again.

        Returns:
            Whether all were acked in time. The others will be delivered again, here or elsewhere.
        """
        self.stop_flow()
        self.app.flow_control.suspend()
        deadline = monotonic() + within_s
        while any(not message.acked for message in self._unacked_messages):
            left_s = deadline - monotonic()
            if left_s <= 0:
                return False
            waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self._waiting_for_ack = waiter  # Faust's ack wakes whoever waits here.
            await asyncio.wait([waiter], timeout=left_s)
            self._waiting_for_ack = None
        return True

    def close_unstarted(self) -> None:
        """Frees the event loop of a consumer's thread that never ran.

        mode opens it with the object and closes it when the thread ends.
        """
        thread = self._thread
        if not thread._thread_started.is_set():  # noqa: SLF001 - mode's own test in maybe_start
            thread.thread_loop.close()

    # What Faust calls.

    @override
    async def _wait_next_records(self, timeout: float) -> tuple[RecordMap | None, set[TP] | None]:
        """Fetches from the partitions that are not paused, and has all of it delivered.

        Faust compares what was fetched with the partitions that are active *afterwards* and drops
        the rest for good: the position has moved on. The None returned here stands for "all".
        """
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type] # as in Faust: any Event
        # A copy, since the consumer's thread reads it while this one may change the original.
        fetching = self._get_active_partitions() - self._paused_by_us
        if not fetching:
            await self.sleep(POLL_S)
            return {}, None
        return await self._getmany(fetching, min(timeout, POLL_S)), None

    @override
    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        rewound: set[TP] = set()
        async for tp, message in super().getmany(timeout):
            if tp in rewound:
                continue
            progress = self._progress_of(tp, message)
            expected = progress.expected
            jumps_ahead = expected is not None and message.offset > expected
            if jumps_ahead and self._verified_jumps.get(tp) != expected:
                rewound.add(tp)
                await self._fetch_again(tp, progress, message)
                continue
            progress.deliver(message)
            if self._has_room(tp, message):
                # Without a turn of the event loop: see there.
                await self.callback(message)
                self._read_offset[tp] = message.offset
            else:
                yield tp, message

    def _has_room(self, tp: TP, message: Message) -> bool:
        """Whether the message can be put into its agent's buffer without waiting for anything.

        Faust waits for each message in a task of its own, in case there is no room, and that takes
        two turns of the event loop. A worker whose lanes are busy has few turns: messages trickled
        in one by one, and lanes made batches of one.
        """
        read = self._read_offset[tp]
        conductor: Any = self.app.topics
        channels = conductor._tp_index[tp]  # noqa: SLF001 - where Faust delivers to
        return (
            self.flow_active
            and self.app.flow_control.is_active()
            and (read is None or message.offset >= read)
            and not any(channel.queue.full() for channel in channels)
        )

    def _progress_of(self, tp: TP, message: Message) -> Progress:
        """The progress to count a message in; a new one if the log or the position went back."""
        progress = self._progress.get(tp)
        if progress is None:
            progress = self._progress[tp] = Progress(self._committed_offset[tp])
        if progress.expected is not None and message.offset < progress.expected:
            # The topic was truncated or made anew, or somebody sought. Faust would drop every
            # message below the highest one it has seen, and never commit a lower offset.
            log.warning("consumer.went_back", tp=tp, offset=message.offset, was=progress.expected)
            progress = self._progress[tp] = Progress(None)
            self._committed_offset[tp] = None
            self._read_offset[tp] = None
        return progress

    async def _fetch_again(self, tp: TP, progress: Progress, message: Message) -> None:
        """Makes sure of a hole in the offsets by fetching it once more.

        Retention makes holes, but so would a message that was fetched and then dropped on its way
        through Faust. The first is still there after a second look, the other is not.
        """
        assert progress.expected is not None
        log.warning("consumer.jump", tp=tp, offset=message.offset, expected=progress.expected)
        try:
            await self.seek_wait({tp: progress.expected})
        except (KafkaError, TimeoutError) as error:
            # Not ours any more, or Kafka is away: the next assignment begins at what is committed.
            log.warning("consumer.seek_failed", tp=tp, error=repr(error))
        else:
            self._verified_jumps[tp] = progress.expected

    @override
    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Holes need no bookkeeping: `Progress` counts only what was delivered."""

    @override
    def _new_offset(self, tp: TP) -> int | None:
        # Popped, so that the next commit looks only at partitions with new acks.
        self._acked.pop(tp, None)
        self._acked_index.pop(tp, None)
        progress = self._progress.get(tp)
        return progress.committable if progress is not None else None

    @override
    async def _commit_offsets(
        self, offsets: Mapping[TP, int], start_new_transaction: bool = True
    ) -> bool:
        before = {tp: self._committed_offset[tp] for tp in offsets}
        committed = await super()._commit_offsets(offsets, start_new_transaction)
        if not committed:
            # Faust writes down what it tried to commit; a later commit has to try again.
            for tp in offsets.keys() & self._progress.keys():
                self._committed_offset[tp] = before[tp]
                self._acked.setdefault(tp, [])
        return committed

    @override
    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commits what is done before the partitions go: the next owner begins there.

        Runs while the group waits, so it is bounded; what it does not reach is delivered twice.
        """
        try:
            if revoked and not self.should_stop:
                await self.settle(within_s=GRACE_S)
                await self._commit_now(revoked)
        finally:
            for tp in revoked:
                self._progress.pop(tp, None)
                self._verified_jumps.pop(tp, None)
            await super().on_partitions_revoked(revoked)

    @override
    async def on_stop(self) -> None:
        # Without stream_wait_empty a last commit is all that Faust does here, without a bound.
        await self._commit_now(None)

    async def _commit_now(self, partitions: set[TP] | None) -> None:
        try:
            async with asyncio.timeout(COMMIT_S):
                # False also means that it only waited for a commit that was already under way.
                if not await self.commit(partitions):
                    await self.commit(partitions)
        except TimeoutError:
            log.warning("consumer.commit_timed_out", after_s=COMMIT_S)
