"""What a run showed, as text for a person and as JSON for a machine."""

import json
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from reliability.chaos.exits import UnexpectedExit, told, wrong
from reliability.chaos.flight import Recovery
from reliability.chaos.freeze import Frame
from reliability.chaos.judge import Judgement
from reliability.chaos.kinds import FaultKind
from reliability.chaos.nemesis import Injected
from reliability.chaos.profiles import ENDINGS, Profile
from reliability.history import FaultOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything that a run found.

    Attributes:
        accepted: transfers that a client was told of with 2xx.
        skipped: requests that were due and not begun, as every client was busy.
        gave_up: requests whose client asked no more before it had a final answer.
        statuses: transfers by status, on all shards.
        drained_s: from the last heal until everything was over; None if it was not.
        slowest: transfers that were under way longest, and their rows.
        stuck: ids of what was not over in time, with its age.
        judgements: of the checker and the audit, at the end.
        problems: whatever else went wrong: answers out of contract, faults that failed.
    """

    profile: Profile
    seed: int
    took_s: float
    faults: Sequence[Injected]
    frames: Sequence[Frame]
    answers: Mapping[str, int]
    accepted: int
    skipped: int
    gave_up: int
    statuses: Mapping[str, int]
    reasons: Mapping[str, int]
    false_expiries: int
    slowest: Mapping[str, float]
    slowest_rows: Sequence[Mapping[str, str]]
    drained_s: float | None
    allowed_s: float
    stuck: Mapping[str, float]
    recoveries: Sequence[Recovery]
    exits: Sequence[UnexpectedExit]
    judgements: Sequence[Judgement]
    problems: Sequence[str]

    @property
    def injected(self) -> Counter[str]:
        """Faults that happened, by kind."""
        ran = FaultOutcome.INJECTED
        return Counter(fault.kind.value for fault in self.faults if fault.outcome is ran)

    @property
    def not_run(self) -> dict[str, str]:
        """Kinds that this machine refused, with the last reason."""
        return self._details(FaultOutcome.NOT_RUN)

    @property
    def came_to_nothing(self) -> dict[str, str]:
        """Kinds that could have happened and did not at least once, with the last reason."""
        return self._details(FaultOutcome.CAME_TO_NOTHING)

    def _details(self, outcome: FaultOutcome) -> dict[str, str]:
        return {fault.kind.value: fault.detail for fault in self.faults if fault.outcome is outcome}

    @property
    def frames_taken(self) -> int:
        """Frames that were judged."""
        return sum(frame.judgement is not None for frame in self.frames)

    @property
    def measured(self) -> list[Recovery]:
        """Recoveries of one fault alone."""
        return [one for one in self.recoveries if one.undisturbed and one.took_s is not None]

    @property
    def oldest_s(self) -> float:
        """The longest time that a transfer was under way."""
        return max(self.slowest.values(), default=0.0)

    @property
    def violations(self) -> list[str]:
        """What must not be, whatever was done."""
        found = list(self.problems)
        judged = [*self.judgements, *(f.judgement for f in self.frames if f.judgement is not None)]
        for judgement in judged:
            if not judgement.clean:
                said = "\n    ".join(judgement.lines)
                found.append(f"{judgement.by} ended with {judgement.exit_code}:\n    {said}")
        if self.drained_s is None:
            ids = ", ".join(list(self.stuck)[:5])
            found.append(
                f"{len(self.stuck)} transfers not over {self.allowed_s:.0f} s after the last heal:"
                f" {ids}"
            )
        found += [
            f"{one.kind} took {one.took_s:.1f} s to recover from, {one.allowed_s:.0f} s are allowed"
            for one in self.measured
            if (one.took_s or 0) > one.allowed_s
        ]
        found += told(wrong(self.exits, self.faults))
        if self.false_expiries:
            found.append(f"{self.false_expiries} transfers or holds expired before their time")
        return found

    @property
    def unmet(self) -> list[str]:
        """Minimums that were not reached: then the run shows less than it should."""
        least = self.profile.minimums
        reached = {
            "faults": (self.injected.total(), least.faults),
            "kinds of faults": (len(self.injected), least.kinds),
            "accepted transfers": (self.accepted, least.transfers),
            "frames": (self.frames_taken, least.frames),
        } | {f"transfers {one}": (self.statuses.get(one, 0), least.ending) for one in ENDINGS}
        return [
            f"{found:,} {what}, at least {wanted:,} are needed"
            for what, (found, wanted) in reached.items()
            if found < wanted
        ]

    @property
    def ok(self) -> bool:
        """Whether nothing was violated and enough was done to say so."""
        return not self.violations and not self.unmet


def write_json(result: Result, path: Path) -> None:
    """The whole result, for machines."""
    document = asdict(result) | {
        "ok": result.ok,
        "injected": result.injected,
        "not_run": result.not_run,
        "came_to_nothing": result.came_to_nothing,
        "violations": result.violations,
        "unmet": result.unmet,
        "recovery_s": _spread(result),
        "oldest_s": result.oldest_s,
    }
    # Sets of ids that were watched are of no use afterwards.
    for recovery in document["recoveries"]:
        recovery["left"] = sum(len(ids) for ids in recovery["left"].values())
    path.write_text(json.dumps(document, indent=2, default=str) + "\n", encoding="utf-8")


def as_text(result: Result) -> str:
    """What a person wants to know, worst last."""
    profile = result.profile
    short = " (shortened: minimums in proportion)" if profile.shortened else ""
    kinds = f"{len(result.injected)} (of {len(FaultKind)}) kinds"
    each = ", ".join(f"{kind} {count}" for kind, count in sorted(result.injected.items()))
    statuses = ", ".join(f"{result.statuses.get(one, 0):,} {one}" for one in ENDINGS)
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(result.reasons.items()))
    answers = ", ".join(f"{count:,} x {status}" for status, count in sorted(result.answers.items()))
    lines = [
        f"profile {profile.name}{short}, seed {result.seed}, {result.took_s:.0f} s in all",
        f"{result.injected.total()} faults of {kinds}: {each}",
        *(f"  not run: {kind}: {why}" for kind, why in sorted(result.not_run.items())),
        *(
            f"  came to nothing: {one}: {why}"
            for one, why in sorted(result.came_to_nothing.items())
        ),
        f"answers: {answers}",
        f"  {result.gave_up:,} requests given up; {result.skipped:,} not begun, all clients busy",
        f"transfers: {result.accepted:,} accepted; {statuses}",
        f"  reasons: {reasons}",
        f"freeze-frames: {result.frames_taken} of {len(result.frames)}",
        *(f"  missed at {f.at_s:.0f} s: {f.detail}" for f in result.frames if f.judgement is None),
        f"oldest in flight: {result.oldest_s:.1f} s; false expiries: {result.false_expiries}",
        f"drained after the last heal: {_seconds(result.drained_s)} of {result.allowed_s:.0f} s",
        f"recovery: {_spread_text(result)}",
        *(f"  {text}" for text in told(result.exits)),
        *(f"{j.by}: {'clean' if j.clean else 'NOT clean'}" for j in result.judgements),
        *(f"VIOLATION: {text}" for text in result.violations),
        *(f"TOO LITTLE: {text}" for text in result.unmet),
        "OK: not a cent lost." if result.ok else "FAILED",
    ]
    return "\n".join(lines)


def _spread(result: Result) -> dict[str, float | int | None]:
    alone = [one.took_s for one in result.measured if one.took_s is not None]
    every = [one.took_s for one in result.recoveries if one.took_s is not None]
    return {
        "measured": len(alone),
        "p50": statistics.median(alone) if alone else None,
        "max": max(alone, default=None),
        "among_others": len(every) - len(alone),
        "p50_of_all": statistics.median(every) if every else None,
        "max_of_all": max(every, default=None),
    }


def _spread_text(result: Result) -> str:
    spread = _spread(result)
    return (
        f"p50 {_seconds(spread['p50'])}, max {_seconds(spread['max'])}"
        f" ({spread['measured']} faults that were alone);"
        f" p50 {_seconds(spread['p50_of_all'])}, max {_seconds(spread['max_of_all'])} (all)"
    )


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"
