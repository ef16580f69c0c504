"""Carries out a plan: each fault at its time, healed after its time, written down."""

import asyncio
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from reliability.chaos.faults import INJECTORS, CameToNothing, Field, Gate, Note
from reliability.chaos.flight import Flight, Recovery
from reliability.chaos.kinds import OUTAGES, FaultKind
from reliability.chaos.plan import Plan, PlannedFault
from reliability.chaos.profiles import Profile
from reliability.chaos.stack import Refused, Stack
from reliability.history import FAULTS_FILE, FaultOutcome

RECOVERY_S = 60.0
# Injecting or healing that takes longer is a fault of ours.
_ACT_S = 90.0
# A fault that waits longer for an earlier one is left out: it would come in another's place.
_BUSY_S = 15.0
# A kind that came to nothing so far is tried again, until so long after the end of the plan:
# without it the run shows too little.
_AGAIN_S = 3.0
_LATE_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """One fault as it went; times are `time.monotonic()`."""

    kind: FaultKind
    at: float
    healed_at: float
    outcome: FaultOutcome
    target: str
    detail: str


@dataclass(slots=True)
class _Course:
    at: float
    healed_at: float
    note: Note
    refused: bool = False
    failed: bool = False

    @property
    def outcome(self) -> FaultOutcome:
        if self.refused:
            return FaultOutcome.NOT_RUN
        return FaultOutcome.INJECTED if self.note.injected else FaultOutcome.CAME_TO_NOTHING

    @property
    def may_be_repeated(self) -> bool:
        return self.outcome is FaultOutcome.CAME_TO_NOTHING and not self.failed


