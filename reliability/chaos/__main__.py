"""`python -m reliability.chaos`: a run, its report, and 1 where anything was wrong."""

import argparse
import asyncio
import shutil
import signal
import sys
import time
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path

import uvloop

from config.limits import raise_file_limit
from devstack.errors import DevstackError
from reliability.chaos.load.cast import RegistrationError
from reliability.chaos.plan import make_plan
from reliability.chaos.profiles import PROFILES, Profile, shortened
from reliability.chaos.report import Result, as_text, write_json
from reliability.chaos.run import STACK_FOLDER, run

_FOLDER = Path(".holdfast/chaos")


def main() -> int:
    """The exit code: 0 all is well, 1 a violation or too little was done, 2 there was no run."""
    options = _options()
    profile = _profile(options.profile, options.duration_min)
    if options.plan:
        _print_plan(profile, options.seed)
        return 0
    raise_file_limit()
    folder = options.folder or _FOLDER / f"{profile.name}-{options.seed}-{datetime.now():%H%M%S}"  # noqa: DTZ005 - for a person's eye
    folder = folder.resolve()
    folder.mkdir(parents=True)
    began = time.monotonic()

    def progress(text: str) -> None:
        print(f"[chaos {time.monotonic() - began:4.0f}] {text}", flush=True)

    progress(f"profile {profile.name}, seed {options.seed}, in {folder}")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            result = runner.run(
                _until_told(run(profile, seed=options.seed, folder=folder, progress=progress))
            )
    except (DevstackError, RegistrationError) as error:
        print(f"There was no run: {error}\nLogs are in {folder}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        print(f"Stopped; what there is lies in {folder}", file=sys.stderr)
        return 2
    _tell(result, folder, keep=options.keep or not result.ok)
    return 0 if result.ok else 1


async def _until_told(running: Coroutine[None, None, Result]) -> Result:
    """SIGTERM and a closed terminal end it as Ctrl-C does: with everything that it started."""
    task = asyncio.create_task(running)
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


def _tell(result: Result, folder: Path, *, keep: bool) -> None:
    """The report. Databases, topics and logs are only of use where something is wrong."""
    write_json(result, folder / "report.json")
    text = as_text(result)
    (folder / "report.txt").write_text(text + "\n", encoding="utf-8")
    if not keep:
        shutil.rmtree(folder / STACK_FOLDER, ignore_errors=True)
    print(text)
    print(f"The report is in {folder}" + (", with history, data and logs" if keep else ""))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="reliability.chaos", description=__doc__)
    parser.add_argument("--profile", choices=sorted(PROFILES), default="smoke")
    parser.add_argument("--seed", type=int, default=1, help="the same seed is the same plan")
    parser.add_argument("--duration-min", type=float, help="minutes, instead of the profile's")
    parser.add_argument("--folder", type=Path, help="where all of it goes; must not exist")
    parser.add_argument("--keep", action="store_true", help="keeps the data of a clean run too")
    parser.add_argument("--plan", action="store_true", help="only says what would be done")
    return parser.parse_args()


def _profile(name: str, duration_min: float | None) -> Profile:
    profile = PROFILES[name]
    return profile if duration_min is None else shortened(profile, duration_min)


def _print_plan(profile: Profile, seed: int) -> None:
    for fault in make_plan(profile, seed).faults:
        print(f"{fault.at_s:8.2f} s, for {fault.lasts_s:6.2f} s: {fault.kind} {fault.target}")


if __name__ == "__main__":
    sys.exit(main())
