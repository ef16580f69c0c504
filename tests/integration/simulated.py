"""What tests of the simulation have in common."""

from collections.abc import Iterable, Sequence

from reliability.simulation.many import run_seeds
from reliability.simulation.run import PAYMENTS, Result


def violations(results: Sequence[Result]) -> list[str]:
    """What was wrong, each with how to repeat it."""
    return [
        f"seed {result.seed} (make simulate SEED={result.seed}): {violation}"
        for result in results
        for violation in result.violations
    ]


def first_found(scratch_dsn: str, seeds: Iterable[int]) -> list[str]:
    """What the first of the seeds that finds anything says of the engine as it is now."""
    for seed in seeds:
        said = violations(run_seeds(scratch_dsn, [seed], payments=PAYMENTS, drain_s=30.0))
        if said:
            return said
    return []
