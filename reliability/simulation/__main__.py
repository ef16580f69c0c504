"""`make simulate`: seeds side by side, on a server of its own.

A seed that fails tells how to repeat it: `python -m reliability.simulation --seed 17 --trace`.
"""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer

from reliability.simulation.endings import too_rare
from reliability.simulation.many import known_regressions, run_side_by_side
from reliability.simulation.run import PAYMENTS, Result
from reliability.simulation.scratch import scratch_server

_TAIL = 25


def main(
    seeds: Annotated[int, typer.Option(help="How many seeds, after the known regressions.")] = 100,
    first: Annotated[int, typer.Option(help="The first of them.")] = 1,
    seed: Annotated[int | None, typer.Option(help="This seed and no other.")] = None,
    trace: Annotated[bool, typer.Option(help="Print every step.")] = False,
    payments: Annotated[int, typer.Option(help="Transfers and holds of each seed.")] = PAYMENTS,
) -> None:
    """Runs the engine under simulated faults; exits with 1 if one failed or too little happened."""
    chosen = [*known_regressions(), *range(first, first + seeds)] if seed is None else [seed]
    failed = []
    endings: Counter[str] = Counter()
    steps = 0
    began = time.monotonic()
    with scratch_server() as server:
        results = run_side_by_side(server.dsn("postgres"), chosen, payments=payments)
        for done, result in enumerate(results, start=1):
            endings += result.endings
            steps += len(result.schedule)
            if trace:
                typer.echo("\n".join(result.schedule))
            if result.violations:
                failed.append(result.seed)
                _tell(result)
            if seed is not None:
                typer.echo(f"fingerprint of schedule and rows: {result.fingerprint}")
            if done % 10 == 0 or done == len(chosen):
                a_minute = done / (time.monotonic() - began) * 60
                typer.echo(
                    f"{done} of {len(chosen)} seeds, {len(failed)} failed, {a_minute:.0f} a minute"
                )
    typer.echo(f"{steps} steps; endings: {dict(sorted(endings.items()))}")
    sys.exit(_sum_up(failed, too_rare(endings, seeds=len(chosen))))


def _sum_up(failed: Sequence[int], rare: Sequence[str]) -> int:
    for ending in rare:
        typer.echo(f"too little happened: {ending}")
    if failed:
        typer.echo(f"FAILED: {failed}; once mended, they belong into regressions.txt")
    return int(bool(failed or rare))


def _tell(result: Result) -> None:
    typer.echo(f"seed {result.seed} FAILED; to repeat it: make simulate SEED={result.seed}")
    for violation in result.violations:
        typer.echo(f"  {violation}")
    typer.echo(f"  its last steps, of {len(result.schedule)} (--trace prints all):")
    for line in result.schedule[-_TAIL:]:
        typer.echo(f"    {line}")


if __name__ == "__main__":
    typer.run(main)
