"""`python -m bench one|quick|full|long`: the engine and its floor, measured on this machine."""

import argparse
import shutil
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench import commands
from bench.errors import MeasureError
from bench.floor import FloorError
from bench.ledgers import LedgerError
from bench.options import case_of, read_options, settings_of
from bench.report.__main__ import PLACES
from bench.report.document import MarkerError
from bench.report.lines import LineError
from bench.report.write import Kind, report
from bench.run import Run
from bench.stack.servers import running_servers
from devstack.errors import DevstackError
from devstack.progress import Progress

_EXIT_STOPPED = 130
_TOLD = (DevstackError, MeasureError, FloorError, LedgerError, LineError, MarkerError, ValueError)


def _play_of(given: argparse.Namespace) -> commands.Play:
    match given.command:
        case "one":
            return commands.one(case_of(given))
        case "long":
            return commands.long(given.minutes * 60)
        case "quick":
            return commands.quick
        case _:
            return commands.full


def _run(given: argparse.Namespace) -> int:
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    settings = settings_of(given)
    with running_servers(given.folder, progress=_PROGRESS) as servers:
        # Beside the data until all of it is there: half a run is no result.
        lines = given.folder / f"{name}.jsonl"
        with lines.open("a", encoding="utf-8", buffering=1) as file:
            run = Run(
                name=name,
                command=" ".join(["python -m bench", *sys.argv[1:]]),
                servers=servers,
                settings=settings,
                progress=_PROGRESS,
                write=lambda line: file.write(f"{line}\n"),
            )
            _play_of(given)(run)
    _finish(lines, Kind.of(run.command))
    return 1 if any(line.get("problem") for line in run.lines) else 0


def _finish(lines: Path, kind: Kind) -> None:
    """Lines that stay go where results are; a run of a kind is told, any other is printed."""
    told = Progress("bench")
    if kind in (Kind.FULL, Kind.LONG):
        result = PLACES.results / lines.name
        shutil.copyfile(lines, result)
        _PROGRESS.say(f"its lines are in {result}")
        told.block(report(result, PLACES))
    elif kind is Kind.QUICK:
        told.block(report(lines, PLACES))
    else:
        told.block(lines.read_text(encoding="utf-8").rstrip())
    lines.unlink()


_PROGRESS = Progress("bench", sys.stderr)


def _stop(_number: int, _frame: object) -> None:
    # Once: what has begun to end must not be ended half way by a second Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> int:
    """Runs the command; 0 when every run counts, 1 when one does not, 130 when stopped."""
    given = read_options(__doc__)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        return _run(given)
    except KeyboardInterrupt:
        _PROGRESS.say("stopped")
        return _EXIT_STOPPED
    except psutil.NoSuchProcess as error:
        _PROGRESS.say(f"a process ended while it was measured; the logs say why: {error}")
    except _TOLD as error:
        Progress("error", sys.stderr).say(str(error))
    return 1


if __name__ == "__main__":
    sys.exit(main())
