"""`python -m reliability.crashpoints`: every fault at every I/O of every step; 1 on a violation."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from reliability.crashpoints.bench import Bench
from reliability.crashpoints.crew import quiet_logs, run_all
from reliability.crashpoints.points import CrashPoint, NumberedIo
from reliability.crashpoints.run import Outcome
from reliability.crashpoints.scenarios import SCENARIOS
from reliability.simulation.scratch import scratch_server

_TELL_EVERY = 100
Numbered = Mapping[str, Sequence[NumberedIo]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what the command line asks for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m reliability.crashpoints", description=__doc__)
    parser.add_argument("--only", default="", help='such as "confirm" or "try 3 fails redriven"')
    parser.add_argument("--list", action="store_true", help="number the I/Os, and no more")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell what happened, in order")
    asked = parser.parse_args(arguments)
    quiet_logs()
    with scratch_server() as server:
        server_dsn = server.dsn("postgres")
        numbered = _number(server_dsn)
        if numbered is None:
            return 1
        if asked.list:
            _list(numbered)
            return 0
        points = _chosen(numbered, only=asked.only)
        if not points:
            print(f"[crashpoints] no point is {asked.only!r}; --list shows them", file=sys.stderr)
            return 1
        return _run(server_dsn, points, numbered, verbose=asked.verbose)


def _number(server_dsn: str) -> dict[str, list[NumberedIo]] | None:
    """The I/Os of each step; None when a step is wrong already without a fault."""
    bench = Bench(server_dsn, prefix="numbering")
    numbered = {}
    try:
        for scenario in SCENARIOS:
            outcome = bench.number(scenario)
            if outcome.violations:
                print(f"[crashpoints] {scenario.name}, without a fault: {outcome.violations}")
                return None
            numbered[scenario.name] = outcome.ios
    finally:
        bench.close()
    return numbered


def _chosen(numbered: Numbered, *, only: str) -> list[CrashPoint]:
    points = [p for scenario in SCENARIOS for p in scenario.points(numbered[scenario.name])]
    return [p for p in points if not only or f"{p} ".startswith(f"{only} ")]


def _run(
    server_dsn: str, points: Sequence[CrashPoint], numbered: Numbered, *, verbose: bool
) -> int:
    began = time.monotonic()
    violated: list[CrashPoint] = []
    for done, (point, outcome) in enumerate(run_all(server_dsn, points), 1):
        if outcome.violations:
            violated.append(point)
        if outcome.violations or verbose:
            _tell(point, outcome)
        if done % _TELL_EVERY == 0:
            seconds = time.monotonic() - began
            print(
                f"[crashpoints] {done} of {len(points)} points, {len(violated)} with violations,"
                f" {seconds:.0f} s",
                flush=True,
            )
    _table(points, violated, numbered)
    print(f"{len(points)} points, {len(violated)} violations, {time.monotonic() - began:.0f} s")
    return int(bool(violated))


def _tell(point: CrashPoint, outcome: Outcome) -> None:
    print(f"\n{point}")
    for line in outcome.schedule:
        print(f"    {line}")
    for violation in outcome.violations:
        print(f"  VIOLATION {violation}")
    print(f'  alone: python -m reliability.crashpoints -v --only "{point}"\n', flush=True)


def _table(
    points: Sequence[CrashPoint], violated: Sequence[CrashPoint], numbered: Numbered
) -> None:
    of_step = Counter(point.step for point in points)
    wrong = Counter(point.step for point in violated)
    print(f"{'step':20} {'I/Os':>5} {'points':>7} {'violations':>11}")
    for step, count in of_step.items():
        print(f"{step:20} {len(numbered[step]):5} {count:7} {wrong[step]:11}")


def _list(numbered: Numbered) -> None:
    for step, ios in numbered.items():
        print(step)
        for io in ios:
            print(f"  {io}")


if __name__ == "__main__":
    sys.exit(main())
