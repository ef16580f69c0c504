"""What will be done, when, and to what: drawn from a seed before anything starts."""

import random
from dataclasses import dataclass

from reliability.chaos.kinds import SHAPES, FaultKind, Role
from reliability.chaos.profiles import Profile

QUIET_SHARE = 0.25
AT_ONCE_MAX = 3
# The first window waits for traffic to be there.
_FIRST_AT_S = 3.0
_HEALED_BEFORE_END_S = 1.0
# What a machine refuses, or is too slow for, does not count, and a plan cannot know it.
_SPARE = 4
_SPARE_SHARE = 0.2
_DRAWS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFault:
    """One fault.

    Attributes:
        at_s: seconds after the run's start.
        target: number of the process, broker or shard; clients are gateways, then workers.
        holds: what no other fault may touch from its begin until it is healed, however long that
            takes on this machine.
        seed: for what the fault itself draws.
    """

    number: int
    kind: FaultKind
    at_s: float
    lasts_s: float
    target: int
    holds: tuple[str, ...]
    seed: int

    @property
    def until_s(self) -> float:
        """When it is healed."""
        return self.at_s + self.lasts_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole run: the faults in the order in which they begin, and when frames are frozen."""

    seed: int
    duration_s: float
    faults: tuple[PlannedFault, ...]
    frames_at_s: tuple[float, ...]


def make_plan(profile: Profile, seed: int) -> Plan:
    """The plan of this seed: the same for the same profile and seed, on every machine."""
    rng = random.Random(f"{profile.name} {seed}")  # noqa: S311 - to be repeated, not secret
    for _ in range(_DRAWS_MAX):
        faults = _Draw(profile, rng).faults()
        if _is_enough(profile, faults):
            break
    else:
        raise ValueError(f"no plan of {profile.duration_s:.0f} s has enough faults: make it longer")
    frames = int(profile.duration_s / profile.frames_every_s)
    return Plan(
        seed=seed,
        duration_s=profile.duration_s,
        faults=tuple(faults),
        frames_at_s=tuple(round(profile.frames_every_s * n, 1) for n in range(1, frames + 1)),
    )


def _is_enough(profile: Profile, faults: list[PlannedFault]) -> bool:
    least = profile.minimums
    kinds = {fault.kind for fault in faults}
    spare = max(_SPARE, int(least.faults * _SPARE_SHARE))
    return len(faults) >= least.faults + spare and len(kinds) >= min(
        least.kinds + _SPARE, len(FaultKind)
    )


class _Draw:
    """Draws window after window. No two faults of one thing overlap, or which did it?"""

    def __init__(self, profile: Profile, rng: random.Random) -> None:
        self._profile = profile
        self._rng = rng
        self._busy_until: dict[str, float] = {}
        self._bag: list[FaultKind] = []
        self._made: list[PlannedFault] = []

    def faults(self) -> list[PlannedFault]:
        at_s = _FIRST_AT_S
        end_s = self._profile.duration_s - _HEALED_BEFORE_END_S
        while at_s < end_s:
            if self._rng.random() >= QUIET_SHARE:
                for _ in range(self._rng.randint(1, AT_ONCE_MAX)):
                    self._add(at_s, end_s)
            at_s += self._rng.uniform(*self._profile.windows_s)
        return self._made

    def _add(self, at_s: float, end_s: float) -> None:
        kind = self._next_kind()
        shape = SHAPES[kind]
        shortest, longest = shape.lasts_s
        # Most outages are short: a uniform choice would leave a shard away most of the time.
        share = self._rng.random() ** 2
        lasts_s = shortest + share * ((longest or self._profile.outage_s_max) - shortest)
        lasts_s = round(min(lasts_s, end_s - at_s), 2)
        targets = list(range(self._targets(shape.role)))
        self._rng.shuffle(targets)
        seed = self._rng.getrandbits(32)
        for target in targets:
            keys = self._keys(kind, target)
            if lasts_s > 0 and all(self._busy_until.get(key, 0) < at_s for key in keys):
                self._busy_until |= dict.fromkeys(keys, at_s + lasts_s + shape.settles_s)
                self._made.append(
                    PlannedFault(
                        number=len(self._made) + 1,
                        kind=kind,
                        at_s=round(at_s, 2),
                        lasts_s=lasts_s,
                        target=target,
                        holds=tuple(sorted(keys)),
                        seed=seed,
                    )
                )
                return

    def _next_kind(self) -> FaultKind:
        """Every kind once, in any order, then again: a short run has many kinds too."""
        if not self._bag:
            self._bag = list(FaultKind)
            self._rng.shuffle(self._bag)
        return self._bag.pop()

    def _targets(self, role: Role) -> int:
        profile = self._profile
        return {
            Role.GATEWAY: profile.gateways,
            Role.WORKER: profile.workers,
            Role.CLIENT: profile.gateways + profile.workers,
            Role.BROKER: profile.brokers,
            Role.SHARD: profile.shards,
        }.get(role, 1)

    def _keys(self, kind: FaultKind, target: int) -> list[str]:
        """What is busy while this lasts."""
        shape = SHAPES[kind]
        own = self._held_by(kind, shape.role, target)
        return [f"links of {key}" for key in own] if shape.of_links else own

    def _held_by(self, kind: FaultKind, role: Role, target: int) -> list[str]:
        gateways, workers = self._profile.gateways, self._profile.workers
        match role:
            # Clients are numbered gateways first.
            case Role.GATEWAY | Role.CLIENT:
                return [f"client {target}"]
            case Role.WORKER:
                return [f"client {gateways + target}"]
            case Role.GROUP:
                return [f"client {gateways + number}" for number in range(workers)]
            # One broker at a time: with two of three away nothing is acknowledged anyway.
            case Role.BROKER:
                return ["brokers"]
            case Role.TOPICS:
                return ["brokers", "topics"] if kind is FaultKind.DELETE_TOPICS else ["topics"]
            case Role.SHARD:
                return [f"shard {target}"]
