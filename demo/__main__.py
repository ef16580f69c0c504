"""`python -m demo`: traffic against a running system; 0 when everything agrees, 1 when not."""

import argparse
import sys
from collections.abc import Callable

import uvloop
from pydantic import ValidationError
from rich.console import Console

from client import ClientError
from config.settings import UnknownSettingError, invalid_settings, load_settings
from demo.errors import AWAY, DemoError
from demo.run import Options, run_demo
from demo.target import find_gateway

_EXIT_STOPPED = 130
_TOLD = (DemoError, ClientError, UnknownSettingError)


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be {least} or more")
        return value

    return number


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--gateway", help="its URL; that of the running `make run` by default")
    parser.add_argument("--seed", type=int, default=1, help="of the plan: who pays whom how much")
    parser.add_argument("--users", type=_at_least(2), default=100)
    parser.add_argument("--transfers", type=_at_least(0), default=5_000)
    parser.add_argument(
        "--no-audit", action="store_true", help="for shards that cannot be reached from here"
    )
    given = parser.parse_args()
    return Options(
        gateway=(given.gateway or find_gateway(load_settings().home)).rstrip("/"),
        seed=given.seed,
        users=given.users,
        transfers=given.transfers,
        audit=not given.no_audit,
    )


def main() -> int:
    """Runs the demo of the command line; returns the exit code."""
    try:
        agrees = uvloop.run(run_demo(_options(), Console()))
    except KeyboardInterrupt:
        print("[demo] stopped", file=sys.stderr)
        return _EXIT_STOPPED
    except (*_TOLD, ValidationError, ExceptionGroup) as error:
        told = _told(error)
        if told is None:
            raise
        print(f"[demo] {told}", file=sys.stderr)
        return 1
    return 0 if agrees else 1


def _told(error: Exception) -> str | None:
    """What a person is told; None for a bug. Of several failures, the first one that counts."""
    if isinstance(error, ExceptionGroup):
        return next(filter(None, map(_told, error.exceptions)), None)
    if isinstance(error, ValidationError):
        return invalid_settings(error)
    if isinstance(error, AWAY):
        return f"{error} Is `make run` still running? Its logs say more."
    return str(error) if isinstance(error, _TOLD) else None


if __name__ == "__main__":
    sys.exit(main())
