"""What is at work during a run, wired together."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from reliability.chaos.flight import Flight
from reliability.chaos.freeze import Freezer
from reliability.chaos.judge import Judge, Phase
from reliability.chaos.load.asking import Asking
from reliability.chaos.load.cast import Cast, register_all
from reliability.chaos.load.http import Http
from reliability.chaos.load.operator import Operator
from reliability.chaos.load.traffic import Traffic
from reliability.chaos.load.workloads import Workloads
from reliability.chaos.nemesis import Nemesis
from reliability.chaos.profiles import Profile
from reliability.chaos.stack import Stack
from reliability.history import HISTORY_FOLDER, HistoryWriter

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
    operator: Operator
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
    async with aiohttp.ClientSession(connector=connector) as session:
        with HistoryWriter(folder / HISTORY_FOLDER / "clients.jsonl") as history:
            http = Http(session, stack.urls)
            tag = f"{profile.name}-{seed}"
            cast = await register_all(http, history, profile=profile, tag=tag)
            asking = Asking(http, history, rng=rng)
            await stack.make_operator(cast.operator.email)
            operator = Operator(http, cast)
            workloads = Workloads(
                asking,
                cast,
                tag=tag,
                rng=rng,
                operator=operator,
                door_every_s=profile.duration_s / profile.doors,
            )
            await workloads.fund()
            await operator.begin()
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
                operator=operator,
                freezer=Freezer(stack, nemesis.gate, lambda: judge.check(Phase.FROZEN)),
            )


def _hot(cast: Cast) -> list[str]:
    return [member.id for member in cast.hot]
