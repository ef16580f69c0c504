"""The load of the nemesis on a system that nobody harms: all of it happens, and the books agree."""

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import aiohttp

from e2e_tests.system import System
from reliability.chaos.doors import Doors
from reliability.chaos.faults.field import meanwhile
from reliability.chaos.load.asking import Asking
from reliability.chaos.load.cast import register_all, renew_token
from reliability.chaos.load.http import Http
from reliability.chaos.load.tools import make_tools
from reliability.chaos.load.workloads import Workload, Workloads
from reliability.chaos.operators import open_operators
from reliability.chaos.profiles import SMOKE, Minimums
from reliability.checker import Phase, check
from reliability.checker.vacuity import parse_minimum
from reliability.history import HISTORY_FOLDER, HistoryWriter
from sagas.operators import UserAct
from tests.eventually import eventually

SMALL = replace(SMOKE, users=6, ladders=1, doors=24, duration_s=12.0)
LEAST = Minimums(faults=0, each_kind=0, kinds=0, transfers=0, frames=0, ending=1, part=1, refusal=1)
# Often enough that each thing that is left to chance happens.
OFTEN = 12
ONCE = 2
AT_ONCE = 16


async def test_every_workload_leaves_books_that_the_checker_finds_in_order(
    system: System, tmp_path: Path
):
    gateways = [(await system.start_gateway()).base for _ in range(2)]
    await system.start_worker()
    dsns = {database.name: database.dsn for database in system.databases}
    rng = random.Random(1)
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        open_operators(dsns) as operators,
    ):
        with HistoryWriter(tmp_path / HISTORY_FOLDER / "clients.jsonl") as history:
            http = Http(session, gateways)
            cast = await register_all(http, history, profile=SMALL, tag="load")
            await operators.act(cast.operator, UserAct.MAKE_OPERATOR)
            await renew_token(http, cast.operator, gateway=0)
            asking = Asking(http, history, rng=rng)
            tools = make_tools(asking, cast, tag="load", rng=rng)
            workloads = Workloads(tools)
            await workloads.fund()
            doors = Doors(operators, tools, within_s=SMALL.duration_s)
            await doors.shut_for_good()

            async with meanwhile(doors.run()):
                await carry_out(workloads, rng)
            await system.drained()
            await eventually(lambda: no_hold_is_due(system), within_s=30)
            await workloads.read_everybody()

    minimums = [parse_minimum(text) for text in LEAST.of_load()]
    result = await check(folder=tmp_path, dsns=dsns, phase=Phase.FINAL, minimums=minimums)
    assert asking.tally.unexpected == []
    assert (result.violations, result.unmet, result.not_checked) == ((), (), ())


async def carry_out(workloads: Workloads, rng: random.Random) -> None:
    """Each workload, those of parts and limits more often, in any order and some at once."""
    due = [
        workload
        for workload in workloads._shares
        for _ in range(ONCE if is_one_of(workloads, workload) else OFTEN)
    ]
    rng.shuffle(due)
    free = asyncio.Semaphore(AT_ONCE)

    async def one(client: int, workload: Workload) -> None:
        async with free:
            await workload(client)

    async with asyncio.TaskGroup() as group:
        for client, workload in enumerate(due, start=1):
            group.create_task(one(client, workload))


def is_one_of(workloads: Workloads, workload: Workload) -> bool:
    return getattr(workload, "__self__", None) is workloads


async def no_hold_is_due(system: System) -> bool:
    rows = await system.sql_everywhere(
        "SELECT id FROM holds WHERE status = 'open' AND expires_at <= app_now()"
    )
    return not rows
