"""Faults of processes: killed, paused, stopped, restarted with other settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from reliability.chaos.faults.field import Field, Note, NotReadyError, meanwhile
from reliability.chaos.stack import BrokerNode, Node, ProgramNode

_STORM_EVERY_S = (1.0, 4.0)
# A worker that gave up on a broker which was away is started again, and needs its time twice.
_READY_S = 60.0
_SMALL_POOL = {"HOLDFAST_POSTGRES__POOL_SIZE": "2"}
_LOCKED_S_MAX = 4.0
_OFFSETS_S = (-7_200.0, -90.0, 90.0, 7_200.0)


@asynccontextmanager
async def kill_worker(field: Field) -> AsyncIterator[Note]:
    """SIGKILL; started again when healed."""
    async with _killed(field.stack.workers[field.target]) as note:
        yield note


@asynccontextmanager
async def kill_gateway(field: Field) -> AsyncIterator[Note]:
    """SIGKILL; started again when healed."""
    async with _killed(field.stack.gateways[field.target]) as note:
        yield note


@asynccontextmanager
async def kill_broker(field: Field) -> AsyncIterator[Note]:
    """SIGKILL to the leader of some partition."""
    async with _killed(await _leader(field)) as note:
        yield note


@asynccontextmanager
async def pause_worker(field: Field) -> AsyncIterator[Note]:
    """SIGSTOP, often for longer than its session: then another has its partitions meanwhile."""
    async with _paused(field.stack.workers[field.target]) as note:
        yield note


@asynccontextmanager
async def pause_gateway(field: Field) -> AsyncIterator[Note]:
    """SIGSTOP."""
    async with _paused(field.stack.gateways[field.target]) as note:
        yield note


@asynccontextmanager
async def pause_broker(field: Field) -> AsyncIterator[Note]:
    """SIGSTOP to the leader of some partition."""
    async with _paused(await _leader(field)) as note:
        yield note


@asynccontextmanager
async def pause_postgres(field: Field) -> AsyncIterator[Note]:
    """SIGSTOP to a server and all its backends."""
    async with _paused(field.stack.servers[field.target]) as note:
        yield note


@asynccontextmanager
async def stop_postgres(field: Field) -> AsyncIterator[Note]:
    """An immediate stop: it has to recover from its log when it is started again."""
    server = field.stack.servers[field.target]
    await server.stop_immediate()
    try:
        yield Note(server.name)
    finally:
        await _start(server)


@asynccontextmanager
async def truncate_broker_log(field: Field) -> AsyncIterator[Note]:
    """What a power cut does to a broker: acknowledged messages that were not flushed are gone."""
    broker = await _leader(field)
    cut = await broker.truncate_tail(field.rng.uniform(0.2, 1.0))
    await _start(broker)
    yield Note(broker.name, f"{cut} bytes were cut", injected=cut > 0)


@asynccontextmanager
async def rebalance_storm(field: Field) -> AsyncIterator[Note]:
    """Workers leave and come back, in order or killed, one after the other."""
    note = Note("all workers")
    workers = field.stack.workers
    begun = 0

    async def storm() -> None:
        nonlocal begun
        while True:
            worker = workers[(field.target + begun) % len(workers)]
            begun += 1
            async with field.gate.acting():
                await (worker.stop() if field.rng.random() < 0.5 else worker.kill())
                await _start(worker)
            await asyncio.sleep(field.rng.uniform(*_STORM_EVERY_S))

    try:
        async with meanwhile(storm()):
            yield note
    finally:
        for worker in workers:
            await _start(worker)
        note.detail = f"{begun} workers left and came back"


@asynccontextmanager
async def pool_exhaustion(field: Field) -> AsyncIterator[Note]:
    """Two connections to each shard, while somebody else keeps rows locked that all want."""
    gateway = field.stack.gateways[field.target]
    async with _restarted(gateway, _SMALL_POOL) as note, meanwhile(_hold_rows(field)):
        yield note


@asynccontextmanager
async def process_clock_skew(field: Field) -> AsyncIterator[Note]:
    """A process whose own clock is minutes or hours off."""
    offset_s = field.rng.choice(_OFFSETS_S)
    settings = {"HOLDFAST_CLOCK_OFFSET_S": str(offset_s)}
    async with _restarted(field.client(field.target), settings) as note:
        note.detail = f"{offset_s:+.0f} s"
        yield note


async def _hold_rows(field: Field) -> None:
    """Keeps the rows of hot users locked, again and again; a server that is away has no locks."""
    while True:
        for dsn in field.stack.direct_dsns.values():
            try:
                async with asyncio.timeout(_LOCKED_S_MAX + 2):
                    await _hold_rows_of(dsn, field.hot_users)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.5)


async def _hold_rows_of(dsn: str, users: object) -> None:
    conn = await asyncpg.connect(dsn, timeout=2.0)
    try:
        async with conn.transaction():
            await conn.fetch("SELECT id FROM users WHERE id = ANY($1::uuid[]) FOR UPDATE", users)
            await asyncio.sleep(_LOCKED_S_MAX / 2)
    finally:
        conn.terminate()


@asynccontextmanager
async def _killed(node: Node) -> AsyncIterator[Note]:
    await node.kill()
    try:
        yield Note(node.name)
    finally:
        await _start(node)


@asynccontextmanager
async def _paused(node: Node) -> AsyncIterator[Note]:
    await node.pause()
    try:
        yield Note(node.name)
    finally:
        await node.resume()


@asynccontextmanager
async def _restarted(node: ProgramNode, settings: dict[str, str]) -> AsyncIterator[Note]:
    note = Note(node.name)
    try:
        _must_be(await node.restart_with(settings, ready_within_s=_READY_S), node)
        yield note
    finally:
        _must_be(await node.restart_with({}, ready_within_s=_READY_S), node)


async def _start(node: Node) -> None:
    _must_be(await node.start(ready_within_s=_READY_S), node)


def _must_be(ready: bool, node: Node) -> None:
    if not ready:
        raise NotReadyError(f"{node.name} was not ready in {_READY_S:.0f} s: see its log")


async def _leader(field: Field) -> BrokerNode:
    """The leader of some partition, or any broker while none is known."""
    topic = field.rng.choice(field.stack.topic_names.steps)
    leader = await field.stack.leader_of(topic, field.rng.randrange(8))
    return leader or field.stack.brokers[field.target]
