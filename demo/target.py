"""Which gateway the demo talks to: the one it is told, or that of a running `make run`."""

from pathlib import Path

from client import Holdfast
from config.running import RunFileError, run_file, running_gateway
from demo.errors import DemoError

START_FIRST = "start `make run` in another terminal first"


def find_gateway(home: Path) -> str:
    """The gateway's address from `run.json`, which is there while `make run` runs.

    Raises:
        DemoError: nothing runs on this data folder.
    """
    try:
        gateway = running_gateway(home)
    except RunFileError as error:
        raise DemoError(f"{error}: {START_FIRST}") from error
    if gateway is None:
        raise DemoError(f"nothing runs here ({run_file(home)} is missing): {START_FIRST}")
    return gateway


async def require_alive(holdfast: Holdfast) -> None:
    """Makes sure that a gateway answers there.

    Raises:
        DemoError: it does not.
    """
    if not await holdfast.is_alive():
        raise DemoError(f"no gateway answers at {holdfast.url}: {START_FIRST}")