class Nemesis:
    """Does what the plan says.

    Attributes:
        injected: what was done so far, in the order of its end.
        failures: faults that could not be injected or healed, through an error of ours.
    """

    def __init__(
        self,
        stack: Stack,
        profile: Profile,
        *,
        flight: Flight,
        folder: Path,
        hot_users: Sequence[str],
        progress: Callable[[str], None],
    ) -> None:
        self._stack = stack
        self._profile = profile
        self._flight = flight
        self._file = folder / FAULTS_FILE
        self._hot_users = hot_users
        self._progress = progress
        self._held: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.gate = Gate()
        self.injected: list[Injected] = []
        self.failures: list[str] = []
        self.active: dict[int, str] = {}

    async def carry_out(self, plan: Plan, *, began: float) -> None:
        """Returns when every fault of the plan is healed."""
        async with asyncio.TaskGroup() as group:
            for fault in plan.faults:
                group.create_task(self._one(fault, began, until=began + plan.duration_s + _LATE_S))
        # A task that some library's cancellation ended says nothing of itself.
        if lost := len(plan.faults) - len(self.injected):
            self.failures.append(f"{lost} planned faults were neither run nor refused")

    async def _one(self, fault: PlannedFault, began: float, *, until: float) -> None:
        await asyncio.sleep(began + fault.at_s - time.monotonic())
        course = await self._try(fault)
        while course.may_be_repeated and not self._has_happened(fault.kind):
            if time.monotonic() + _AGAIN_S > until:
                break
            self._progress(f"{fault.kind} is tried again: {course.note.detail}")
            await asyncio.sleep(_AGAIN_S)
            course = await self._try(fault)
        self._write_down(fault.kind, course)

    def _has_happened(self, kind: FaultKind) -> bool:
        return any(
            one.kind is kind and one.outcome is FaultOutcome.INJECTED for one in self.injected
        )

    async def _try(self, fault: PlannedFault) -> _Course:
        course = _Course(at=time.monotonic(), healed_at=time.monotonic(), note=Note(""))
        try:
            async with self._alone(fault):
                await self._inject(fault, course)
        except Refused as refused:
            course.refused, course.note.detail = True, refused.reason
        except CameToNothing as nothing:
            course.note.injected, course.note.detail = False, str(nothing)
        # One fault that fails is a finding about this harness; the run goes on and tells it.
        except Exception as error:  # noqa: BLE001
            course.note.injected, course.note.detail = False, f"failed: {error!r}"
            course.failed = True
            self.failures.append(f"{fault.kind} (number {fault.number}): {error!r}")
        finally:
            self.active.pop(fault.number, None)
        return course

    async def _inject(self, fault: PlannedFault, course: _Course) -> None:
        injector = INJECTORS[fault.kind](self._field(fault))
        async with self.gate.acting():
            self._flight.disturb()
            self.active[fault.number] = fault.kind
            course.at = course.healed_at = time.monotonic()
            async with asyncio.timeout(_ACT_S):
                course.note = await injector.__aenter__()
        self._progress(f"{fault.kind}: {course.note.target} {course.note.detail}")
        try:
            await asyncio.sleep(course.at + fault.lasts_s - time.monotonic())
        finally:
            async with self.gate.acting():
                async with asyncio.timeout(_ACT_S):
                    await injector.__aexit__(None, None, None)
            # A process that was killed is healed when it is there again.
            course.healed_at = time.monotonic()

    @asynccontextmanager
    async def _alone(self, fault: PlannedFault) -> AsyncIterator[None]:
        """Waits for an earlier fault of the same thing that takes longer than was planned."""
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(_BUSY_S):
                    # In the order of their names, so that no two wait for each other.
                    for name in fault.holds:
                        await held.enter_async_context(self._held[name])
            except TimeoutError:
                busy = ", ".join(fault.holds)
                raise CameToNothing(f"an earlier fault of {busy} had not ended") from None
            yield

    def _field(self, fault: PlannedFault) -> Field:
        return Field(
            stack=self._stack,
            profile=self._profile,
            gate=self.gate,
            target=fault.target,
            rng=random.Random(fault.seed),  # noqa: S311 - to be repeated, not secret
            hot_users=self._hot_users,
        )

    def _write_down(self, kind: FaultKind, course: "_Course") -> None:
        done = Injected(
            kind=kind,
            at=course.at,
            healed_at=course.healed_at,
            outcome=course.outcome,
            target=course.note.target,
            detail=course.note.detail,
        )
        self.injected.append(done)
        line = {
            "type": "fault",
            "kind": done.kind,
            "at": int(done.at * 1e9),
            "ended_at": int(done.healed_at * 1e9),
            "target": done.target,
            "outcome": done.outcome,
            "detail": done.detail,
        }
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if done.outcome is FaultOutcome.INJECTED:
            self._flight.watch(
                Recovery(
                    kind=kind,
                    since=done.healed_at,
                    allowed_s=allowed_s(done),
                    undisturbed=not self.active,
                )
            )
        else:
            self._progress(f"{kind} does not count: {done.detail}")


def fault_minimums(plan: Plan, done: Sequence[Injected], *, each: int) -> list[str]:
    """What the checker has to find of every planned kind, as it wants to be told.

    What came to nothing excuses no kind; what the machine refused is not asked for.
    """
    planned = Counter(fault.kind for fault in plan.faults)
    planned.subtract(fault.kind for fault in done if fault.outcome is FaultOutcome.NOT_RUN)
    return [f"fault={kind}:{min(each, n)}" for kind, n in sorted(planned.items()) if n > 0]


def allowed_s(fault: Injected) -> float:
    """How long after its heal everything may take: a minute, or twice a shard's outage."""
    if fault.kind not in OUTAGES:
        return RECOVERY_S
    return max(RECOVERY_S, 2 * (fault.healed_at - fault.at))


def allowed_after(faults: Sequence[Injected], last_heal: float) -> float:
    """The same after the last heal of all, for what is left of each fault's own time."""
    left = [allowed_s(fault) - (last_heal - fault.healed_at) for fault in faults]
    return max(RECOVERY_S, *left) if left else RECOVERY_S
