"""One run of the floor, and what it cost."""

import asyncio
import resource
from dataclasses import dataclass

import psutil

from bench.floor.database import FloorError, backends, floor_database, require_consistent
from bench.floor.pgbench import Counted, pgbench
from devstack.postgres import PostgresServer

_WARM_UP_S = 3
_LOOKS = 500
_BETWEEN_LOOKS_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuMs:
    """Milliseconds of processor time per transfer: the server's, and pgbench's."""

    postgresql: float
    load: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorResult:
    """What PostgreSQL alone did; `transfers` were counted by pgbench and found in the rows."""

    hot: bool
    seconds: int
    transfers: int
    transfers_per_s: float
    cpu_ms_per_transfer: CpuMs


async def run_floor(server: PostgresServer, *, hot: bool, seconds: int) -> FloorResult:
    """Runs pgbench on a database of its own: 16 clients, 2 threads, prepared statements.

    One interactive transaction per transfer: the payer locked, two ledger rows under a unique
    (transfer, leg) key, two accounts updated. A short run comes before, to warm up. Afterwards
    the rows are compared with the balances and with pgbench's count.

    Args:
        server: with nothing else to do; its processor time is taken as the floor's.
        hot: whether every transfer credits one account, instead of random ones of 10,000.
        seconds: how long pgbench is measured.

    Raises:
        FloorError: the server may lose commits, or the rows are not what was counted.
        ServerError: pgbench failed; carries the end of its output.
    """
    async with floor_database(server) as database:

        async def run(number: int, seconds: int) -> Counted:
            return await asyncio.to_thread(
                pgbench, server.dsn(database), hot=hot, seconds=seconds, run=number
            )

        warm_up = await run(1, _WARM_UP_S)
        before = _server_cpu_s(server), _ended_children_cpu_s()
        counted = await run(2, seconds)
        await _backends_ended(server, database)
        after = _server_cpu_s(server), _ended_children_cpu_s()
        written = await require_consistent(server, database)
        if written != warm_up.transfers + counted.transfers:
            raise FloorError(f"{written} transfers are there, not {warm_up} and {counted}")
    return FloorResult(
        hot=hot,
        seconds=seconds,
        transfers=counted.transfers,
        transfers_per_s=counted.per_s,
        cpu_ms_per_transfer=CpuMs(
            postgresql=1000 * (after[0] - before[0]) / counted.transfers,
            load=1000 * (after[1] - before[1]) / counted.transfers,
        ),
    )


async def _backends_ended(server: PostgresServer, database: str) -> None:
    """Waits until the postmaster has taken over the processor time of pgbench's backends."""
    for _ in range(_LOOKS):
        if not await backends(server, database):
            return
        await asyncio.sleep(_BETWEEN_LOOKS_S)
    raise FloorError("pgbench has ended, its connections have not")


def _server_cpu_s(server: PostgresServer) -> float:
    """Processor time of the server's processes, the ended ones too."""
    postmaster = psutil.Process(server.pid)
    total = 0.0
    for process in (postmaster, *postmaster.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:  # just ended: in its parent's time next
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _ended_children_cpu_s() -> float:
    """Processor time of our own children that have ended: between two calls, pgbench."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
