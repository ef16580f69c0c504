"""Dead letters: a message set aside, on the shard and (if it fits) the topic, before it is acked.

A dead letter decides no outcome and never stops redrive: the row goes on being the memory.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import structlog

from messaging.errors import UnsendableMessageError
from messaging.sender import Outgoing
from messaging.topics import TopicNames
from sagas.lane import Lane, close_lanes
from sagas.lane_options import LaneOptions
from sagas.outcomes import Failed, SetAside
from shards.dead_letters import DeadLetter, ReasonClass, insert_dead_letters
from shards.ids import IdSource
from shards.router import ShardMap
from shards.shard import Shard
from workers.incoming import Raw
from workers.outbound import Outbound

_log = structlog.stdlib.get_logger(__name__)
_DETAIL_MAX = 2_000


@dataclass(frozen=True, slots=True)
class _Letter:
    letter: DeadLetter
    raw: Raw
    ack: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message that is set aside: by which step, and how to say that it is kept."""

    raw: Raw
    step: str
    ack: Callable[[], None]


class DeadLetters:
    """One lane of dead letters per shard.

    Args:
        on_pressure: told which shard's lane is full, or no longer. What is set aside waits for its
            shard and for the broker, however long they are away, so its sources have to be paused.
    """

    def __init__(
        self,
        *,
        shards: ShardMap,
        outbound: Outbound,
        names: TopicNames,
        ids: IdSource,
        options: LaneOptions,
        on_pressure: Callable[[Shard, bool], None],
    ) -> None:
        self._shards = shards
        self._outbound = outbound
        self._names = names
        self._ids = ids
        self._on_pressure = on_pressure
        self._lanes = {shard.name: self._lane(shard, options) for shard in shards.shards}

    def start(self) -> None:
        """Begins to run."""
        for lane in self._lanes.values():
            lane.start()

    async def close(self, *, within_s: float) -> None:
        """Keeps what is waiting for at most `within_s`; the rest is redelivered."""
        await close_lanes(self._lanes.values(), within_s=within_s)

    def all(self) -> "list[Lane[_Letter, None]]":
        """Every lane."""
        return list(self._lanes.values())

    def set_aside(
        self,
        arrival: Arrival,
        *,
        reason_class: ReasonClass,
        why: SetAside,
        transfer_id: UUID | None,
    ) -> None:
        """Keeps a message for a person, and acks it when its row is there and its copy sent."""
        raw = arrival.raw
        _log.error(
            "message.set_aside",
            reason_class=reason_class,
            reason=why.reason,
            detail=why.detail,
            step=arrival.step,
            topic=raw.topic,
            partition=raw.partition,
            position=raw.position,
            transfer_id=str(transfer_id) if transfer_id else None,
        )
        letter = DeadLetter(
            id=self._ids.new_id(raw.partition),
            bucket=raw.partition,
            topic=raw.topic,
            partition=raw.partition,
            position=raw.position,
            key=raw.key,
            value=raw.value,
            headers=[
                (_storable(name), _storable(value.decode("utf-8", "replace")))
                for name, value in raw.headers
            ],
            reason_class=reason_class,
            reason=why.reason,
            detail=_storable(why.detail[:_DETAIL_MAX]),
            step=arrival.step,
            trace_id=raw.trace_id,
            transfer_id=transfer_id,
            attempts=1,
        )
        shard = self._shards.of_bucket(raw.partition)
        self._lanes[shard.name].offer(_Letter(letter, raw, arrival.ack))

    def _lane(self, shard: Shard, options: LaneOptions) -> Lane[_Letter, None]:
        async def run(items: Sequence[_Letter], *, wait: bool) -> list[None]:  # noqa: ARG001 - a step
            async with shard.connection() as conn:
                await insert_dead_letters(conn, [item.letter for item in items])
            return [None] * len(items)

        return Lane(
            f"{shard.name}.dead",
            run=run,
            user_of=lambda item: item.letter.bucket,
            deliver=self._deliver,
            options=options,
            on_pressure=lambda full: self._on_pressure(shard, full),
        )

    async def _deliver(self, done: Sequence[tuple[_Letter, Failed | None]]) -> None:
        # Without its row a letter is not durable: unacked, it comes again.
        kept = [item for item, outcome in done if not isinstance(outcome, Failed)]
        try:
            await self._outbound.send_raw([self._copy(item) for item in kept])
        except UnsendableMessageError:
            for item in kept:
                # Too long with the headers that are added: its row has all of it.
                with suppress(UnsendableMessageError):
                    await self._outbound.send_raw([self._copy(item)])
        for item in kept:
            item.ack()

    def _copy(self, item: _Letter) -> Outgoing:
        return Outgoing(
            topic=self._names.dead,
            partition=item.raw.partition,
            key=item.raw.key or b"",
            value=item.raw.value or b"",
            headers=(
                *item.raw.headers,
                ("dead-reason", item.letter.reason.encode()),
                ("dead-topic", item.raw.topic.encode()),
                ("dead-position", str(item.raw.position).encode()),
            ),
        )


def _storable(text: str) -> str:
    """PostgreSQL has no U+0000, in text or in JSON."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
