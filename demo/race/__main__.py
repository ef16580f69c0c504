"""`make demo-race`: 0 when the real steps were right and the unlocked ones were caught, else 1."""

import argparse
import signal
import sys
import time
from types import FrameType

import uvloop
from rich.console import Console

from demo.errors import DemoError
from demo.race.plan import Plan, make_plan
from demo.race.report import print_race
from demo.race.run import run_race
from devstack.errors import DevstackError
from devstack.progress import Progress
from reliability.simulation.scratch import scratch_server
from shards.errors import ShardError

_EXIT_STOPPED = 130
_REQUESTS = 200
_AFFORDABLE = 20
_CONNECTIONS = 50


def main() -> int:
    """Runs the race of the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo.race", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the requests")
    seed: int = parser.parse_args().seed
    signal.signal(signal.SIGTERM, _stop)
    plan = make_plan(
        seed=seed, requests=_REQUESTS, affordable=_AFFORDABLE, connections=_CONNECTIONS
    )
    try:
        return _race(plan, seed=seed, progress=Progress("race"))
    except KeyboardInterrupt:
        print("[race] stopped", file=sys.stderr)
        return _EXIT_STOPPED
    except (DemoError, DevstackError, ShardError) as error:
        print(f"[race] {error}", file=sys.stderr)
        return 1


def _race(plan: Plan, *, seed: int, progress: Progress) -> int:
    since = time.monotonic()
    progress.say("a PostgreSQL of its own, in a temporary folder")
    with scratch_server({}) as server:
        progress.done(f"PostgreSQL is ready on port {server.port}", since=since)
        race = uvloop.run(run_race(server, plan, seed=seed, progress=progress))
    progress.done("PostgreSQL has ended, and its folder is gone; over", since=since)
    print_race(Console(), plan, unlocked=race.unlocked, real=race.real)
    return 0 if race.shows_it(plan) else 1


def _stop(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM ends it as Ctrl-C does: with the server that it started."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
