"""One step, from an empty system to a verdict: without a fault, or with one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from reliability.crashpoints.expected import objections
from reliability.crashpoints.play import Play, StuckError
from reliability.crashpoints.points import CrashPoint, NumberedIo
from reliability.crashpoints.scenario import Scenario
from reliability.crashpoints.scenarios import BY_NAME
from reliability.simulation.heard import Kind
from reliability.simulation.loop import VirtualLoop
from reliability.simulation.nodes import SHARD, Sizes
from reliability.simulation.process import own_tasks
from reliability.simulation.run import Result
from reliability.simulation.scratch import BUCKETS
from reliability.simulation.stage import Stage
from reliability.simulation.verify import verify
from reliability.simulation.wires import Database
from reliability.simulation.world import World

_LANE_CAPACITY = 50
_BATCH_MAX = 20
_UNLOCKED_MAX = 8
_PAYERS_BUCKET = 0
_PAYEES_BUCKET = 1


@dataclass(slots=True)
class Outcome:
    """What a run came to.

    Attributes:
        ios: of the step, up to the fault.
        violations: empty when the run was right.
        schedule: what happened, in order.
    """

    ios: list[NumberedIo] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    schedule: list[str] = field(default_factory=list)


async def number_ios(databases: Sequence[Database], scenario: Scenario) -> Outcome:
    """Runs a step without a fault, and numbers its I/Os."""
    return await _run(databases, scenario, None)


async def run_point(databases: Sequence[Database], point: CrashPoint) -> Outcome:
    """Runs a step with the fault of this point, and what follows."""
    return await _run(databases, BY_NAME[point.step], point)


async def _run(
    databases: Sequence[Database], scenario: Scenario, point: CrashPoint | None
) -> Outcome:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop), "crash points run on a simulation's loop"
    loop.begin_again()
    own_tasks(loop)
    for database in databases:
        await database.empty()
        database.drops_sockets = True
    stage = Stage(loop, databases, lock_s=SHARD.lock_s)
    sizes = Sizes(
        lane_capacity=_LANE_CAPACITY,
        batch_max=_BATCH_MAX,
        unlocked_max=_UNLOCKED_MAX if scenario.is_unlocked else 0,
    )
    world = World(stage, seed=0, buckets=BUCKETS, sizes=sizes, hands_over=scenario.hands_over)
    users = (await world.user(_PAYERS_BUCKET, "payer"), await world.user(_PAYEES_BUCKET, "payee"))
    play = Play(stage, world, users=users, point=point)
    outcome = Outcome(ios=play.ios, schedule=stage.trace)
    try:
        await _perform(play, scenario)
        outcome.violations += await _judge(play, scenario, point)
    except StuckError as error:
        outcome.violations.append(str(error))
    finally:
        play.client.stop()
        # What is left was struck by nothing: the next run may have its connections.
        for database in databases:
            database.drops_sockets = False
        for process in [*world.processes, world.operator]:
            await stage.kill(process)
    return outcome


async def _perform(play: Play, scenario: Scenario) -> None:
    await play.stage.settle()
    await scenario.prepare(play)
    await scenario.run(play)
    play.end()
    await play.drain()


async def _judge(play: Play, scenario: Scenario, point: CrashPoint | None) -> list[str]:
    databases, client = play.stage.databases, play.client
    found = []
    if point is not None and not play.has_struck:
        found.append(f"the step has only {len(play.ios)} I/Os")
    if client.error is not None:
        found.append(f"the client ended with {client.error!r}")
    found += await verify(databases, buckets=BUCKETS, heard=client.heard, result=Result(0))
    movements = {one.id for one in client.heard.told if one.asked.kind is Kind.DEPOSIT}
    found += await objections(
        databases,
        scenario,
        point.aftermath if point else None,
        told_movements=len(movements),
    )
    return found
