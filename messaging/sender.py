"""Sending with the broker's word for it.

`KafkaSender.send` returns when the broker has acknowledged every message, or raises: there is no
third way, and no wait without a bound. A producer that has failed once is thrown away and another
one is made: an idempotent producer numbers its batches, so after one lost batch the broker refuses
all that follow, and one that waited through an outage holds messages that nobody waits for.
"""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from messaging.errors import BrokerUnavailableError, UnsendableMessageError

log = structlog.get_logger()

BACKOFF_MIN_S = 0.1
BACKOFF_MAX_S = 2.0
# How long a producer that is given up may still flush, and then take to stop.
FLUSH_S = 1.0
STOP_S = 1.0
# What one partition may have waiting; aiokafka's default of 16 kB makes a batch of 100 wait.
BATCH_BYTES = 128 * 1024
REQUEST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message and the partition it has to go to.

    The partition is the bucket, so it is never left to a partitioner.
    """

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class KafkaSender:
    """An idempotent producer with acks=all that survives any outage of the broker.

    `start` never waits for Kafka: a background task connects, and connects again after every
    failure, with backoff. One instance serves any number of tasks of one event loop.
    """

    def __init__(
        self,
        *,
        bootstrap: str,
        client_id: str,
        timeout_s: float = 10.0,
    ) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._timeout_s = timeout_s
        self._producer: AIOKafkaProducer | None = None
        # Messages of calls that returned, and of calls that raised: those may have been sent too.
        self.sent = 0
        self.unacknowledged = 0
        self._broken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._disposals: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        """Whether a producer is up; False makes `send` raise at once."""
        return self._producer is not None

    async def start(self) -> None:
        """Begins to connect, and returns without waiting for it."""
        assert self._task is None, "a sender is started once"
        self._task = asyncio.create_task(self._keep_connected(), name="kafka-sender")

    async def close(self) -> None:
        """Waits a moment for what is under way, then lets go; never hangs, may be repeated."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._producer is not None:
            self._discard(self._producer)
        if self._disposals:
            await asyncio.wait(self._disposals)

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Returns when every message is acknowledged by all in-sync replicas.

        Messages for one partition keep their order within a call. Sending again after an error may
        duplicate messages, and cancelling does not unsend: consumers have to bear both anyway.

        Raises:
            BrokerUnavailableError: not all were acknowledged within the timeout (at once while
                there is no connection). Which ones is not known.
            UnsendableMessageError: one is larger than any broker takes; none was sent.
        """
        for message in messages:
            _check_size(message)
        producer = self._producer
        if producer is None:
            self.unacknowledged += len(messages)
            raise BrokerUnavailableError(f"not connected to Kafka at {self._bootstrap!r}")
        acks: list[asyncio.Future[object]] = []
        try:
            async with asyncio.timeout(self._timeout_s):
                for message in messages:
                    acks.append(await _enqueue(producer, message))  # noqa: PERF401 - kept on error
                for ack in acks:
                    await ack
        # Assertions are how aiokafka refuses a partition that its metadata does not have.
        except (KafkaError, TimeoutError, OSError, AssertionError) as error:
            self._discard(producer)
            self.unacknowledged += len(messages)
            raise BrokerUnavailableError(f"no acknowledgement from Kafka: {error!r}") from error
        finally:
            for ack in acks:
                _take_note(ack)
        self.sent += len(messages)

    async def reachable(self, *, within_s: float = 1.0) -> bool:
        """Whether a broker answers a metadata request now: one round trip, never raises."""
        producer = self._producer
        if producer is None:
            return False
        try:
            async with asyncio.timeout(within_s):
                await producer.client.fetch_all_metadata()
        except (KafkaError, TimeoutError, OSError):
            return False
        return True

    async def _keep_connected(self) -> None:
        backoff_s = BACKOFF_MIN_S
        while True:
            self._broken.clear()
            if await self._connect():
                backoff_s = BACKOFF_MIN_S
                await self._broken.wait()
            else:
                await asyncio.sleep(backoff_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
                backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)

    async def _connect(self) -> bool:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            max_request_size=REQUEST_BYTES,
            request_timeout_ms=int(self._timeout_s * 1000),
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                await producer.start()
        except (KafkaError, TimeoutError, OSError) as error:
            log.warning("kafka.unreachable", bootstrap=self._bootstrap, error=repr(error))
            self._dispose_of(producer)
            return False
        except asyncio.CancelledError:
            self._dispose_of(producer)
            raise
        except Exception:
            # A bug, and nobody awaits this task: without it nothing would be sent ever again.
            log.exception("kafka.connect_failed", bootstrap=self._bootstrap)
            self._dispose_of(producer)
            return False
        log.info("kafka.connected", bootstrap=self._bootstrap)
        self._producer = producer
        return True

    def _discard(self, producer: AIOKafkaProducer) -> None:
        """Takes a producer out of use, unless another task has already done so."""
        if self._producer is producer:
            self._producer = None
            self._broken.set()
            self._dispose_of(producer)

    def _dispose_of(self, producer: AIOKafkaProducer) -> None:
        disposal = asyncio.create_task(_dispose(producer), name="kafka-producer-disposal")
        self._disposals.add(disposal)
        disposal.add_done_callback(self._disposals.discard)


async def _dispose(producer: AIOKafkaProducer) -> None:
    """Stops a producer within a bound, whatever state it is in.

    What other tasks have under way gets a moment to be acknowledged: one partition without a
    leader must not take the others with it. `stop()` alone would wait for ever while the broker is
    away, since batches of an idempotent producer do not expire: they are failed, and the
    connections closed, so that there is nothing left to wait for.
    """
    stopping = asyncio.create_task(producer.stop(), name="kafka-producer-stop")
    await asyncio.wait([stopping], timeout=FLUSH_S)
    if not stopping.done():
        # aiokafka has no public way to give up.
        producer._message_accumulator.fail_all(  # noqa: SLF001
            KafkaError("the producer was discarded")
        )
        await producer.client.close()
        await asyncio.wait([stopping], timeout=STOP_S)
    if not stopping.done():
        stopping.cancel()
        await asyncio.wait([stopping])
    # However it ended: aiokafka stumbles over batches that were failed under its hands (KeyError).
    _outcome(stopping)


async def _enqueue(producer: AIOKafkaProducer, message: Outgoing) -> "asyncio.Future[object]":
    ack: asyncio.Future[object] = await producer.send(
        message.topic,
        value=message.value,
        key=message.key,
        partition=message.partition,
        headers=list(message.headers),
    )
    return ack


def _check_size(message: Outgoing) -> None:
    size = DefaultRecordBatchBuilder.estimate_size_in_bytes(
        message.key, message.value, list(message.headers)
    )
    if size > REQUEST_BYTES:
        raise UnsendableMessageError(
            topic=message.topic, partition=message.partition, size=size, size_max=REQUEST_BYTES
        )


def _take_note(ack: "asyncio.Future[object]") -> None:
    """Looks at an outcome nobody waits for, or asyncio complains that nobody did."""
    if ack.done():
        _outcome(ack)
    else:
        ack.add_done_callback(_outcome)


def _outcome(ack: "asyncio.Future[Any]") -> None:
    if not ack.cancelled():
        ack.exception()
