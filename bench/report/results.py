"""A run as a whole: its floor, its cases, and what one is in terms of the other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import product
from statistics import fmean, median

from bench.report.lines import CaseLine, FloorLine, MachineInfo, Shape


@dataclass(frozen=True, slots=True)
class Group:
    """Runs of one case: one, or several that alternated with those of another."""

    name: str
    runs: tuple[CaseLine, ...]

    @property
    def shape(self) -> Shape:
        """What all of them ran."""
        return self.runs[0].shape

    @property
    def failure(self) -> str | None:
        """Why the case does not count: one run that does not is enough."""
        failures = [run.failure for run in self.runs if run.failure is not None]
        if not failures:
            return None
        which = f"{len(failures)} of {len(self.runs)} runs: " if len(self.runs) > 1 else ""
        return which + failures[0]

    @property
    def seconds(self) -> float:
        """The length of its shortest run."""
        return min(run.seconds for run in self.runs)

    @property
    def middle(self) -> float:
        """The mean time of its runs, in seconds since 1970."""
        return fmean(run.at.timestamp() for run in self.runs)

    @property
    def is_loaded(self) -> bool:
        """Whether others used the machine in one of the runs."""
        return any(run.is_loaded for run in self.runs)

    def median_of(self, figure: Callable[[CaseLine], float | None]) -> float | None:
        """The median of a figure over the runs; None when the case does not count."""
        found = [value for run in self.runs if (value := figure(run)) is not None]
        return median(found) if found and self.failure is None else None

    @property
    def per_s(self) -> float | None:
        """Completed transfers per second; None when the case does not count."""
        return self.median_of(lambda run: run.completed_per_s)


class Results:
    """The lines of one run.

    Args:
        lines: at least one.

    Raises:
        ValueError: cases of one name have two shapes.
    """

    def __init__(self, lines: Sequence[FloorLine | CaseLine]) -> None:
        self._first = lines[0]
        self.floors = tuple(line for line in lines if isinstance(line, FloorLine))
        runs: dict[str, list[CaseLine]] = {}
        for line in lines:
            if isinstance(line, CaseLine):
                runs.setdefault(line.case, []).append(line)
        self.groups = tuple(Group(name, tuple(found)) for name, found in runs.items())
        self.is_loaded = any(line.is_loaded for line in lines)
        for group in self.groups:
            if any(run.shape != group.shape for run in group.runs):
                raise ValueError(f"runs of {group.name} have different shapes")

    @property
    def run(self) -> str:
        """Its name."""
        return self._first.run

    @property
    def at(self) -> datetime:
        """When it began."""
        return self._first.at

    @property
    def machine(self) -> MachineInfo:
        """Where it ran."""
        return self._first.machine

    @property
    def versions(self) -> dict[str, str]:
        """Of everything that was measured."""
        return self._first.versions

    @cached_property
    def commit(self) -> str:
        """What was measured."""
        known = [group.runs[0].commit for group in self.groups]
        return known[0] if known else self._first.commit

    @cached_property
    def command(self) -> str:
        """How it was called."""
        known = [group.runs[0].command for group in self.groups]
        return known[0] if known else self._first.command

    def floor(self, kind: str) -> float | None:
        """Transfers per second of the floor: the mean of before and after; None without any."""
        found = [
            line.transfers_per_s for line in self.floors if line.case.startswith(f"floor-{kind}-")
        ]
        return fmean(found) if found else None

    def ratio(self, group: Group | None) -> float | None:
        """A case as a share of the random floor."""
        floor = self.floor("random")
        if group is None or floor is None or group.per_s is None:
            return None
        return group.per_s / floor

    @cached_property
    def base(self) -> Shape:
        """What the cross is around: the shape that differs from the others in the least."""
        shapes = [group.shape for group in self.groups]
        plain = [shape for shape in shapes if (shape.mode, shape.workload) == ("post", "random")]
        if not plain:
            raise ValueError("no case of POST alone with random pairs: nothing to compare with")
        return min(plain, key=lambda one: sum(differences(one, other) for other in shapes))

    def like_base(self, **changes: object) -> Group | None:
        """The case of the base's shape but for `changes`; of several the one with the most runs."""
        return max(self._alike(changes), key=lambda group: len(group.runs), default=None)

    def pair(
        self, one: Mapping[str, object], other: Mapping[str, object]
    ) -> tuple[Group | None, Group | None]:
        """Two cases of the base's shape but for some changes, to be compared.

        Of several the two that ran closest together: those that alternated do.
        """
        ones, others = self._alike(one), self._alike(other)
        if not (ones and others):
            return next(iter(ones), None), next(iter(others), None)
        return min(product(ones, others), key=lambda two: abs(two[0].middle - two[1].middle))

    def _alike(self, changes: Mapping[str, object]) -> list[Group]:
        wanted = self.base.model_copy(update=dict(changes))
        return [group for group in self.groups if group.shape == wanted]

    def by_clients(self, mode: str) -> list[Group]:
        """The cases of a mode by clients, one of each number, else of the base's shape.

        Of several the one that was measured longest, whatever it gave: short runs are there to be
        compared with their like, and who may choose among many chooses the luckiest.
        """
        like = self.base.model_dump(exclude={"mode", "clients"})
        found: dict[int, Group] = {}
        for group in self.groups:
            shape = group.shape
            if shape.mode != mode or shape.model_dump(exclude={"mode", "clients"}) != like:
                continue
            known = found.get(shape.clients)
            if known is None or group.seconds > known.seconds:
                found[shape.clients] = group
        return [found[clients] for clients in sorted(found)]

    def best(self, mode: str) -> Group | None:
        """The fastest case of a mode, over the numbers of clients; None if none counts."""
        found = [group for group in self.by_clients(mode) if group.per_s is not None]
        return max(found, key=lambda group: group.per_s or 0.0, default=None)

    def line_of(self, field: str) -> list[Group]:
        """The cases that differ from the base in one field, and the base, in its order."""
        values = sorted({getattr(group.shape, field) for group in self.groups})
        found = [self.like_base(**{field: value}) for value in values]
        return [group for group in found if group is not None]

    def open_loops(self) -> list[Group]:
        """The open loops, by their rates."""
        found = [group for group in self.groups if group.shape.mode == "open"]
        return sorted(found, key=lambda group: group.shape.rate or 0.0)


def differences(one: Shape, other: Shape) -> int:
    """In how many fields two shapes differ."""
    pairs = zip(one.model_dump().items(), other.model_dump().items(), strict=True)
    return sum(first != second for first, second in pairs)
