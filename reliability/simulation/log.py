"""A log like Kafka's, that can lose, repeat and reorder; and the group of workers that reads it."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from faust.types import TP, Message

from messaging.errors import BrokerUnavailableError
from messaging.sender import Outgoing
from reliability.simulation.operations import Io, Operation
from reliability.simulation.process import Process
from workers.progress import Progress


class Log:
    """Messages by partition, with offsets that are never used twice, and what a group committed."""

    def __init__(self) -> None:
        # In the order in which they were written.
        self._messages: dict[tuple[TP, int], Outgoing] = {}
        self._ends: dict[TP, int] = {}
        self.committed: dict[TP, int] = {}

    def append(self, messages: Iterable[Outgoing]) -> None:
        """Writes messages at the end of their partitions."""
        for message in messages:
            tp = TP(message.topic, message.partition)
            end = self.end(tp)
            self._messages[tp, end] = message
            self._ends[tp] = end + 1

    def end(self, tp: TP) -> int:
        """The offset that the next message gets."""
        return self._ends.get(tp, 0)

    def after(self, tp: TP, position: int, most: int) -> list[tuple[int, Outgoing]]:
        """The next messages from a position on, holes left out."""
        offsets = (o for o in range(position, self.end(tp)) if (tp, o) in self._messages)
        return [(offset, self._messages[tp, offset]) for offset in islice(offsets, most)]

    def all(self) -> list[tuple[TP, int, Outgoing]]:
        """Every message there is, oldest first."""
        return [(tp, offset, message) for (tp, offset), message in self._messages.items()]

    def lose(self, tp: TP, offset: int) -> None:
        """Makes a message as if it had never been written; its offset stays empty."""
        self._messages.pop((tp, offset), None)

    def empty(self) -> None:
        """Loses everything."""
        self._messages.clear()


class LogSender:
    """Sends to the log: one produce for what is sent together."""

    def __init__(self, process: Process, log: Log) -> None:
        self._process = process
        self._log = log

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """As `KafkaSender.send`."""

        async def append() -> None:
            self._log.append(messages)

        topics = sorted({m.topic.split(".")[1] for m in messages})
        await self._process.io(
            Operation(
                process=self._process,
                kind=Io.PRODUCE,
                what=f"produce {len(messages)} {'+'.join(topics)}",
                carry_out=append,
                failure=lambda: BrokerUnavailableError("simulated: no acknowledgement"),
            )
        )


def mark_acked(message: Message) -> bool:
    """Marks a message done, for the next commit of offsets."""
    message.acked = True
    return True


class Arrived:
    """A message as an agent is given it."""

    def __init__(self, message: Message, ack: Callable[[Message], bool]) -> None:
        self.message = message
        self._ack = ack

    def ack(self) -> bool:
        """Marks it done."""
        return self._ack(self.message)


class LogSource:
    """What one worker reads of the log, and how far it is done.

    Attributes:
        on_ack: what the ack of a message does; marks it done, unless a run puts something before.
    """

    def __init__(self, process: Process, log: Log, group: "Group") -> None:
        self.on_ack: Callable[[Message], bool] = mark_acked
        self._process = process
        self._log = log
        self._group = group
        self._positions: dict[TP, int] = {}
        self._progress: dict[TP, Progress] = {}
        self._paused: set[TP] = set()

    def assigned_buckets(self, topic: str) -> set[int]:
        """As the consumer of a worker."""
        return {tp.partition for tp in self._positions if tp.topic == topic}

    def is_assigned(self, tp: TP) -> bool:
        """As the consumer of a worker."""
        return tp in self._positions

    def lag(self, tp: TP) -> int | None:
        """As the consumer of a worker."""
        if tp not in self._positions:
            return None
        done = self._progress[tp].committable
        return max(0, self._log.end(tp) - (self._positions[tp] if done is None else done))

    def pause(self, partitions: Iterable[TP]) -> None:
        """As the consumer of a worker."""
        self._paused.update(partitions)

    def resume(self, partitions: Iterable[TP]) -> None:
        """As the consumer of a worker."""
        self._paused.difference_update(partitions)

    def assign(self, partitions: Iterable[TP]) -> None:
        """Begins with these partitions where the group has committed."""
        for tp in partitions:
            self._positions[tp] = self._log.committed.get(tp, 0)
            self._progress[tp] = Progress(None)

    def revoke(self) -> None:
        """Has no partition any more."""
        self._positions.clear()
        self._progress.clear()

    def seek(self, tp: TP, position: int) -> None:
        """Reads a partition of its own again from a position on."""
        self._positions[tp] = position
        self._progress[tp] = Progress(None)

    @property
    def waiting(self) -> list[TP]:
        """Partitions with something to read."""
        return [
            tp
            for tp, position in self._positions.items()
            if position < self._log.end(tp)
            and tp not in self._paused
            and self._log.after(tp, position, 1)
        ]

    def read(self, tp: TP, most: int) -> list[Arrived]:
        """The next messages of a partition."""
        arrived = []
        for offset, sent in self._log.after(tp, self._positions[tp], most):
            message = Message(
                tp.topic,
                tp.partition,
                offset,
                0.0,
                0,
                list(sent.headers),
                sent.key,
                sent.value,
                None,
            )
            self._progress[tp].deliver(message)
            self._positions[tp] = offset + 1
            arrived.append(Arrived(message, self.on_ack))
        return arrived

    async def commit(self) -> None:
        """Tells the group what is done; refused for partitions that are another worker's by now.

        Raises:
            BrokerUnavailableError: it is not known to have been told.
        """
        offsets = {
            tp: done
            for tp, progress in self._progress.items()
            if (done := progress.committable) is not None and done != self._log.committed.get(tp)
        }
        if not offsets:
            return

        async def commit() -> None:
            for tp, offset in offsets.items():
                if self._group.owner(tp) is self:
                    self._log.committed[tp] = offset

        await self._process.io(
            Operation(
                process=self._process,
                kind=Io.COMMIT_OFFSETS,
                what=f"commit offsets of {len(offsets)} partitions",
                carry_out=commit,
                failure=lambda: BrokerUnavailableError("simulated: no commit"),
            )
        )


class Group:
    """Which worker has which partition. A member that was put out is not told: it finds out."""

    def __init__(self, partitions: Sequence[TP]) -> None:
        self._partitions = partitions
        self.buckets = sorted({tp.partition for tp in partitions})
        self._owners: dict[TP, LogSource] = {}

    def owner(self, tp: TP) -> LogSource | None:
        """Whose partition this is now."""
        return self._owners.get(tp)

    def rebalance(
        self, members: Sequence[LogSource], *, told: Sequence[LogSource], turn: int
    ) -> None:
        """Deals all partitions out among `members`, anew.

        Args:
            members: whoever gets some.
            told: members of before and after that hear of it; another works on with what it had.
            turn: with whom dealing begins, so that partitions move.
        """
        for source in told:
            source.revoke()
        shares: dict[int, list[TP]] = {}
        for index, tp in enumerate(self._partitions):
            if members:
                chosen = (index + turn) % len(members)
                self._owners[tp] = members[chosen]
                shares.setdefault(chosen, []).append(tp)
            else:
                self._owners.pop(tp, None)
        for index, share in shares.items():
            members[index].assign(share)
