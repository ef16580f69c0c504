"""One race: a server of its own, both halves one after the other, the audit of the real one."""

import asyncio
import time
from dataclasses import dataclass

import asyncpg

from audit import AuditedShard, Outcome, audit
from demo.errors import DemoError
from demo.race.plan import Plan
from demo.race.real import BUCKETS, buckets_of, run_real
from demo.race.totals import Totals
from demo.race.unlocked import run_unlocked
from devstack.postgres import PostgresServer
from devstack.progress import Progress

WITHIN_S = 120.0
_UNLOCKED = "race_unlocked"
_SHARDS = ("shard0", "shard1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """What came of both, and whether the audit of the real one finds nothing."""

    unlocked: Totals
    real: Totals
    audited: bool

    def shows_it(self, plan: Plan) -> bool:
        """Whether the real one was right, and the other one caught."""
        return self.audited and self.real.is_right(plan) and self.unlocked.made > 0


async def run_race(server: PostgresServer, plan: Plan, *, seed: int, progress: Progress) -> Race:
    """Runs both on a server that has neither yet.

    Raises:
        DemoError: a step did not do what it has to, or it took too long.
    """
    try:
        async with asyncio.timeout(WITHIN_S):
            return await _run(server, plan, seed=seed, progress=progress)
    except TimeoutError as error:
        raise DemoError(f"not over in {WITHIN_S:.0f} s; is this machine busy?") from error


async def _run(server: PostgresServer, plan: Plan, *, seed: int, progress: Progress) -> Race:
    dsns = {name: server.dsn(f"race_{name}") for name in _SHARDS}
    await _create(server, [_UNLOCKED, *(f"race_{name}" for name in _SHARDS)])
    burst = f"{len(plan.requests)} requests at once on {plan.connections} connections"
    progress.say(f"without a lock: {burst}")
    since = time.monotonic()
    unlocked = await run_unlocked(server.dsn(_UNLOCKED), plan)
    progress.done(f"without a lock: {unlocked.accepted} accepted", since=since)
    progress.say(f"with the steps of Holdfast: two shards, {burst}")
    since = time.monotonic()
    real = await run_real(dsns, plan, seed=seed)
    progress.done(f"with the steps of Holdfast: {real.accepted} accepted", since=since)
    report = await audit(
        [AuditedShard(name, dsn, buckets_of(i)) for i, (name, dsn) in enumerate(dsns.items())],
        buckets=BUCKETS,
    )
    found = f"{len(report.checks)} invariants hold" if report.ok else f"{report.outcome}"
    progress.say(f"audit of the two shards: {found}")
    return Race(unlocked=unlocked, real=real, audited=report.outcome is Outcome.OK)


async def _create(server: PostgresServer, names: list[str]) -> None:
    conn = await asyncpg.connect(server.dsn("postgres"))
    try:
        for name in names:
            await conn.execute(f'CREATE DATABASE "{name}"')
    finally:
        await conn.close()
