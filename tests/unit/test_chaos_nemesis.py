"""The nemesis: what becomes of a fault that does not go as planned, and what is demanded of it."""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from reliability.chaos import nemesis as module
from reliability.chaos.faults import INJECTORS, CameToNothing, Field, Note, NotReadyError
from reliability.chaos.faults.processes import kill_worker, pool_exhaustion, process_clock_skew
from reliability.chaos.flight import Flight
from reliability.chaos.kinds import FaultKind
from reliability.chaos.nemesis import Nemesis, fault_minimums
from reliability.chaos.plan import Plan, PlannedFault
from reliability.chaos.profiles import SMOKE
from reliability.chaos.stack import Refused, Stack
from reliability.history import FAULTS_FILE, FaultOutcome

INJECTED, NOT_RUN, NOTHING = (
    FaultOutcome.INJECTED,
    FaultOutcome.NOT_RUN,
    FaultOutcome.CAME_TO_NOTHING,
)


def planned(*kinds: FaultKind) -> Plan:
    faults = tuple(
        PlannedFault(
            number=number, kind=kind, at_s=0.0, lasts_s=0.0, target=0, holds=(str(number),), seed=1
        )
        for number, kind in enumerate(kinds)
    )
    return Plan(seed=1, duration_s=0.1, faults=faults, frames_at_s=())


class Outcomes:
    """An injector that does as it is told, the last for ever."""

    def __init__(self, *outcomes: Exception | Note) -> None:
        self._outcomes = list(outcomes)
        self.tries = 0

    @asynccontextmanager
    async def __call__(self, _: Field) -> AsyncIterator[Note]:
        self.tries += 1
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        yield outcome


class Stubborn:
    """A process that is started, and ready only where it is said so."""

    name = "worker-1"

    def __init__(self, *ready: bool) -> None:
        self._ready = list(ready)

    async def kill(self) -> None:
        pass

    async def start(self, **_: object) -> bool:
        return self._ready.pop(0)

    async def restart_with(self, *_: object, **__: object) -> bool:
        return self._ready.pop(0)


class Programs:
    """A stack of one gateway and one worker."""

    def __init__(self, node: Stubborn) -> None:
        self.gateways = self.workers = (node,)
        self.direct_dsns: dict[str, str] = {}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AGAIN_S", 0.01)
    monkeypatch.setattr(module, "_LATE_S", 0.0)


@pytest.fixture
def nemesis(tmp_path: Path) -> Nemesis:
    return nemesis_on(object(), tmp_path)


def nemesis_on(stack: object, folder: Path) -> Nemesis:
    return Nemesis(
        cast("Stack", stack),
        SMOKE,
        flight=Flight({}),
        folder=folder,
        hot_users=[],
        progress=lambda _: None,
    )


async def carry_out(nemesis: Nemesis, plan: Plan) -> list[FaultOutcome]:
    await nemesis.carry_out(plan, began=time.monotonic())
    return [fault.outcome for fault in nemesis.injected]


@pytest.mark.parametrize(
    ("outcomes", "is_repeated", "outcome", "failures"),
    [
        ([Note("it")], False, INJECTED, 0),
        ([Refused("no file system")], False, NOT_RUN, 0),
        ([CameToNothing("no broker")], True, NOTHING, 0),
        ([CameToNothing("no broker"), Note("it")], True, INJECTED, 0),
        ([Note("it", "0 copies", injected=False), Note("it")], True, INJECTED, 0),
        ([NotReadyError("worker-1 was not ready")], False, NOTHING, 1),
    ],
)
async def test_what_comes_to_nothing_is_tried_again_and_is_not_what_the_machine_refuses(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    outcomes: list[Exception | Note],
    is_repeated: bool,
    outcome: FaultOutcome,
    failures: int,
):
    nemesis = nemesis_on(object(), tmp_path)
    injector = Outcomes(*outcomes)
    monkeypatch.setitem(INJECTORS, FaultKind.FULL_DISK, injector)

    assert await carry_out(nemesis, planned(FaultKind.FULL_DISK)) == [outcome]

    assert (injector.tries > 1) == is_repeated
    assert len(nemesis.failures) == failures
    lines = (tmp_path / FAULTS_FILE).read_text().splitlines()
    assert [json.loads(line)["outcome"] for line in lines] == [outcome]


async def test_a_kind_that_has_happened_is_not_tried_again(
    nemesis: Nemesis, monkeypatch: pytest.MonkeyPatch
):
    injector = Outcomes(Note("it"), CameToNothing("no broker"))
    monkeypatch.setitem(INJECTORS, FaultKind.DELETE_TOPICS, injector)

    await carry_out(nemesis, planned(FaultKind.DELETE_TOPICS))
    outcomes = await carry_out(nemesis, planned(FaultKind.DELETE_TOPICS))

    assert outcomes == [INJECTED, NOTHING]
    assert injector.tries == 2


@pytest.mark.parametrize(
    ("injector", "ready"),
    [
        (kill_worker, [False]),
        (pool_exhaustion, [False, True]),
        (process_clock_skew, [False, True]),
        (process_clock_skew, [True, False]),
    ],
)
async def test_a_process_that_is_not_ready_in_time_is_a_failure_and_no_fault(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    injector: Callable[[Field], object],
    ready: list[bool],
):
    monkeypatch.setitem(INJECTORS, FaultKind.KILL_WORKER, injector)
    nemesis = nemesis_on(Programs(Stubborn(*ready)), tmp_path)

    assert await carry_out(nemesis, planned(FaultKind.KILL_WORKER)) == [NOTHING]

    assert "worker-1 was not ready" in nemesis.failures[0]


async def test_every_planned_kind_is_demanded_unless_the_machine_refused_it(
    nemesis: Nemesis, monkeypatch: pytest.MonkeyPatch
):
    often = [FaultKind.KILL_WORKER] * 3
    plan = planned(*often, FaultKind.FULL_DISK, FaultKind.DELETE_TOPICS, FaultKind.SLOW_LINK)
    monkeypatch.setitem(INJECTORS, FaultKind.KILL_WORKER, Outcomes(Note("it")))
    monkeypatch.setitem(INJECTORS, FaultKind.FULL_DISK, Outcomes(Refused("no file system")))
    monkeypatch.setitem(INJECTORS, FaultKind.DELETE_TOPICS, Outcomes(CameToNothing("no broker")))
    monkeypatch.setitem(INJECTORS, FaultKind.SLOW_LINK, Outcomes(OSError("no proxy")))
    await carry_out(nemesis, plan)

    assert fault_minimums(plan, nemesis.injected, each=2) == [
        "fault=delete_topics:1",
        "fault=kill_worker:2",
        "fault=slow_link:1",
    ]
