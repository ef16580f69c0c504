"""`python -m postman`: the collection against a running system; 0 when it is green, 1 when not."""

import argparse
import sys
from pathlib import Path

from pydantic import ValidationError

from config.settings import UnknownSettingError, invalid_settings, load_settings
from demo.errors import DemoError
from demo.target import find_gateway
from devstack.progress import Progress
from postman.collection import COLLECTION
from postman.errors import PostmanError
from postman.run import Options, run_collection
from postman.tools import default_folder

_EXIT_STOPPED = 130


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m postman", description=__doc__)
    parser.add_argument("--gateway", help="its URL; that of the running `make run` by default")
    parser.add_argument(
        "--without-operator", action="store_true", help="skips what only an operator may do"
    )
    parser.add_argument("--collection", type=Path, default=COLLECTION, help="another collection")
    parser.add_argument(
        "--tools", type=Path, default=default_folder(), help="where Node and newman are kept"
    )
    given = parser.parse_args()
    return Options(
        gateway=(given.gateway or find_gateway(load_settings().home)).rstrip("/"),
        collection=given.collection.resolve(),
        tools=given.tools.resolve(),
        with_operator=not given.without_operator,
        needs_operator=given.gateway is None,
    )


def main() -> int:
    """Runs the collection of the command line; returns the exit code."""
    progress = Progress("postman")
    try:
        is_well = run_collection(_options(), progress)
    except KeyboardInterrupt:
        progress.say("stopped")
        return _EXIT_STOPPED
    except (PostmanError, DemoError, UnknownSettingError) as error:
        progress.say(str(error))
        return 1
    except ValidationError as error:
        progress.say(invalid_settings(error))
        return 1
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
