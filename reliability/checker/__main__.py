"""`python -m reliability.checker`: checks a run from outside, in a process of its own.

Exit codes: 0 clean, 1 violations or unmet minimums, 2 something could not be checked.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from reliability.checker.findings import Phase, Result
from reliability.checker.run import check
from reliability.checker.vacuity import parse_minimum


def main(arguments: Sequence[str] | None = None) -> int:
    """Checks, tells what was found, and returns the exit code."""
    options = _parser().parse_args(arguments)
    result = asyncio.run(
        check(
            folder=options.folder,
            dsns=dict(options.dsn),
            phase=options.phase,
            minimums=options.minimum,
            progress=lambda step: _say(sys.stderr, f"[checker] {step}"),
        )
    )
    if options.json is not None:
        document = asdict(result) | {"exit_code": result.exit_code}
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    for line in tell(result):
        _say(sys.stdout, line)
    return result.exit_code


def tell(result: Result) -> list[str]:
    """A line for each thing that is wrong, and one for the whole."""
    lines = [
        f"{found.invariant} on {found.shard}: {found.subject}:"
        f" expected {found.expected}; found {found.found}"
        for found in result.violations
    ]
    lines += [f"{name}: {count} more" for name, count in sorted(result.untold.items())]
    lines += [
        f"too few: {one.what} happened {one.found} times, {one.minimum} are the minimum"
        for one in result.unmet
    ]
    lines += [f"not checked: {why}" for why in result.not_checked]
    violations = len(result.violations) + sum(result.untold.values())
    lines.append(
        f"{result.phase}: {violations} violations, {len(result.unmet)} unmet minimums,"
        f" {len(result.not_checked)} not checked; {len(result.examined)} invariants held against"
        f" {sum(result.examined.values())} subjects"
    )
    return lines


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reliability.checker", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="of the run")
    parser.add_argument(
        "--dsn",
        type=_dsn,
        action="append",
        required=True,
        metavar="SHARD=DSN",
        help="straight to a shard's database; one for every shard",
    )
    parser.add_argument("--phase", type=Phase, choices=list(Phase), default=Phase.FINAL)
    parser.add_argument(
        "--minimum",
        type=parse_minimum,
        action="append",
        default=[],
        metavar="WHAT=NAME:COUNT",
        help="such as ending=expired:5 or fault=kill_worker:3; only of the final phase",
    )
    parser.add_argument("--json", type=Path, help="writes the result to this file")
    return parser


def _dsn(text: str) -> tuple[str, str]:
    name, equals, dsn = text.partition("=")
    if not (name and equals and dsn):
        raise ValueError(text)
    return name, dsn


def _say(stream: TextIO, line: str) -> None:
    print(line, file=stream, flush=True)


if __name__ == "__main__":
    sys.exit(main())
