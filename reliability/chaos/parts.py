"""What is at work during a run, wired together."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from reliability.chaos.doors import Doors
from reliability.chaos.flight import Flight
from reliability.chaos.freeze import Freezer
from reliability.chaos.judge import Judge, Phase
from reliability.chaos.load.asking import Asking
from reliability.chaos.load.cast import Cast, register_all, renew_token
from reliability.chaos.load.http import Http
from reliability.chaos.load.tools import make_tools
from reliability.chaos.load.traffic import Traffic
from reliability.chaos.load.workloads import Workloads
from reliability.chaos.nemesis import Nemesis
from reliability.chaos.operators import open_operators
from reliability.chaos.profiles import Profile
from reliability.chaos.stack import Stack
from reliability.history import HISTORY_FOLDER, HistoryWriter
from sagas.operators import UserAct

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that acts on a stack or looks at it."""

    stack: Stack
    flight: Flight
    judge: Judge
    nemesis: Nemesis
    asking: Asking
    workloads: Workloads
    traffic: Traffic
    doors: Doors
    freezer: Freezer


@asynccontextmanager
async def open_parts(
    stack: Stack, profile: Profile, *, seed: int, folder: Path, progress: Progress
) -> AsyncIterator[Parts]:
    """Registers and funds everybody, before any fault, and makes what acts during the run.

    Raises:
        RegistrationError: the stack does not even work without faults.
    """
    rng = random.Random(seed)  # noqa: S311 - to be repeated, not secret
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        open_operators(stack.direct_dsns) as operators,
    ):
        with HistoryWriter(folder / HISTORY_FOLDER / "clients.jsonl") as history:
            http = Http(session, stack.urls)
            tag = f"{profile.name}-{seed}"
            cast = await register_all(http, history, profile=profile, tag=tag)
            await operators.act(cast.operator, UserAct.MAKE_OPERATOR)
            await renew_token(http, cast.operator, gateway=0)
            asking = Asking(http, history, rng=rng)
            tools = make_tools(asking, cast, tag=tag, rng=rng)
            workloads = Workloads(tools)
            await workloads.fund()
            doors = Doors(operators, tools, within_s=profile.duration_s)
            await doors.shut_for_good()
            progress(f"{len(cast.everybody)} users are registered")
            flight = Flight(stack.direct_dsns)
            judge = Judge(folder, stack.direct_dsns, stack.environment)
            nemesis = Nemesis(
                stack,
                profile,
                flight=flight,
                folder=folder,
                hot_users=_hot(cast),
                progress=progress,
            )
            yield Parts(
                stack=stack,
                flight=flight,
                judge=judge,
                nemesis=nemesis,
                asking=asking,
                workloads=workloads,
                traffic=Traffic(workloads, asking, rate=profile.rate),
                doors=doors,
                freezer=Freezer(stack, nemesis.gate, lambda: judge.check(Phase.FROZEN)),
            )


def _hot(cast: Cast) -> list[str]:
    return [member.id for member in cast.hot]
