"""One seed, from an empty system to a verdict."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from reliability.simulation.chance import Chance
from reliability.simulation.clients import Client
from reliability.simulation.habits import Habits
from reliability.simulation.heard import Heard
from reliability.simulation.loop import VirtualLoop
from reliability.simulation.nodes import SHARD, Sizes
from reliability.simulation.process import own_tasks
from reliability.simulation.stage import Stage
from reliability.simulation.verify import verify
from reliability.simulation.wires import Database
from reliability.simulation.world import World

PAYMENTS = 20
_CLIENTS = 4
_FUNDED = 6
# Who begins with nothing can be closed, perhaps while money is on its way there.
_UNFUNDED = 2
# Faults end after so many steps, or some time after the clients are done.
_STEPS_WITH_FAULTS_MAX = 4_000
_STEPS_MAX = 40_000
DRAIN_S = 120.0
_LOOK_EVERY = 25


@dataclass(slots=True)
class Result:
    """What a run came to.

    Attributes:
        violations: empty when the run was right.
        schedule: what happened, in order.
        rows: a hash over all final rows.
        endings: what became of transfers and holds; see `reliability.simulation.endings`.
    """

    seed: int
    violations: list[str] = field(default_factory=list)
    schedule: list[str] = field(default_factory=list)
    rows: str = ""
    endings: Counter[str] = field(default_factory=Counter)

    @property
    def fingerprint(self) -> str:
        """Two runs with the same one did the same and left the same rows."""
        return hashlib.sha256("\n".join([*self.schedule, self.rows]).encode()).hexdigest()[:16]


async def run_seed(
    databases: Sequence[Database],
    *,
    seed: int,
    buckets: int,
    payments: int,
    drain_s: float = DRAIN_S,
) -> Result:
    """Runs one seed over databases that are emptied first.

    Args:
        databases: opened; together they have all `buckets`.
        seed: what decides everything that is left to chance.
        buckets: of the whole system.
        payments: how many transfers and holds clients ask for in all.
        drain_s: simulated seconds after the last fault in which everything has to be over.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop), "a simulation runs on its own loop"
    loop.begin_again()
    own_tasks(loop)
    for database in databases:
        await database.empty()
    stage = Stage(loop, databases, lock_s=SHARD.lock_s)
    rng = Random(f"{seed} sizes")  # noqa: S311 - a simulation repeats itself
    world = World(
        stage,
        seed=seed,
        buckets=buckets,
        sizes=Sizes(
            lane_capacity=rng.choice((4, 50)),
            batch_max=rng.choice((1, 3, 20)),
            unlocked_max=rng.choice((0, 2, 8)),
        ),
        hands_over=rng.choice((True, False)),
    )
    result = Result(seed, schedule=stage.trace)
    everybody = [
        await world.user(bucket, f"user{n}") for n, bucket in enumerate(_some(rng, buckets))
    ]
    users, guests = everybody[:-_CLIENTS], everybody[-_CLIENTS:]
    heard = Heard()
    clients = [Client(world, heard, name=f"client{n}") for n in range(_CLIENTS)]
    world.start_all()
    chance = Chance(world, users=users)
    asking = [
        asyncio.ensure_future(
            Habits(world, client, users=users, guest=guests[n]).run(
                funds=users[:_FUNDED][n::_CLIENTS], payments=payments // _CLIENTS
            )
        )
        for n, client in enumerate(clients)
    ]
    try:
        await _play(chance, asking, more=rng.randint(0, 400))
        chance.stop_faults()
        result.violations += await drain(world, chance, asking, within_s=drain_s)
        result.violations += await verify(databases, buckets=buckets, heard=heard, result=result)
    finally:
        for task in asking:
            task.cancel()
        for process in [*world.processes, world.operator]:
            await stage.kill(process)
    return result


async def _play(chance: Chance, asking: "list[asyncio.Task[None]]", *, more: int) -> None:
    """Steps with faults, until the clients are done and `more` after that."""
    for _ in range(_STEPS_WITH_FAULTS_MAX):
        if not await chance.step():
            return
        if all(task.done() for task in asking):
            more -= 1
            if more < 0:
                return


async def drain(
    world: World, chance: Chance, asking: "Sequence[asyncio.Task[None]]", *, within_s: float
) -> list[str]:
    """Steps without faults until everything is over.

    Args:
        world: healed.
        chance: without faults.
        asking: clients, which have to come to their end too.
        within_s: how much simulated time that may take.

    Returns:
        What did not come to its end, or not to a good one.
    """
    loop = world.stage.loop
    began = loop.time()
    for step in range(_STEPS_MAX):
        await chance.step()
        if step % _LOOK_EVERY == 0 and all(task.done() for task in asking):
            left = await world.unfinished()
            if not left:
                return _errors("a client", asking) + _errors("an operator", world.acting)
            if loop.time() - began > within_s:
                break
    unfinished = await world.unfinished()
    clients = sum(not task.done() for task in asking)
    after_s = loop.time() - began
    what = f"{unfinished} transfers and expired holds, {clients} clients"
    return [f"not over {after_s:.0f} s after the last fault: {what}"]


def _errors(who: str, tasks: "Sequence[asyncio.Task[None]]") -> list[str]:
    ended = [task for task in tasks if task.done() and not task.cancelled()]
    return [f"{who} ended with {task.exception()!r}" for task in ended if task.exception()]


def _some(rng: Random, buckets: int) -> list[int]:
    return [rng.randrange(buckets) for _ in range(_FUNDED + _UNFUNDED + _CLIENTS)]
