"""`python -m bench.report [RUN]`: a run into docs/performance.md, the plots and the history."""

import argparse
import sys
from pathlib import Path

from bench.report.document import MarkerError
from bench.report.lines import LineError
from bench.report.write import Kind, Places, newest_run, report
from devstack.progress import Progress

_ROOT = Path(__file__).parents[2]
PLACES = Places(results=_ROOT / "bench" / "results", document=_ROOT / "docs" / "performance.md")


def main(argv: list[str] | None = None) -> int:
    """Runs it; 0 when it is written, 1 when there is none, or it cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m bench.report", description=__doc__)
    parser.add_argument(
        "run",
        nargs="?",
        help="its name, as in bench/results; by default the newest full one, and the newest long",
    )
    given = parser.parse_args(argv)
    try:
        for lines in _chosen(given.run):
            Progress("bench").block(report(lines, PLACES))
    except (LineError, MarkerError, OSError, ValueError) as error:
        Progress("error", sys.stderr).say(str(error))
        return 1
    return 0


def _chosen(run: str | None) -> list[Path]:
    if run is not None:
        return [PLACES.results / f"{run}.jsonl"]
    newest = [newest_run(PLACES.results, kind) for kind in (Kind.LONG, Kind.FULL)]
    found = [path for path in newest if path is not None]
    if not found:
        raise LineError(f"no run in {PLACES.results}: `{Kind.FULL}` makes one")
    return found


if __name__ == "__main__":
    sys.exit(main())
