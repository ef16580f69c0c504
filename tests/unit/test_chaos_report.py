"""The report of the nemesis: what counts as a violation, and what as too little."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from reliability.chaos.exits import UnexpectedExit, wrong
from reliability.chaos.faults import Gate
from reliability.chaos.faults.field import meanwhile
from reliability.chaos.flight import Recovery
from reliability.chaos.freeze import Frame
from reliability.chaos.judge import Judgement
from reliability.chaos.kinds import FaultKind
from reliability.chaos.nemesis import Injected, allowed_after, allowed_s
from reliability.chaos.profiles import ENDINGS, SMOKE
from reliability.chaos.report import Result, as_text, write_json
from reliability.chaos.stack import Role
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


def ended(node: str, role: Role, *, code: int, at: float = 100.0) -> UnexpectedExit:
    return UnexpectedExit(node=node, role=role, code=code, at=at)


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
    skipped=7,
    gave_up=123,
    statuses=dict.fromkeys(ENDINGS, 1_000),
    reasons={"expired": 3},
    false_expiries=0,
    slowest={"some id": 12.0},
    slowest_rows=[],
    drained_s=8.0,
    allowed_s=60.0,
    stuck={},
    recoveries=[recovery(4.0), recovery(6.0)],
    exits=[],
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
        replace(GOOD, exits=[ended("gateway-1", Role.GATEWAY, code=75)]),
    ]

    assert [len(result.violations) for result in bad] == [1] * len(bad)
    assert not any(result.ok for result in bad)
    assert "a cent is lost" in as_text(bad[0])


@pytest.mark.parametrize(
    ("kind", "one", "is_wrong"),
    [
        (FaultKind.KILL_BROKER, ended("worker-1", Role.WORKER, code=75), False),
        (FaultKind.KILL_BROKER, ended("worker-1", Role.WORKER, code=75, at=98.0), True),
        (FaultKind.KILL_BROKER, ended("worker-1", Role.WORKER, code=75, at=161.0), True),
        (FaultKind.POISON_MESSAGES, ended("worker-1", Role.WORKER, code=75), True),
        (FaultKind.KILL_BROKER, ended("worker-1", Role.WORKER, code=78), True),
        (FaultKind.DELETE_TOPICS, ended("worker-1", Role.WORKER, code=78), False),
        (FaultKind.DELETE_TOPICS, ended("worker-1", Role.WORKER, code=-11), True),
        (FaultKind.KILL_BROKER, ended("gateway-1", Role.GATEWAY, code=75), True),
        (FaultKind.REBALANCE_STORM, ended("worker-1", Role.WORKER, code=0), False),
        (FaultKind.KILL_BROKER, ended("worker-1", Role.WORKER, code=0), True),
        (FaultKind.FULL_DISK, ended("shard0", Role.DATABASE, code=1), False),
        (FaultKind.KILL_BROKER, ended("broker-1", Role.BROKER, code=1), False),
    ],
)
def test_an_end_that_no_fault_explains_is_wrong(
    kind: FaultKind, one: UnexpectedExit, is_wrong: bool
):
    assert wrong([one], [injected(kind)]) == ([one] if is_wrong else [])


def test_a_fault_that_came_to_nothing_explains_no_end():
    nothing = replace(injected(FaultKind.KILL_BROKER), outcome=FaultOutcome.CAME_TO_NOTHING)
    one = ended("worker-1", Role.WORKER, code=75)

    assert wrong([one], [nothing]) == [one]


def test_ends_are_told_by_process_and_code():
    ends = [ended("worker-1", Role.WORKER, code=75)] * 2 + [ended("shard0", Role.DATABASE, code=1)]
    text = as_text(replace(GOOD, exits=ends))

    assert "worker-1 ended by itself with code 75, 2 times" in text
    assert "shard0 ended by itself with code 1" in text


def test_what_the_load_left_out_is_told(tmp_path: Path):
    write_json(GOOD, tmp_path / "report.json")
    document = json.loads((tmp_path / "report.json").read_text())

    assert (document["skipped"], document["gave_up"]) == (7, 123)
    assert "123 requests given up; 7 not begun" in as_text(GOOD)


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


def test_what_came_to_nothing_is_told_apart_from_what_the_machine_refused():
    nothing = replace(GOOD.faults[0], outcome=FaultOutcome.CAME_TO_NOTHING, detail="busy")
    result = replace(GOOD, faults=[nothing, *GOOD.faults[1:]])

    assert result.came_to_nothing == {nothing.kind.value: "busy"}
    assert result.not_run == {}
    assert f"{len(FaultKind) - 1} (of {len(FaultKind)}) kinds" in as_text(result)


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
