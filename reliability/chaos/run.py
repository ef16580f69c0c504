"""One run: a stack, load on it, faults, an end in quiet, and the verdict of the checker."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from reliability.chaos.books import read_endings, read_ones
from reliability.chaos.exits import exits_of
from reliability.chaos.faults.field import meanwhile
from reliability.chaos.freeze import Frame
from reliability.chaos.judge import Judgement, Phase
from reliability.chaos.nemesis import allowed_after, fault_minimums
from reliability.chaos.parts import Parts, Progress, open_parts
from reliability.chaos.plan import Plan, make_plan
from reliability.chaos.profiles import Profile
from reliability.chaos.report import ENDINGS, Result
from reliability.chaos.stack import Stack, StackOptions

STACK_FOLDER = "stack"

_PROGRESS_EVERY_S = 5.0
# After the last heal, what is still being repeated gets its answer.
_ANSWERS_WITHIN_S = 30.0
# Silence on a partition is noticed sooner than by default, so that a pause can outlast it.
_SETTINGS = {
    "HOLDFAST_WORKERS__SESSION_TIMEOUT_S": "6",
    "HOLDFAST_LOG__LEVEL": "warning",
}


async def run(profile: Profile, *, seed: int, folder: Path, progress: Progress) -> Result:
    """One run from nothing to the verdict; whatever was started has ended when it returns.

    Args:
        profile: how large it is.
        seed: of the plan and of the load.
        folder: all data, logs and the history; made when it is not there.
        progress: is told what happens.
    """
    began = time.monotonic()
    plan = make_plan(profile, seed)
    options = StackOptions(
        brokers=3 if profile.brokers == 3 else 1,
        shards=profile.shards,
        gateways=profile.gateways,
        workers=profile.workers,
        folder=folder / STACK_FOLDER,
        environment=_SETTINGS,
    )
    progress(f"{len(plan.faults)} faults are planned from seed {seed}")
    stack = await Stack.start(options, progress=progress)
    try:
        async with open_parts(stack, profile, seed=seed, folder=folder, progress=progress) as parts:
            quiet = await _under_fault(parts, plan, progress)
            judgements = await _judged(parts, plan, profile, progress)
            statuses, reasons, false_expiries = await read_endings(stack.direct_dsns)
            tally = parts.asking.tally
            return Result(
                profile=profile,
                seed=seed,
                took_s=time.monotonic() - began,
                faults=parts.nemesis.injected,
                frames=quiet.frames,
                answers=dict(tally.answers),
                accepted=len(tally.accepted),
                skipped=parts.traffic.skipped,
                gave_up=tally.gave_up,
                statuses=dict(statuses),
                reasons=dict(reasons),
                false_expiries=false_expiries,
                slowest=parts.flight.slowest,
                slowest_rows=await read_ones(stack.direct_dsns, parts.flight.slowest),
                drained_s=quiet.drained_s,
                allowed_s=quiet.allowed_s,
                stuck=parts.flight.ages(),
                recoveries=parts.flight.recoveries,
                exits=exits_of(stack.nodes),
                judgements=judgements,
                problems=_problems(parts),
            )
    finally:
        await stack.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Quiet:
    """How it went until everything was over, or was given up."""

    frames: list[Frame]
    drained_s: float | None
    allowed_s: float


async def _under_fault(parts: Parts, plan: Plan, progress: Progress) -> _Quiet:
    """The load and the faults, then the end of both; returns when nothing is under way."""
    began = time.monotonic()
    frames: list[Frame] = []

    async def take_frame(at_s: float) -> None:
        frames.append(await parts.freezer.frame(at_s))
        progress(f"a freeze-frame, in {frames[-1].took_s:.1f} s {frames[-1].detail}")

    async def take_frames() -> None:
        for at_s in plan.frames_at_s:
            await asyncio.sleep(began + at_s - time.monotonic())
            await take_frame(at_s)

    async with meanwhile(parts.flight.run()), meanwhile(_tell(parts, began, progress)):
        async with meanwhile(parts.operator.run()), meanwhile(parts.traffic.run()):
            async with asyncio.TaskGroup() as group:
                group.create_task(parts.nemesis.carry_out(plan, began=began))
                group.create_task(take_frames())
                group.create_task(asyncio.sleep(plan.duration_s))
            await parts.stack.heal()
            # Under load still: what the faults prevented can be had now.
            if all(frame.judgement is None for frame in frames):
                await take_frame(plan.duration_s)
            healed_at = time.monotonic()
        progress("everything is healed, and no new requests come")
        allowed_s = allowed_after(parts.nemesis.injected, healed_at)
        drained_s = await _drain(parts, healed_at, allowed_s)
    return _Quiet(frames=frames, drained_s=drained_s, allowed_s=allowed_s)


async def _drain(parts: Parts, healed_at: float, allowed_s: float) -> float | None:
    """Waits until everything is over; how long that was after the last heal, None for never."""
    await parts.traffic.end(within_s=_ANSWERS_WITHIN_S)
    quiet_at = time.monotonic()
    while time.monotonic() - healed_at < allowed_s:
        if parts.flight.is_empty_since(quiet_at):
            return time.monotonic() - healed_at
        await asyncio.sleep(0.1)
    return None


async def _tell(parts: Parts, began: float, progress: Progress) -> None:
    tally = parts.asking.tally
    before = 0
    while True:
        await asyncio.sleep(_PROGRESS_EVERY_S)
        accepted = len(tally.accepted)
        rate = (accepted - before) / _PROGRESS_EVERY_S
        before = accepted
        now = ", ".join(sorted(parts.nemesis.active.values())) or "quiet"
        progress(
            f"{time.monotonic() - began:.0f} s: {accepted:,} accepted ({rate:.0f}/s),"
            f" {parts.flight.open:,} open, the oldest for {parts.flight.oldest_now_s:.1f} s;"
            f" {len(parts.nemesis.injected)} faults; now: {now}"
        )


async def _judged(
    parts: Parts, plan: Plan, profile: Profile, progress: Progress
) -> list[Judgement]:
    """What the checker and the audit say of the end."""
    progress("everybody reads their balance")
    await parts.workloads.read_everybody()
    progress("the checker looks at history and ledger")
    least = profile.minimums
    minimums = [f"ending={ending}:{least.ending}" for ending in ENDINGS]
    minimums += fault_minimums(plan, parts.nemesis.injected, each=least.each_kind)
    checked = await parts.judge.check(Phase.FINAL, minimums)
    progress("the audit looks at every row")
    return [checked, await parts.judge.audit()]


def _problems(parts: Parts) -> list[str]:
    """Whatever went wrong that neither checker nor audit can see."""
    tally = parts.asking.tally
    found = [f"fault failed: {text}" for text in parts.nemesis.failures]
    found += [f"client failed: {text}" for text in sorted(set(parts.traffic.errors))]
    unexpected = [*tally.unexpected, *parts.operator.unexpected]
    found += [f"answer out of contract: {text}" for text in unexpected[:10]]
    if len(unexpected) > 10:
        found.append(f"{len(unexpected) - 10} more answers out of contract")
    return found
