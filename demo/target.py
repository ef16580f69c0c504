"""Which gateway the demo talks to: the one it is told, or that of a running `make run`."""

import json
from pathlib import Path

from client import Holdfast
from demo.errors import DemoError

START_FIRST = "start `make run` in another terminal first"


def find_gateway(home: Path) -> str:
    """The gateway's address from `run.json`, which is there while `make run` runs.

    Raises:
        DemoError: nothing runs on this data folder.
    """
    path = home / "run.json"
    try:
        gateway = json.loads(path.read_text(encoding="utf-8"))["gateway"]
    except FileNotFoundError:
        raise DemoError(f"nothing runs here ({path} is missing): {START_FIRST}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DemoError(f"{path} cannot be used ({error!r}): {START_FIRST}") from error
    return str(gateway).rstrip("/")


async def require_alive(holdfast: Holdfast) -> None:
    """Makes sure that a gateway answers there.

    Raises:
        DemoError: it does not.
    """
    if not await holdfast.is_alive():
        raise DemoError(f"no gateway answers at {holdfast.url}: {START_FIRST}")
