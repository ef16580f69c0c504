"""The report of the nemesis: what counts as a violation, and what as too little."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from reliability.chaos.faults import Gate
from reliability.chaos.faults.field import meanwhile
from reliability.chaos.flight import Recovery
from reliability.chaos.freeze import Frame
from reliability.chaos.judge import Judgement
from reliability.chaos.kinds import FaultKind
from reliability.chaos.nemesis import Injected, allowed_after, allowed_s
from reliability.chaos.profiles import SMOKE
from reliability.chaos.report import ENDINGS, Result, as_text, write_json
from reliability.history import FaultOutcome

CLEAN = Judgement(by="checker", clean=True, exit_code=0, lines=())
BROKEN = Judgement(by="checker", clean=False, exit_code=1, lines=("a cent is lost",))


def injected(kind: FaultKind, *, lasted_s: float = 1.0, healed_at: float = 100.0) -> Injected:
    return Injected(
        kind=kind,
        at=healed_at - lasted_s,
        healed_at=healed_at,
        outcome=FaultOutcome.INJECTED,
        target="worker-1",
        detail="",
    )


def recovery(took_s: float, *, undisturbed: bool = True) -> Recovery:
    made = Recovery(kind="kill_worker", since=0.0, allowed_s=60.0, undisturbed=undisturbed)
    made.took_s = took_s
    return made


GOOD = Result(
    profile=SMOKE,
    seed=3,
    took_s=120.0,
    faults=[injected(kind) for kind in FaultKind],
    frames=[Frame(at_s=38, took_s=1.0, judgement=CLEAN, detail="")],
    answers={"202": 4_000},
    accepted=4_000,
    statuses=dict.fromkeys(ENDINGS, 1_000),
    reasons={"expired": 3},
    false_expiries=0,
    slowest={"some id": 12.0},
    slowest_rows=[],
    drained_s=8.0,
    allowed_s=60.0,
    stuck={},
    recoveries=[recovery(4.0), recovery(6.0)],
    unexpected_exits={},
    judgements=[CLEAN],
    problems=[],
)


def test_a_good_run_is_good(tmp_path: Path):
    write_json(GOOD, tmp_path / "report.json")
    told = json.loads((tmp_path / "report.json").read_text())

    assert GOOD.ok
    assert told["ok"]
    assert told["recovery_s"]["p50"] == 5.0
    assert as_text(GOOD).endswith("OK: not a cent lost.")


def test_every_kind_of_violation_is_one():
    bad = [
        replace(GOOD, judgements=[BROKEN]),
        replace(GOOD, frames=[replace(GOOD.frames[0], judgement=BROKEN), *GOOD.frames]),
        replace(GOOD, drained_s=None, stuck={"some id": 70.0}),
        replace(GOOD, false_expiries=1),
        replace(GOOD, recoveries=[recovery(61.0)]),
        replace(GOOD, problems=["answer out of contract: 500"]),
    ]

    assert [len(result.violations) for result in bad] == [1] * len(bad)
    assert not any(result.ok for result in bad)
    assert "a cent is lost" in as_text(bad[0])


def test_a_recovery_among_other_faults_is_no_violation():
    assert replace(GOOD, recoveries=[recovery(61.0, undisturbed=False)]).ok


def test_too_little_is_told_and_not_good():
    refused = [replace(f, outcome=FaultOutcome.NOT_RUN, detail="no") for f in GOOD.faults]
    poor = [
        replace(GOOD, accepted=2_999),
        replace(GOOD, frames=[replace(GOOD.frames[0], judgement=None, detail="away")]),
        replace(GOOD, statuses=dict(GOOD.statuses) | {"refunded": 0}),
        replace(GOOD, faults=[*refused[9:], *GOOD.faults[:9]]),
    ]

    assert [len(result.unmet) for result in poor] == [1] * len(poor)
    assert not any(result.ok for result in poor)
    assert "full_disk" in poor[-1].not_run


def test_a_long_outage_of_a_shard_may_take_twice_its_time():
    long = injected(FaultKind.STOP_POSTGRES, lasted_s=100.0)

    assert allowed_s(long) == 200.0
    assert allowed_s(injected(FaultKind.KILL_WORKER, lasted_s=100.0)) == 60.0
    assert allowed_after([long], long.healed_at + 30) == 170.0
    assert allowed_after([long], long.healed_at + 500) == 60.0


async def test_nothing_acts_while_a_frame_is_frozen():
    gate = Gate()
    seen: list[str] = []

    async def act() -> None:
        async with gate.acting():
            seen.append("act")

    async with gate.still(within_s=1):
        task = asyncio.create_task(act())
        await asyncio.sleep(0)
        seen.append("still")
    await task

    assert seen == ["still", "act"]


async def test_a_frame_waits_for_those_who_act_and_holds_up_nobody():
    gate = Gate()
    seen: list[str] = []

    async def freeze() -> None:
        async with gate.still(within_s=1):
            seen.append("still")

    async with gate.acting():
        task = asyncio.create_task(freeze())
        await asyncio.sleep(0)
        async with gate.acting():
            seen.append("act")
    await task

    assert seen == ["act", "still"]


async def test_a_frame_is_missed_when_there_is_no_moment_for_it():
    gate = Gate()

    async with gate.acting():
        with pytest.raises(TimeoutError):
            async with gate.still(within_s=0.01):
                pass


async def test_what_runs_meanwhile_ends_with_the_block():
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with meanwhile(work()):
        await asyncio.sleep(0)

    assert ended.is_set()
