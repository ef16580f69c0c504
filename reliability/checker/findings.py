"""What one check of a run found."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reliability.checker.invariants import Invariant

# Told of each invariant; the rest is counted.
VIOLATIONS_MAX = 50

ALL_SHARDS = "*"

EXIT_CLEAN = 0
EXIT_VIOLATED = 1
EXIT_NOT_CHECKED = 2


class Phase(StrEnum):
    """How much can be required: while money moves, while all stands still, after the end."""

    LIVE = "live"
    FROZEN = "frozen"
    FINAL = "final"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """An invariant that does not hold; `invariant` may also be the name of an audit's check."""

    invariant: str
    shard: str
    subject: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """Something that happened too seldom for the run to prove anything about it."""

    what: str
    minimum: int
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of one check.

    Attributes:
        violations: at most VIOLATIONS_MAX of each invariant; `untold` counts the others.
        unmet: the minimums that the run did not reach.
        not_checked: what could not be told, and why.
        examined: how many subjects each invariant was held against.
        counted: endings, answers, reads and faults, as `--minimum` names them.
    """

    phase: Phase
    violations: tuple[Violation, ...]
    untold: Mapping[str, int]
    unmet: tuple[Unmet, ...]
    not_checked: tuple[str, ...]
    examined: Mapping[str, int]
    counted: Mapping[str, int]

    @property
    def exit_code(self) -> int:
        """A violation stands, whatever else could not be checked."""
        if self.violations or self.unmet:
            return EXIT_VIOLATED
        return EXIT_NOT_CHECKED if self.not_checked else EXIT_CLEAN


@dataclass(slots=True)
class Findings:
    """Gathers what the parts of one check find."""

    violations: list[Violation] = field(default_factory=list)
    untold: Counter[str] = field(default_factory=Counter)
    not_checked: list[str] = field(default_factory=list)
    examined: Counter[str] = field(default_factory=Counter)
    _told: Counter[str] = field(default_factory=Counter)

    def violated(
        self, invariant: Invariant, subject: str, *, expected: str, found: str, shard: str
    ) -> None:
        """Adds a violation, or counts it where enough of its kind have been told."""
        self.add(
            Violation(
                invariant=invariant.value,
                shard=shard,
                subject=subject,
                expected=expected,
                found=found,
            )
        )

    def add(self, violation: Violation) -> None:
        """As `violated`, with a violation that is made."""
        if self._told[violation.invariant] == VIOLATIONS_MAX:
            self.untold[violation.invariant] += 1
            return
        self._told[violation.invariant] += 1
        self.violations.append(violation)

    def examine(self, invariant: Invariant, count: int = 1) -> None:
        """Counts subjects that an invariant is held against."""
        self.examined[invariant.value] += count

    def cannot(self, why: str) -> None:
        """Notes what could not be checked."""
        self.not_checked.append(why)
