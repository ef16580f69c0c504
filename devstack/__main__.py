"""`python -m devstack run` and `python -m devstack reset`."""

import argparse
import sys

from pydantic import ValidationError

from config.settings import Settings, UnknownSettingError, invalid_settings, load_settings
from devstack import leftovers
from devstack.errors import DevstackError
from devstack.home import Home
from devstack.progress import Progress
from devstack.stopping import StopWish
from devstack.supervisor import Supervisor


def run(settings: Settings) -> None:
    """Starts everything, and comes back when it was stopped and all has ended."""
    stop = StopWish()
    stop.listen()
    Supervisor(settings, stop=stop, progress=Progress("run")).run()


def reset(settings: Settings) -> None:
    """Deletes the data of `make run`; refuses while it runs."""
    progress = Progress("reset")
    home = Home(settings.home)
    if not home.folder.is_dir():
        progress.say(f"nothing to delete: there is no {home.folder}")
        return
    with home.held():
        leftovers.sweep(home.processes, home=home.folder)
        gone = home.delete_data()
    for path in gone:
        progress.say(f"deleted {path}")
    if not gone:
        progress.say(f"nothing to delete in {home.folder}")


def main() -> int:
    """Runs the command named on the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m devstack", description=__doc__)
    commands = {"run": run, "reset": reset}
    parser.add_argument("command", choices=commands)
    command = commands[parser.parse_args().command]
    try:
        command(load_settings())
    except ValidationError as error:
        Progress("error", sys.stderr).say(invalid_settings(error))
        return 1
    except (DevstackError, UnknownSettingError) as error:
        Progress("error", sys.stderr).say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
