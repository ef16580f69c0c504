"""Puts load on a running system and measures it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from aiokafka.errors import KafkaError

from bench.cases import Case
from bench.errors import MeasureError
from bench.load.plan import LoadPlan, LoadResult
from bench.load.process import LoadProcess, running_load
from bench.measures.batches import items_per_batch
from bench.measures.growth import Grown, Series, watch
from bench.measures.machine import ForeignCores
from bench.measures.processes import Role, Watched, cpu_by_role
from bench.measures.standstill import no_standstill
from bench.measures.window import Sample, Sampler
from bench.record import Measured
from bench.stack.system import System

BATCH_ITEMS = 100
_AFTER_S = 1.0
_DRAIN_S = 30.0
_LOOK_S = 2.0
_POLL_S = 0.1
_WATCH_EVERY_S = 5.0
_AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """What is known once the load is over."""

    begin: Sample
    end: Sample
    load: LoadResult
    grown: Grown | None


def watched_of(system: System) -> list[Watched]:
    """The processes of a system and of its servers."""
    workers = [Watched(name=w.name, role=Role.WORKERS, pid=w.child.pid) for w in system.workers]
    servers = system.servers
    return [
        Watched(name="gateway", role=Role.GATEWAY, pid=system.gateway.child.pid),
        *workers,
        Watched(name="postgresql", role=Role.POSTGRESQL, pid=servers.postgres.pid),
        Watched(name="kafka", role=Role.KAFKA, pid=servers.kafka.pid),
    ]


async def measure(system: System, case: Case, *, say: Callable[[str], None]) -> Measured:
    """Runs the case's load and comes back when everything is over, or the wait for it is.

    Raises:
        MeasureError: nothing can be said of the case.
        psutil.NoSuchProcess: a process of the system has ended.
    """
    place = system.place
    watched = watched_of(system)
    sampler = Sampler(
        watched,
        dsns=list(place.dsns.values()),
        bootstrap=place.bootstrap,
        topics=place.topics,
        partitions=place.shape.buckets,
        internal_ports=system.internal_ports,
    )
    try:
        await sampler.connect()
        foreign = await _foreign(watched)
        async with no_standstill(), running_load(plan_of(system, case)) as load:
            window = await _window(load, case, sampler, say=say)
        begin, end = window.begin, window.end
        return Measured(
            case=case,
            begin=begin,
            end=end,
            load=window.load,
            grown=window.grown,
            left=await _until_over(sampler),
            ended=await sampler.shards.ended(begin.totals.now, end.totals.now),
            foreign_before=foreign,
            items_per_batch=items_per_batch(begin.counted, end.counted),
        )
    except ExceptionGroup as group:
        if group.subgroup(lambda error: not isinstance(error, (*_AWAY, ExceptionGroup))):
            raise
        raise MeasureError(f"what is measured did not answer: {group.exceptions}") from group
    except _AWAY as error:
        raise MeasureError(f"what is measured did not answer: {error!r}") from error
    finally:
        await sampler.close()


async def _window(
    load: LoadProcess, case: Case, sampler: Sampler, *, say: Callable[[str], None]
) -> _Window:
    """The load from its begin to its end."""
    client = Watched(name="load", role=Role.LOAD, pid=load.pid)
    started_at = await load.started_at()
    say(f"load runs: {case.warmup_s:.0f} s of warm-up, {case.seconds:.0f} s that count")
    await asyncio.sleep(started_at + case.warmup_s - time.monotonic())
    begin = await sampler.sample(client)
    async with _watching(case, sampler, say=say) as series:
        await asyncio.sleep(started_at + case.warmup_s + case.seconds - time.monotonic())
    end = await sampler.sample(client)
    say("the window is over; waiting for what is under way")
    grown = None
    if case.growth_s is not None:
        grown = series.grown(since=end.at - case.growth_s, until=end.at)
    return _Window(begin=begin, end=end, load=await load.result(), grown=grown)


@asynccontextmanager
async def _watching(
    case: Case, sampler: Sampler, *, say: Callable[[str], None]
) -> AsyncIterator[Series]:
    """Memory and backlog, looked at all the time where growth is asked for."""
    series = Series()
    if case.growth_s is None:
        yield series
        return
    task = asyncio.create_task(
        watch(sampler.watched, sampler.shards, series, every_s=_WATCH_EVERY_S, say=say)
    )
    try:
        yield series
    finally:
        task.cancel()
        await asyncio.wait({task})


def plan_of(system: System, case: Case) -> LoadPlan:
    """What the load client is told of a case."""
    shape = case.shape
    ledger = system.ledger
    return LoadPlan(
        port=system.gateway_port,
        jwt_secret=system.place.jwt_secret,
        dsns=list(system.place.dsns.values()),
        users=[str(user.id) for user in ledger.users],
        shard_of=[ledger.shape.shard_of(user.bucket) for user in ledger.users],
        mode=shape.mode,
        workload=shape.workload,
        clients=shape.clients,
        rate=shape.rate,
        batch_items=BATCH_ITEMS,
        open_max=shape.open_max,
        warmup_s=case.warmup_s,
        seconds=case.seconds,
        after_s=_AFTER_S,
        drain_s=_DRAIN_S,
        seed=case.seed,
        key=system.place.name,
    )


async def _foreign(watched: list[Watched]) -> float:
    """Cores that others keep busy, while nothing of ours has anything to do."""
    foreign = ForeignCores(lambda: sum(cpu_by_role(watched).values()))
    await asyncio.sleep(_LOOK_S)
    return foreign.so_far()


async def _until_over(sampler: Sampler) -> int:
    deadline = time.monotonic() + _DRAIN_S
    while True:
        left = await sampler.shards.open_transfers()
        if not left or time.monotonic() > deadline:
            return left
        await asyncio.sleep(_POLL_S)
