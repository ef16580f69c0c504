"""`python -m bench.report [RUN]`: a run into docs/performance.md, the plots and the history."""

import argparse
import sys
from pathlib import Path

from bench.report.document import MarkerError
from bench.report.lines import LineError
from bench.report.write import Places, newest_run, report
from devstack.progress import Progress

_ROOT = Path(__file__).parents[2]
PLACES = Places(results=_ROOT / "bench" / "results", document=_ROOT / "docs" / "performance.md")
FULL = "make bench"


def main(argv: list[str] | None = None) -> int:
    """Runs it; 0 when it is written, 1 when something cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m bench.report", description=__doc__)
    parser.add_argument(
        "run",
        nargs="?",
        help=f"its name, as in bench/results; the newest of `{FULL}` by default",
    )
    parser.add_argument(
        "--history-only",
        action="store_true",
        help="for a quick run: into the history, while the document shows the last full one",
    )
    given = parser.parse_args(argv)
    try:
        lines = (
            newest_run(PLACES.results, command=FULL)
            if given.run is None
            else PLACES.results / f"{given.run}.jsonl"
        )
        told = report(lines, PLACES, in_document=not given.history_only)
    except (LineError, MarkerError, OSError, ValueError) as error:
        Progress("error", sys.stderr).say(str(error))
        return 1
    Progress("bench").block(told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
